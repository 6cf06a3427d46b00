package catalog

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

type shownService struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Enabled     bool            `json:"enabled"`
	Description *string         `json:"description,omitzero"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

func showService(c *api.Call, s directory.Service) shownService {
	return shownService{
		ID: s.ID, Type: s.Type, Name: s.Name, Enabled: s.Enabled, Description: s.Description,
		Extra: directory.Fields(s.Extra), Links: api.SelfLink{Self: c.Link("services", s.ID)},
	}
}

type serviceBody struct {
	Service shownService `json:"service"`
}

type servicesBody struct {
	Services []shownService `json:"services"`
	api.Collection
}

// serviceAttributes are a client's words about a service.
type serviceAttributes struct {
	ID          jsontext.Value            `json:"id"`
	Links       jsontext.Value            `json:"links"`
	Type        api.Given[string]         `json:"type"`
	Name        api.Given[string]         `json:"name"`
	Enabled     api.Given[bool]           `json:"enabled"`
	Description api.Given[string]         `json:"description"`
	Extra       map[string]jsontext.Value `json:",embed"`
}

func (s *serviceAttributes) check() error {
	switch {
	case s.Type.Set && (s.Type.Value == "" || len(s.Type.Value) > 255):
		return problem.Invalid("service.type", "must have 1 to 255 characters")
	case len(s.Name.Value) > 255:
		return problem.Invalid("service.name", "must not be longer than 255 characters")
	case s.Enabled.Null:
		return problem.Invalid("service.enabled", "must be true or false")
	}
	return nil
}

func (s *serviceAttributes) apply(to *directory.Service) error {
	to.Type = s.Type.Or(to.Type)
	to.Enabled = s.Enabled.Or(to.Enabled)
	if s.Name.Set {
		to.Name = s.Name.Value
	}
	if s.Description.Set {
		to.Description = s.Description.Ptr()
	}
	to.Extra = directory.Merge(to.Extra, s.Extra, false)
	return nil
}

type createServiceIn struct {
	Body struct {
		Service *serviceAttributes `json:"service"`
	} `body:"json"`
}

// Check wants a type (D-161).
func (in *createServiceIn) Check() error {
	switch s := in.Body.Service; {
	case s == nil:
		return problem.Invalid("service", "is required")
	case !s.Type.Set:
		return problem.Invalid("service.type", "is required")
	default:
		return s.check()
	}
}

func createService(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createServiceIn]{Name: "CreateService", Action: "identity:create_service", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createServiceIn) (serviceBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return serviceBody{}, err
			}
			s := directory.Service{Enabled: true}
			if err := in.Body.Service.apply(&s); err != nil {
				return serviceBody{}, err
			}
			made, err := d.CreateService(ctx, c.Reads, s)
			return serviceBody{showService(c, made)}, err
		})
}

type byService struct {
	ServiceID string `path:"service_id"`
}

func getService(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byService]{Name: "GetService", Action: "identity:get_service"},
		func(ctx context.Context, c *api.Call, in byService) (serviceBody, error) {
			s, err := find(ctx, c, g, "service", in.ServiceID, services)
			return serviceBody{showService(c, s)}, err
		})
}

// listServices lists services, by type and name (D-162).
func listServices(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "ListServices", Action: "identity:list_services"},
		func(ctx context.Context, c *api.Call, _ struct{}) (servicesBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return servicesBody{}, err
			}
			filter, err := c.Filter([]string{"type", "name"}, nil)
			if err != nil {
				return servicesBody{}, err
			}
			all, err := settle(ctx, c, g)
			if err != nil {
				return servicesBody{}, err
			}
			b := servicesBody{Services: []shownService{}, Collection: c.Collection("")}
			for _, s := range api.Select(filter, sorted(all.Services), func(s directory.Service) api.Attributes {
				return api.Attributes{"type": s.Type, "name": s.Name}
			}) {
				b.Services = append(b.Services, showService(c, s))
			}
			return b, nil
		})
}

type updateServiceIn struct {
	ServiceID string `path:"service_id"`
	Body      struct {
		Service *serviceAttributes `json:"service"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateServiceIn) Check() error {
	s := in.Body.Service
	if s == nil || api.Empty(*s) {
		return problem.Invalid("service", "must change something")
	}
	if err := api.SameID("service.id", s.ID, in.ServiceID); err != nil {
		return err
	}
	return s.check()
}

func updateService(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[updateServiceIn]{Name: "UpdateService", Action: "identity:update_service"},
		func(ctx context.Context, c *api.Call, in updateServiceIn) (serviceBody, error) {
			if _, err := find(ctx, c, g, "service", in.ServiceID, services); err != nil {
				return serviceBody{}, err
			}
			changed, err := d.UpdateService(ctx, c.Reads, in.ServiceID, in.Body.Service.apply)
			return serviceBody{showService(c, changed)}, err
		})
}

// deleteService removes a service with its endpoints (D-163).
func deleteService(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byService]{Name: "DeleteService", Action: "identity:delete_service", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in byService) (api.NoBody, error) {
			if _, err := find(ctx, c, g, "service", in.ServiceID, services); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteService(ctx, c.Reads, in.ServiceID)
		})
}
