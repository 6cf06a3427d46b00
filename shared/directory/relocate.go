package directory

import (
	"context"
	"maps"
	"slices"

	"mandate/shared/store"
)

// Bootstrapped reports whether a first start went through to its end: its last step is
// the endpoint of the identity service.
func (d *Directory) Bootstrapped(ctx context.Context) (bool, error) {
	endpoints, _, err := d.identityEndpoints(ctx, store.NewReadSet(d.table))
	return len(endpoints) > 0, err
}

// identityEndpoints are the endpoints of the service that Bootstrap made.
func (d *Directory) identityEndpoints(ctx context.Context, rs *store.ReadSet) (found []Endpoint, head Head, err error) {
	err = rs.Settle(ctx, func() error {
		if head, err = ReadHead(rs); err != nil {
			return err
		}
		catalog, err := d.registry.Catalog(rs)
		if err != nil {
			return err
		}
		found = nil
		for _, id := range slices.Sorted(maps.Keys(catalog.Endpoints)) {
			e := catalog.Endpoints[id]
			if catalog.Services[e.ServiceID].Type == "identity" {
				found = append(found, e)
			}
		}
		return nil
	})
	return found, head, err
}

// Relocate gives the endpoints of the identity service another URL, where their present
// one is to be replaced: a local service may be started on another port each time.
func (d *Directory) Relocate(ctx context.Context, url string, replace func(old string) bool) error {
	rs := store.NewReadSet(d.table)
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		endpoints, head, err := d.identityEndpoints(ctx, rs)
		if err != nil {
			return nil, err
		}
		var m []store.Mutation
		for _, e := range endpoints {
			if e.URL != url && replace(e.URL) {
				m = append(m, store.Update(store.Endpoint(e.ID)).Set(attrURL, url))
			}
		}
		if len(m) == 0 {
			return nil, nil
		}
		return append(moveCatalog(head), m...), nil
	})
}
