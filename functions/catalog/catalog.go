// Package catalog serves services, endpoints and regions (contract/directory.md section
// 10). How a token shows them is decided in shared/directory.
package catalog

import (
	"context"
	"maps"
	"slices"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d, g := a.Directory, a.Registry
	return []api.Operation{
		createService(d), getService(g), listServices(g), updateService(d, g), deleteService(d, g),
		createEndpoint(d), getEndpoint(g), listEndpoints(g), updateEndpoint(d, g), deleteEndpoint(d, g),
		createRegion(d), createRegionAt(d), getRegion(g), listRegions(g), updateRegion(d, g), deleteRegion(d, g),
	}
}

// settle reads the catalog, at least as new as the head that this call saw.
func settle(ctx context.Context, c *api.Call, g *directory.Registry) (all *directory.Catalog, err error) {
	err = c.Settle(ctx, func() (err error) {
		all, err = g.Catalog(c.Reads)
		return err
	})
	return all, err
}

// find asks policy, and then finds one member of the catalog.
func find[T any](ctx context.Context, c *api.Call, g *directory.Registry, kind, id string, among func(*directory.Catalog) map[string]T) (m T, err error) {
	err = c.AuthorizeFound(ctx, func() (policy.Resource, error) {
		all, err := g.Catalog(c.Reads)
		if err != nil {
			return nil, err
		}
		var ok bool
		if m, ok = among(all)[id]; !ok {
			return policy.Any{}, problem.NotFound(kind, id)
		}
		return policy.Any{}, nil
	})
	return m, err
}

func services(c *directory.Catalog) map[string]directory.Service   { return c.Services }
func endpoints(c *directory.Catalog) map[string]directory.Endpoint { return c.Endpoints }
func regions(c *directory.Catalog) map[string]directory.Region     { return c.Regions }

// sorted is the members in the order of their ids.
func sorted[T any](m map[string]T) []T {
	list := make([]T, 0, len(m))
	for _, id := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[id])
	}
	return list
}
