// Package groups serves groups of users and who belongs to them (contract/directory.md
// section 7).
package groups

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
	d := a.Directory
	return []api.Operation{
		create(d), get(), list(d), update(d), remove(d), listOfUser(),
		addMember(d), checkMember(), removeMember(d),
	}
}

// shown is a group on the wire.
type shown struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DomainID    string          `json:"domain_id"`
	Description string          `json:"description"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

func show(c *api.Call, g directory.Group) shown {
	return shown{
		ID: g.ID, Name: g.Name, DomainID: g.DomainID, Description: g.Description, Extra: directory.Fields(g.Extra),
		Links: api.SelfLink{Self: c.Link("groups", g.ID)},
	}
}

type body struct {
	Group shown `json:"group"`
}

// attributes are a client's words about a group.
type attributes struct {
	ID          jsontext.Value            `json:"id"`
	Links       jsontext.Value            `json:"links"`
	Name        api.Given[string]         `json:"name"`
	DomainID    api.Given[string]         `json:"domain_id"`
	Description api.Given[string]         `json:"description"`
	Extra       map[string]jsontext.Value `json:",embed"`
}

func (g *attributes) check() error {
	if !g.Name.Set {
		return nil
	}
	name, err := directory.CleanName("group.name", g.Name.Value, directory.MaxGroupName)
	g.Name.Value = name
	return err
}

type createIn struct {
	Body struct {
		Group *attributes `json:"group"`
	} `body:"json"`
}

// Check wants a name.
func (in *createIn) Check() error {
	switch g := in.Body.Group; {
	case g == nil:
		return problem.Invalid("group", "is required")
	case !g.Name.Set:
		return problem.Invalid("group.name", "is required")
	case g.DomainID.Null:
		return problem.Invalid("group.domain_id", "must be a string")
	default:
		return g.check()
	}
}

func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{Name: "CreateGroup", Action: "identity:create_group", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createIn) (body, error) {
			var g attributes
			if in.Body.Group != nil {
				g = *in.Body.Group
			}
			domainID := g.DomainID.Or(directory.HomeDomain(c.Caller))
			if err := c.Authorize(policy.Group{DomainID: domainID}); err != nil {
				return body{}, err
			}
			made, err := d.CreateGroup(ctx, c.Reads, directory.Group{
				Name: g.Name.Value, DomainID: domainID, Description: g.Description.Value, Extra: directory.Merge(nil, g.Extra, false),
			})
			return body{show(c, made)}, err
		})
}

type byID struct {
	GroupID string `path:"group_id"`
}

func want(rs *store.ReadSet, in byID) { rs.Want(store.Group(in.GroupID), rs.Head()) }

// find finds the group of the path and asks policy about it.
func find(ctx context.Context, c *api.Call, id string) (g directory.Group, err error) {
	err = c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
		g, err = directory.FindGroup(c.Reads, id)
		return policy.Group{ID: g.ID, DomainID: g.DomainID}, err
	})
	return g, err
}

func get() api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetGroup", Action: "identity:get_group", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (body, error) {
			g, err := find(ctx, c, in.GroupID)
			return body{show(c, g)}, err
		})
}

func remove(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteGroup", Ends: true, Action: "identity:delete_group", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, err := find(ctx, c, in.GroupID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteGroup(ctx, c.Reads, in.GroupID)
		})
}

type updateIn struct {
	GroupID string `path:"group_id"`
	Body    struct {
		Group *attributes `json:"group"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateIn) Check() error {
	g := in.Body.Group
	if g == nil || api.Empty(*g) {
		return problem.Invalid("group", "must change something")
	}
	if err := api.SameID("group.id", g.ID, in.GroupID); err != nil {
		return err
	}
	return g.check()
}

func update(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[updateIn]{Name: "UpdateGroup", Action: "identity:update_group",
		Reads: func(rs *store.ReadSet, in updateIn) { want(rs, byID{in.GroupID}) }},
		func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
			if _, err := find(ctx, c, in.GroupID); err != nil {
				return body{}, err
			}
			changed, err := d.UpdateGroup(ctx, c.Reads, in.GroupID, in.Body.Group.apply)
			return body{show(c, changed)}, err
		})
}

func (g *attributes) apply(to *directory.Group) error {
	if g.DomainID.Set && g.DomainID.Value != to.DomainID {
		return problem.Invalid("group.domain_id", "cannot be changed") // D-106
	}
	if g.Name.Set {
		to.Name = g.Name.Value
	}
	if g.Description.Set {
		to.Description = g.Description.Value
	}
	to.Extra = directory.Merge(to.Extra, g.Extra, false)
	return nil
}
