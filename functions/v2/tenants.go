package v2

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
)

type tenantsBody struct {
	Tenants []tenant `json:"tenants"`
	Links   []string `json:"tenants_links"`
}

// tenants lists the projects of the default domain on which the caller's user holds a
// role, for clients that sign in first and choose a tenant then. It is policy's question
// of v3, about the same thing.
func tenants(a *app.App) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "ListTenantsV2", Action: "identity:get_auth_projects"},
		func(ctx context.Context, c *api.Call, _ struct{}) (tenantsBody, error) {
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
			b := tenantsBody{Tenants: []tenant{}, Links: []string{}}
			for _, p := range reach.Projects {
				if p.DomainID == defaultDomain {
					b.Tenants = append(b.Tenants, showTenant(p))
				}
			}
			return b, nil
		})
}
