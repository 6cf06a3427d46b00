package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// shownRole is a role of an access token, without description (O-134).
type shownRole struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	DomainID *string      `json:"domain_id"`
	Options  roleOptions  `json:"options"`
	Links    api.SelfLink `json:"links"`
}

type roleOptions struct {
	Immutable *bool `json:"immutable,omitzero"`
}

func showRole(c *api.Call, r directory.Role) shownRole {
	s := shownRole{ID: r.ID, Name: r.Name, Options: roleOptions{r.Immutable}, Links: api.SelfLink{Self: c.Link("roles", r.ID)}}
	if r.DomainID != "" {
		s.DomainID = &r.DomainID
	}
	return s
}

// roles are those that the access token names and that still exist (O-144).
func (in oneAccess) roles(ctx context.Context, a *app.App, c *api.Call) (roles []directory.Role, err error) {
	t, err := in.find(ctx, a, c)
	if err != nil {
		return nil, err
	}
	err = c.Settle(ctx, func() error { roles, err = a.OAuth1.Roles(c.Reads, t); return err })
	return roles, err
}

type rolesBody struct {
	Roles []shownRole `json:"roles"`
	api.Collection
}

// listRoles shows the roles that the user handed over, not what they imply.
func listRoles(a *app.App) api.Operation {
	return api.Op(api.Spec[oneAccess]{Name: "ListAccessTokenRoles", Action: "identity:list_access_token_roles", Reads: oneAccess{}.reads(a)},
		func(ctx context.Context, c *api.Call, in oneAccess) (rolesBody, error) {
			roles, err := in.roles(ctx, a, c)
			if err != nil {
				return rolesBody{}, err
			}
			body := rolesBody{Roles: make([]shownRole, 0, len(roles)), Collection: c.Collection("")}
			for _, r := range roles {
				body.Roles = append(body.Roles, showRole(c, r))
			}
			return body, nil
		})
}

type roleBody struct {
	Role shownRole `json:"role"`
}

type oneRole struct {
	UserID string `path:"user_id"`
	ID     string `path:"access_token_id"`
	RoleID string `path:"role_id"`
}

// getRole shows one role if the access token names it.
func getRole(a *app.App) api.Operation {
	return api.Op(api.Spec[oneRole]{
		Name: "GetAccessTokenRole", Action: "identity:get_access_token_role",
		Reads: func(rs *store.ReadSet, in oneRole) { _, _ = a.OAuth1.Find(rs, in.UserID, in.ID) },
	}, func(ctx context.Context, c *api.Call, in oneRole) (roleBody, error) {
		roles, err := oneAccess{in.UserID, in.ID}.roles(ctx, a, c)
		if err != nil {
			return roleBody{}, err
		}
		for _, r := range roles {
			if r.ID == in.RoleID {
				return roleBody{showRole(c, r)}, nil
			}
		}
		return roleBody{}, problem.NotFound("role", in.RoleID)
	})
}
