package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/catalog"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/regions"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// services are regions, services, their endpoints, and how a user of a project sees them.
func (w *world) services(ctx context.Context) error {
	text := "changed"
	region, err := regions.Create(ctx, w.admin, regions.CreateOpts{ID: fresh("region")}).Extract()
	if err != nil {
		return fmt.Errorf("create region: %w", err)
	}
	w.later(func(ctx context.Context) error { return regions.Delete(ctx, w.admin, region.ID).ExtractErr() })
	below, err := regions.Create(ctx, w.admin, regions.CreateOpts{ParentRegionID: region.ID}).Extract()
	if err != nil {
		return fmt.Errorf("create region below: %w", err)
	}
	changed, err := regions.Update(ctx, w.admin, below.ID, regions.UpdateOpts{Description: &text}).Extract()
	children, childrenErr := list(ctx, regions.List(w.admin, regions.ListOpts{ParentRegionID: region.ID}), regions.ExtractRegions)
	if err := first(
		expect("update region", changed, err, func(r *regions.Region) bool { return r.Description == text && r.ParentRegionID == region.ID }),
		expect("list regions", children, childrenErr, only(below.ID, func(r regions.Region) string { return r.ID })),
		regions.Delete(ctx, w.admin, below.ID).ExtractErr(),
		refused("get deleted region", regions.Get(ctx, w.admin, below.ID).Err, http.StatusNotFound),
	); err != nil {
		return err
	}

	kind := fresh("type")
	service, err := services.Create(ctx, w.admin, services.CreateOpts{Type: kind, Name: "vault", Extra: map[string]any{"email": "vault@example.org"}}).Extract()
	if err := expect("create service", service, err, func(s *services.Service) bool {
		return s.Type == kind && s.Name == "vault" && s.Enabled && s.Extra["email"] == "vault@example.org"
	}); err != nil {
		return err
	}
	w.later(func(ctx context.Context) error { return services.Delete(ctx, w.admin, service.ID).ExtractErr() })
	renamed, err := services.Update(ctx, w.admin, service.ID, services.UpdateOpts{Description: &text}).Extract()
	typed, typedErr := list(ctx, services.List(w.admin, services.ListOpts{ServiceType: kind}), services.ExtractServices)
	if err := first(
		expect("update service", renamed, err, func(s *services.Service) bool { return s.Description == text && s.Name == "vault" }),
		expect("list services", typed, typedErr, only(service.ID, func(s services.Service) string { return s.ID })),
	); err != nil {
		return err
	}

	endpoint, err := endpoints.Create(ctx, w.admin, endpoints.CreateOpts{Availability: gophercloud.AvailabilityPublic, Region: region.ID,
		URL: "https://vault.example.org", ServiceID: service.ID}).Extract()
	if err := expect("create endpoint", endpoint, err, func(e *endpoints.Endpoint) bool {
		return e.ServiceID == service.ID && e.Region == region.ID && e.Enabled
	}); err != nil {
		return err
	}
	moved, err := endpoints.Update(ctx, w.admin, endpoint.ID, endpoints.UpdateOpts{URL: "https://vault.example.org/%(project_id)s"}).Extract()
	listed, listErr := list(ctx, endpoints.List(w.admin, endpoints.ListOpts{ServiceID: service.ID, Availability: gophercloud.AvailabilityPublic}), endpoints.ExtractEndpoints)
	if err := first(
		expect("update endpoint", moved, err, func(e *endpoints.Endpoint) bool { return e.ID == endpoint.ID }),
		expect("list endpoints", listed, listErr, only(endpoint.ID, func(e endpoints.Endpoint) string { return e.ID })),
	); err != nil {
		return err
	}
	if err := w.seen(ctx, kind, endpoint.ID); err != nil {
		return err
	}
	return first(
		endpoints.Delete(ctx, w.admin, endpoint.ID).ExtractErr(),
		refused("get deleted endpoint", endpoints.Get(ctx, w.admin, endpoint.ID).Err, http.StatusNotFound),
	)
}

// seen looks for an endpoint in the catalog of a user's token, and in a client's choice.
func (w *world) seen(ctx context.Context, kind, endpoint string) error {
	url := "https://vault.example.org/" + w.project
	me, made, err := w.as(ctx, w.trustor, gophercloud.AuthScope{ProjectID: w.project})
	if err != nil {
		return err
	}
	entries, err := list(ctx, catalog.List(me), catalog.ExtractServiceCatalog)
	holds := func(entries []tokens.CatalogEntry) bool {
		return slices.ContainsFunc(entries, func(e tokens.CatalogEntry) bool {
			return e.Type == kind && len(e.Endpoints) == 1 && e.Endpoints[0].ID == endpoint && e.Endpoints[0].URL == url
		})
	}
	own, ownErr := made.ExtractServiceCatalog()
	chosen, chosenErr := me.EndpointLocator(gophercloud.EndpointOpts{Type: kind, Availability: gophercloud.AvailabilityPublic})
	return first(
		expect("list catalog", entries, err, holds),
		expect("catalog of a token", own, ownErr, func(c *tokens.ServiceCatalog) bool { return holds(c.Entries) }),
		expect("endpoint that a client chooses", chosen, chosenErr, func(at string) bool { return at == url+"/" }),
	)
}
