package v2

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type endpointsBody struct {
	Endpoints []typedEndpoint `json:"endpoints"`
	Links     []string        `json:"endpoints_links"`
}

// typedEndpoint is an endpoint with the service that it is of.
type typedEndpoint struct {
	Name string `json:"name"`
	Type string `json:"type"`
	endpoint
}

// endpoints lists what the named token's catalog has, one entry for each service and
// region; nothing for a token without a catalog (V2-053).
func endpoints(a *app.App) api.Operation {
	return api.Op(api.Spec[named]{
		Name: "ListTokenEndpointsV2", Action: "identity:list_token_endpoints_v2",
		Reads: func(rs *store.ReadSet, in named) { in.reads(a, rs) },
	}, func(ctx context.Context, c *api.Call, in named) (endpointsBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return endpointsBody{}, err
		}
		t, shown, err := in.find(ctx, a, c)
		if err != nil {
			return endpointsBody{}, err
		}
		b := endpointsBody{Endpoints: []typedEndpoint{}, Links: []string{}}
		for _, s := range services(t, shown) {
			for _, e := range s.Endpoints {
				b.Endpoints = append(b.Endpoints, typedEndpoint{s.Name, s.Type, e})
			}
		}
		return b, nil
	})
}
