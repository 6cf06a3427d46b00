package trusts

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type rolesBody struct {
	Roles []shownRole `json:"roles"`
	api.Collection
}

// listRoles shows the roles that a trust names.
func listRoles(a *app.App) api.Operation {
	return api.Op(api.Spec[oneTrust]{Name: "ListTrustRoles", Action: "identity:list_roles_for_trust", Reads: oneTrust{}.reads(a)},
		func(ctx context.Context, c *api.Call, in oneTrust) (rolesBody, error) {
			f, err := find(ctx, a, c, in.ID)
			if err != nil {
				return rolesBody{}, err
			}
			return rolesBody{showRoles(c, f.roles), c.Collection("")}, nil
		})
}

type roleBody struct {
	Role shownRole `json:"role"`
}

type oneRole struct {
	TrustID string `path:"trust_id"`
	RoleID  string `path:"role_id"`
}

// getRole shows one role if the trust names it; one that is only implied is not in the
// trust (TR-068).
func getRole(a *app.App) api.Operation {
	return api.Op(api.Spec[oneRole]{
		Name: "GetTrustRole", Action: "identity:get_role_for_trust",
		Reads: func(rs *store.ReadSet, in oneRole) { wants(a, rs, in.TrustID) },
	}, func(ctx context.Context, c *api.Call, in oneRole) (roleBody, error) {
		f, err := find(ctx, a, c, in.TrustID)
		if err != nil {
			return roleBody{}, err
		}
		for _, r := range showRoles(c, f.roles) {
			if r.ID == in.RoleID {
				return roleBody{r}, nil
			}
		}
		return roleBody{}, problem.NotFound("role", in.RoleID)
	})
}
