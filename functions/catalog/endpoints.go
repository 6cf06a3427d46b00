package catalog

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

type shownEndpoint struct {
	ID        string          `json:"id"`
	Interface string          `json:"interface"`
	URL       string          `json:"url"`
	ServiceID string          `json:"service_id"`
	RegionID  *string         `json:"region_id"`
	Region    *string         `json:"region"` // the old name of region_id
	Enabled   bool            `json:"enabled"`
	Name      string          `json:"name,omitzero"`
	Links     api.SelfLink    `json:"links"`
	Extra     directory.Extra `json:",embed"`
}

func showEndpoint(c *api.Call, e directory.Endpoint) shownEndpoint {
	s := shownEndpoint{
		ID: e.ID, Interface: e.Interface, URL: e.URL, ServiceID: e.ServiceID, Enabled: e.Enabled, Name: e.Name,
		Extra: directory.Fields(e.Extra), Links: api.SelfLink{Self: c.Link("endpoints", e.ID)},
	}
	if e.RegionID != "" {
		s.RegionID, s.Region = &e.RegionID, &e.RegionID
	}
	return s
}

type endpointBody struct {
	Endpoint shownEndpoint `json:"endpoint"`
}

type endpointsBody struct {
	Endpoints []shownEndpoint `json:"endpoints"`
	api.Collection
}

// endpointAttributes are a client's words about an endpoint.
type endpointAttributes struct {
	ID        jsontext.Value            `json:"id"`
	Links     jsontext.Value            `json:"links"`
	Interface api.Given[string]         `json:"interface"`
	URL       api.Given[string]         `json:"url"`
	ServiceID api.Given[string]         `json:"service_id"`
	RegionID  api.Given[string]         `json:"region_id"`
	Region    api.Given[string]         `json:"region"`
	Enabled   api.Given[bool]           `json:"enabled"`
	Name      api.Given[string]         `json:"name"`
	Extra     map[string]jsontext.Value `json:",embed"`
}

func (e *endpointAttributes) check() error {
	switch {
	case e.Interface.Set && !slices.Contains(directory.Interfaces, e.Interface.Value):
		return problem.Invalid("endpoint.interface", "must be public, internal or admin")
	case e.ServiceID.Null:
		return problem.Invalid("endpoint.service_id", "must be a string")
	case e.Enabled.Null:
		return problem.Invalid("endpoint.enabled", "must be true or false")
	case e.URL.Set:
		return directory.CheckEndpointURL("endpoint.url", e.URL.Value)
	}
	return nil
}

func (e *endpointAttributes) apply(to *directory.Endpoint) error {
	to.Interface = e.Interface.Or(to.Interface)
	to.URL = e.URL.Or(to.URL)
	to.ServiceID = e.ServiceID.Or(to.ServiceID)
	to.Enabled = e.Enabled.Or(to.Enabled)
	if e.Name.Set {
		to.Name = e.Name.Value
	}
	if e.Region.Set {
		to.RegionID = e.Region.Value
	}
	if e.RegionID.Set {
		to.RegionID = e.RegionID.Value
	}
	to.Extra = directory.Merge(to.Extra, e.Extra, false)
	return nil
}

// makesRegion says that the region was given by its old name alone, which creates it (D-166b).
func (e *endpointAttributes) makesRegion() bool { return e.Region.Set && !e.RegionID.Set }

type createEndpointIn struct {
	Body struct {
		Endpoint *endpointAttributes `json:"endpoint"`
	} `body:"json"`
}

// Check wants interface, URL and service (D-165).
func (in *createEndpointIn) Check() error {
	switch e := in.Body.Endpoint; {
	case e == nil:
		return problem.Invalid("endpoint", "is required")
	case !e.Interface.Set:
		return problem.Invalid("endpoint.interface", "is required")
	case !e.URL.Set:
		return problem.Invalid("endpoint.url", "is required")
	case !e.ServiceID.Set:
		return problem.Invalid("endpoint.service_id", "is required")
	default:
		return e.check()
	}
}

func createEndpoint(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createEndpointIn]{Name: "CreateEndpoint", Action: "identity:create_endpoint", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createEndpointIn) (endpointBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return endpointBody{}, err
			}
			e := directory.Endpoint{Enabled: true}
			if err := in.Body.Endpoint.apply(&e); err != nil {
				return endpointBody{}, err
			}
			made, err := d.CreateEndpoint(ctx, c.Reads, e, in.Body.Endpoint.makesRegion())
			return endpointBody{showEndpoint(c, made)}, err
		})
}

type byEndpoint struct {
	EndpointID string `path:"endpoint_id"`
}

func getEndpoint(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byEndpoint]{Name: "GetEndpoint", Action: "identity:get_endpoint"},
		func(ctx context.Context, c *api.Call, in byEndpoint) (endpointBody, error) {
			e, err := find(ctx, c, g, "endpoint", in.EndpointID, endpoints)
			return endpointBody{showEndpoint(c, e)}, err
		})
}

// listEndpoints lists endpoints by interface, service and region (D-167).
func listEndpoints(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "ListEndpoints", Action: "identity:list_endpoints"},
		func(ctx context.Context, c *api.Call, _ struct{}) (endpointsBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return endpointsBody{}, err
			}
			filter, err := c.Filter([]string{"interface", "service_id", "region_id"}, nil)
			if err != nil {
				return endpointsBody{}, err
			}
			all, err := settle(ctx, c, g)
			if err != nil {
				return endpointsBody{}, err
			}
			b := endpointsBody{Endpoints: []shownEndpoint{}, Collection: c.Collection("")}
			for _, e := range api.Select(filter, sorted(all.Endpoints), func(e directory.Endpoint) api.Attributes {
				return api.Attributes{"interface": e.Interface, "service_id": e.ServiceID, "region_id": e.RegionID}
			}) {
				b.Endpoints = append(b.Endpoints, showEndpoint(c, e))
			}
			return b, nil
		})
}

type updateEndpointIn struct {
	EndpointID string `path:"endpoint_id"`
	Body       struct {
		Endpoint *endpointAttributes `json:"endpoint"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateEndpointIn) Check() error {
	e := in.Body.Endpoint
	if e == nil || api.Empty(*e) {
		return problem.Invalid("endpoint", "must change something")
	}
	if err := api.SameID("endpoint.id", e.ID, in.EndpointID); err != nil {
		return err
	}
	return e.check()
}

func updateEndpoint(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[updateEndpointIn]{Name: "UpdateEndpoint", Action: "identity:update_endpoint"},
		func(ctx context.Context, c *api.Call, in updateEndpointIn) (endpointBody, error) {
			if _, err := find(ctx, c, g, "endpoint", in.EndpointID, endpoints); err != nil {
				return endpointBody{}, err
			}
			e := in.Body.Endpoint
			changed, err := d.UpdateEndpoint(ctx, c.Reads, in.EndpointID, e.apply, e.makesRegion())
			return endpointBody{showEndpoint(c, changed)}, err
		})
}

func deleteEndpoint(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byEndpoint]{Name: "DeleteEndpoint", Action: "identity:delete_endpoint", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in byEndpoint) (api.NoBody, error) {
			if _, err := find(ctx, c, g, "endpoint", in.EndpointID, endpoints); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteEndpoint(ctx, c.Reads, in.EndpointID)
		})
}
