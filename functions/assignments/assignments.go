// Package assignments serves who holds which role on what: grants of users and groups on
// projects, domains and the system, inherited ones too, and the list of all of them
// (contract/directory.md section 9).
package assignments

import (
	"context"
	"net/http"
	"strings"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Operations lists what this area serves. Actor and target of a grant are told from the
// path, so that one operation serves users and groups, projects, domains and the system.
func Operations(a *app.App) []api.Operation {
	d, g := a.Directory, a.Registry
	return []api.Operation{
		createGrant(d, g), checkGrant(g), revokeGrant(d, g), listGrants(g), listAssignments(d),
	}
}

// grant names a grant, or with an empty role all of one actor on one target:
// …/{target}/users|groups/{actor}/roles/{role}, with OS-INHERIT before and
// inherited_to_projects after it for what applies below the target.
type grant struct {
	ProjectID string `path:"project_id"`
	DomainID  string `path:"domain_id"`
	UserID    string `path:"user_id"`
	GroupID   string `path:"group_id"`
	RoleID    string `path:"role_id"`
}

func (in grant) actor() store.Actor {
	if in.GroupID != "" {
		return store.GroupActor(in.GroupID)
	}
	return store.UserActor(in.UserID)
}

func (in grant) target(r *http.Request) store.Target {
	t := store.OnSystem()
	switch {
	case in.ProjectID != "":
		t = store.OnProject(in.ProjectID)
	case in.DomainID != "":
		t = store.OnDomain(in.DomainID)
	}
	t.Inherited = strings.Contains(r.URL.Path, "/OS-INHERIT/")
	return t
}

// action is Keystone's name for doing something with a grant; those on the system have
// names of their own.
func (in grant) action(verb string) string {
	switch {
	case in.ProjectID != "" || in.DomainID != "":
		return "identity:" + verb + "_grant"
	case in.GroupID != "":
		return "identity:" + verb + "_system_grant_for_group"
	default:
		return "identity:" + verb + "_system_grant_for_user"
	}
}

// authorize finds role, actor and target, and asks policy about the grant.
func (in grant) authorize(ctx context.Context, c *api.Call, g *directory.Registry, verb string) (a store.Actor, t store.Target, err error) {
	a, t = in.actor(), in.target(c.Request)
	action := in.action(verb)
	if verb == "list" {
		action = strings.Replace(action, "grant", "grants", 1)
	}
	err = c.AuthorizeFoundAs(ctx, func() (string, policy.Resource, error) {
		c.Reads.Want(store.Grant(a, t))
		parties, err := directory.FindParties(c.Reads, a, t)
		if err != nil && !problem.Is(err, problem.KindNotFound) {
			return action, nil, err
		}
		resource := policy.Grant{
			ActorDomain: parties.ActorDomain, TargetDomain: parties.TargetDomain, System: t.Kind == store.KindSystem,
		}
		if in.RoleID != "" {
			role, missing := g.FindRole(c.Reads, in.RoleID)
			if missing != nil {
				return action, resource, missing
			}
			resource.Role, resource.RoleDomainID = role.Name, role.DomainID
		}
		return action, resource, err
	})
	return a, t, err
}

func want(rs *store.ReadSet, in grant) {
	rs.Want(rs.Head(), store.Role(in.RoleID))
	if in.GroupID != "" {
		rs.Want(store.Group(in.GroupID))
	} else {
		rs.Want(store.User(in.UserID))
	}
	switch {
	case in.ProjectID != "":
		rs.Want(store.Project(in.ProjectID))
	case in.DomainID != "":
		rs.Want(store.Domain(in.DomainID))
	}
}

// createGrant gives a role; again is no error (D-130).
func createGrant(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[grant]{Name: "CreateGrant", Action: "identity:create_grant", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in grant) (api.NoBody, error) {
			a, t, err := in.authorize(ctx, c, g, "create")
			if err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Grant(ctx, c.Reads, a, t, in.RoleID)
		})
}

// held is the role of the path among those granted.
func (in grant) held(ctx context.Context, c *api.Call, g *directory.Registry, a store.Actor, t store.Target) error {
	return c.Settle(ctx, func() error {
		roles, err := g.Granted(c.Reads, a, t)
		if err != nil {
			return err
		}
		for _, r := range roles {
			if r.ID == in.RoleID {
				return nil
			}
		}
		return problem.NotFound("grant of role", in.RoleID)
	})
}

// checkGrant answers both GET and HEAD without a body (D-131).
func checkGrant(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[grant]{Name: "CheckGrant", Action: "identity:check_grant", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in grant) (api.NoBody, error) {
			a, t, err := in.authorize(ctx, c, g, "check")
			if err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, in.held(ctx, c, g, a, t)
		})
}

// revokeGrant takes a role away, at once (D-132).
func revokeGrant(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[grant]{Name: "RevokeGrant", Action: "identity:revoke_grant", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in grant) (api.NoBody, error) {
			a, t, err := in.authorize(ctx, c, g, "revoke")
			if err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Revoke(ctx, c.Reads, a, t, in.RoleID)
		})
}

// grantedRole is a role in a list of grants.
type grantedRole struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	DomainID    *string      `json:"domain_id"`
	Description *string      `json:"description"`
	Options     options      `json:"options"`
	Links       api.SelfLink `json:"links"`
}

type options struct {
	Immutable *bool `json:"immutable,omitzero"`
}

type rolesBody struct {
	Roles []grantedRole `json:"roles"`
	api.Collection
}

// onPath is grant without a role in the path.
type onPath struct {
	ProjectID string `path:"project_id"`
	DomainID  string `path:"domain_id"`
	UserID    string `path:"user_id"`
	GroupID   string `path:"group_id"`
}

func (in onPath) grant() grant {
	return grant{ProjectID: in.ProjectID, DomainID: in.DomainID, UserID: in.UserID, GroupID: in.GroupID}
}

// listGrants lists the roles granted directly: no implied, no inherited ones, none that
// come through a group (D-134).
func listGrants(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[onPath]{
		Name: "ListGrants", Action: "identity:list_grants",
		Reads: func(rs *store.ReadSet, in onPath) { want(rs, in.grant()) },
	}, func(ctx context.Context, c *api.Call, in onPath) (rolesBody, error) {
		a, t, err := in.grant().authorize(ctx, c, g, "list")
		if err != nil {
			return rolesBody{}, err
		}
		b := rolesBody{Roles: []grantedRole{}, Collection: c.Collection("")}
		err = c.Settle(ctx, func() error {
			roles, err := g.Granted(c.Reads, a, t)
			for _, r := range roles {
				shown := grantedRole{ID: r.ID, Name: r.Name, Description: r.Description, Options: options{r.Immutable}, Links: api.SelfLink{Self: c.Link("roles", r.ID)}}
				if r.DomainID != "" {
					shown.DomainID = &r.DomainID
				}
				b.Roles = append(b.Roles, shown)
			}
			return err
		})
		return b, err
	})
}
