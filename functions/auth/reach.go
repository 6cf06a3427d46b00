package auth

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type nothing struct{}

type selfLink struct {
	Self string `json:"self"`
}

type catalogBody struct {
	Catalog []directory.CatalogService `json:"catalog"`
	Links   selfLink                   `json:"links"`
}

// catalog shows the catalog as the caller's token would (T-094, T-095).
func catalog(a *app.App) api.Operation {
	return api.Op(api.Spec[nothing]{
		Name: "GetAuthCatalog", Action: "identity:get_auth_catalog",
		Reads: func(rs *store.ReadSet, _ nothing) { _, _ = a.Registry.Catalog(rs) },
	}, func(ctx context.Context, c *api.Call, _ nothing) (catalogBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return catalogBody{}, err
		}
		if c.Caller.ProjectID == "" {
			return catalogBody{}, problem.ForbiddenBecause("only a token for a project has a catalog")
		}
		shown, err := settleCatalog(ctx, a, c)
		if err != nil {
			return catalogBody{}, err
		}
		return catalogBody{shown.Rendered(c.Caller.ProjectID, c.Caller.UserID), selfLink{c.Self()}}, nil
	})
}

type systemBody struct {
	System []shownSystem `json:"system"`
	Links  selfLink      `json:"links"`
}

// system says whether the caller's user holds a role on the system (T-092, T-093).
func system(a *app.App) api.Operation {
	return api.Op(api.Spec[nothing]{Name: "GetAuthSystem", Action: "identity:get_auth_system"},
		func(ctx context.Context, c *api.Call, _ nothing) (systemBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return systemBody{}, err
			}
			var held store.Set
			err := c.Settle(ctx, func() error {
				u, err := directory.FindUser(c.Reads, c.Caller.UserID)
				if err != nil {
					return err
				}
				held, err = a.Registry.Effective(c.Reads, u, store.OnSystem())
				return err
			})
			if err != nil {
				return systemBody{}, err
			}
			body := systemBody{System: []shownSystem{}, Links: selfLink{c.Self()}}
			if len(held) > 0 {
				body.System = append(body.System, shownSystem{All: true})
			}
			return body, nil
		})
}
