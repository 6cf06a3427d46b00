package v2

import (
	"context"
	"slices"
	"strconv"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

type listTenants struct {
	Limit  *string `query:"limit"`
	Marker *string `query:"marker"`
}

type tenantsBody struct {
	Tenants []tenant `json:"tenants"`
	Links   []string `json:"tenants_links"`
}

// tenants lists the projects of the default domain on which the caller's user holds a
// role, for clients that sign in first and choose a tenant then. They may page through
// them with limit and marker. Policy is asked as v3 asks it about the same list.
func tenants(a *app.App) api.Operation {
	return api.Op(api.Spec[listTenants]{Name: "ListTenantsV2", Action: "identity:get_auth_projects"},
		func(ctx context.Context, c *api.Call, in listTenants) (tenantsBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return tenantsBody{}, err
			}
			var u directory.User
			err := c.Settle(ctx, func() (err error) { u, err = directory.FindUser(c.Reads, c.Caller.UserID); return err })
			if err != nil {
				return tenantsBody{}, err
			}
			reach, err := a.Directory.Reach(ctx, c.Reads, u, directory.ReachOf{Projects: true})
			if err != nil {
				return tenantsBody{}, err
			}
			all := []tenant{}
			for _, p := range reach.Projects {
				if p.DomainID == defaultDomain {
					all = append(all, showTenant(p))
				}
			}
			page, err := in.page(all)
			return tenantsBody{page, []string{}}, err
		})
}

// page is what limit and marker leave of a list.
func (in listTenants) page(all []tenant) ([]tenant, error) {
	if in.Marker != nil {
		at := slices.IndexFunc(all, func(t tenant) bool { return t.ID == *in.Marker })
		if at < 0 {
			return nil, problem.Invalid("marker", "must be the id of a tenant of the list")
		}
		all = all[at+1:]
	}
	if in.Limit == nil {
		return all, nil
	}
	limit, err := strconv.Atoi(*in.Limit)
	if err != nil || limit < 0 {
		return nil, problem.Invalid("limit", "must be a number")
	}
	return all[:min(limit, len(all))], nil
}
