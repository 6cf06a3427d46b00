// Package roles serves roles and what they imply (contract/directory.md section 8).
package roles

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d, g := a.Directory, a.Registry
	return []api.Operation{
		create(d), get(g), list(g), update(d, g), remove(d, g),
		imply(d, g), getImplied(g), checkImplied(g), listImplied(g), unimply(d, g), listInferences(g),
	}
}

// shown is a role on the wire.
type shown struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DomainID    *string         `json:"domain_id"`
	Description *string         `json:"description"`
	Options     options         `json:"options"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

type options struct {
	Immutable *bool `json:"immutable,omitzero"`
}

func show(c *api.Call, r directory.Role) shown {
	s := shown{
		ID: r.ID, Name: r.Name, Description: r.Description, Options: options{r.Immutable},
		Extra: directory.Fields(r.Extra), Links: api.SelfLink{Self: c.Link("roles", r.ID)},
	}
	if r.DomainID != "" {
		s.DomainID = &r.DomainID
	}
	return s
}

type body struct {
	Role shown `json:"role"`
}

type listBody struct {
	Roles []shown `json:"roles"`
	api.Collection
}

// attributes are a client's words about a role.
type attributes struct {
	ID          jsontext.Value             `json:"id"`
	Links       jsontext.Value             `json:"links"`
	Name        api.Given[string]          `json:"name"`
	DomainID    api.Given[string]          `json:"domain_id"`
	Description api.Given[string]          `json:"description"`
	Options     api.Given[directory.Extra] `json:"options"`
	Extra       map[string]jsontext.Value  `json:",embed"`
}

func (r *attributes) check() error {
	if r.Name.Set {
		name, err := directory.CleanName("role.name", r.Name.Value, directory.MaxRoleName)
		if err != nil {
			return err
		}
		r.Name.Value = name
	}
	return directory.CheckOptions("role.options", r.Options.Value)
}

// immutable is the option as it stands after a change.
func (r attributes) immutable(before *bool) *bool {
	v, given := r.Options.Value["immutable"]
	if !given {
		return before
	}
	if v.Kind() == 'n' {
		return nil
	}
	on := v.Kind() == 't'
	return &on
}

// action is Keystone's name for doing something to a role: one of a domain has its own.
func action(verb string, domainID string) string {
	if domainID != "" {
		return "identity:" + verb + "_domain_role"
	}
	return "identity:" + verb + "_role"
}

type createIn struct {
	Body struct {
		Role *attributes `json:"role"`
	} `body:"json"`
}

// Check wants a name.
func (in *createIn) Check() error {
	switch r := in.Body.Role; {
	case r == nil:
		return problem.Invalid("role", "is required")
	case !r.Name.Set:
		return problem.Invalid("role.name", "is required")
	default:
		return r.check()
	}
}

func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{Name: "CreateRole", Action: "identity:create_role", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createIn) (body, error) {
			var r attributes
			if in.Body.Role != nil {
				r = *in.Body.Role
			}
			resource := policy.Role{Name: r.Name.Value, DomainID: r.DomainID.Value}
			if err := c.AuthorizeAs(action("create", r.DomainID.Value), resource); err != nil {
				return body{}, err
			}
			made, err := d.CreateRole(ctx, c.Reads, directory.Role{
				Name: r.Name.Value, DomainID: r.DomainID.Value, Description: r.Description.Ptr(),
				Immutable: r.immutable(nil), Extra: directory.Merge(nil, r.Extra, false),
			})
			return body{show(c, made)}, err
		})
}

type byID struct {
	RoleID string `path:"role_id"`
}

// find finds a role and asks policy about it.
func find(ctx context.Context, c *api.Call, g *directory.Registry, id, verb string) (r directory.Role, err error) {
	err = c.AuthorizeFoundAs(ctx, func() (_ string, _ policy.Resource, err error) {
		r, err = g.FindRole(c.Reads, id)
		return action(verb, r.DomainID), policy.Role{Name: r.Name, DomainID: r.DomainID}, err
	})
	return r, err
}

func get(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetRole", Action: "identity:get_role"},
		func(ctx context.Context, c *api.Call, in byID) (body, error) {
			r, err := find(ctx, c, g, in.RoleID, "get")
			return body{show(c, r)}, err
		})
}

func remove(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteRole", Ends: true, Action: "identity:delete_role", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, err := find(ctx, c, g, in.RoleID, "delete"); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteRole(ctx, c.Reads, in.RoleID)
		})
}

type updateIn struct {
	RoleID string `path:"role_id"`
	Body   struct {
		Role *attributes `json:"role"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateIn) Check() error {
	r := in.Body.Role
	if r == nil || api.Empty(*r) {
		return problem.Invalid("role", "must change something")
	}
	if err := api.SameID("role.id", r.ID, in.RoleID); err != nil {
		return err
	}
	return r.check()
}

func update(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[updateIn]{
		Name: "UpdateRole", Action: "identity:update_role",
		Reads: func(rs *store.ReadSet, in updateIn) { rs.Want(store.Role(in.RoleID)) },
	}, func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
		if _, err := find(ctx, c, g, in.RoleID, "update"); err != nil {
			return body{}, err
		}
		changed, err := d.UpdateRole(ctx, c.Reads, in.RoleID, in.Body.Role.apply)
		return body{show(c, changed)}, err
	})
}

func (r *attributes) apply(to *directory.Role) error {
	if r.DomainID.Set && r.DomainID.Value != to.DomainID {
		return problem.Invalid("role.domain_id", "cannot be changed") // D-111
	}
	if r.Name.Set {
		to.Name = r.Name.Value
	}
	if r.Description.Set {
		to.Description = r.Description.Ptr()
	}
	to.Immutable = r.immutable(to.Immutable)
	to.Extra = directory.Merge(to.Extra, r.Extra, false)
	return nil
}

type listIn struct {
	DomainID *string `query:"domain_id"`
}

// list lists the global roles, or those of one domain (D-114, D-115).
func list(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[listIn]{
		Name: "ListRoles", Action: "identity:list_roles",
		Reads: func(rs *store.ReadSet, _ listIn) { rs.Want(rs.Head()) },
	}, func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
		domainID := ""
		if in.DomainID != nil {
			domainID = *in.DomainID
		}
		may := "identity:list_roles"
		if domainID != "" {
			may = "identity:list_domain_roles"
		}
		if err := c.AuthorizeAs(may, policy.DomainList{DomainID: domainID}); err != nil {
			return listBody{}, err
		}
		filter, err := c.Filter([]string{"name", "description"}, nil)
		if err != nil {
			return listBody{}, err
		}
		all, err := settle(ctx, c, g)
		if err != nil {
			return listBody{}, err
		}
		b := listBody{Roles: []shown{}, Collection: c.Collection("")}
		for _, r := range api.Select(filter, all.All(), attributesOf) {
			if r.DomainID == domainID {
				b.Roles = append(b.Roles, show(c, r))
			}
		}
		return b, nil
	})
}

func attributesOf(r directory.Role) api.Attributes {
	a := api.Attributes{"name": r.Name}
	if r.Description != nil {
		a["description"] = *r.Description
	}
	return a
}

func settle(ctx context.Context, c *api.Call, g *directory.Registry) (all *directory.Roles, err error) {
	err = c.Settle(ctx, func() (err error) {
		all, err = g.Roles(c.Reads)
		return err
	})
	return all, err
}
