package directory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CatalogService is a service as a token shows it (tokens-v3.md section 4).
type CatalogService struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Name      string            `json:"name"`
	Endpoints []CatalogEndpoint `json:"endpoints"`

	text jsontext.Value // all of it as JSON, where it is the same for every token
}

// CatalogEndpoint is an endpoint as a token shows it.
type CatalogEndpoint struct {
	ID        string  `json:"id"`
	Interface string  `json:"interface"`
	RegionID  *string `json:"region_id"`
	Region    *string `json:"region"`
	URL       string  `json:"url"`
}

// MarshalJSONTo writes what was made once for all tokens, where there is that.
func (s CatalogService) MarshalJSONTo(to *jsontext.Encoder) error {
	if s.text != nil {
		return to.WriteValue(s.text)
	}
	type plain CatalogService
	return json.MarshalEncode(to, plain(s))
}

// prepare makes what tokens show of the catalog, by id: services and endpoints that are
// enabled, with URLs as they were given.
func (c *Catalog) prepare() error {
	byService := make(map[string][]CatalogEndpoint, len(c.Services))
	for _, id := range slices.Sorted(maps.Keys(c.Endpoints)) {
		e := c.Endpoints[id]
		if !e.Enabled {
			continue
		}
		shown := CatalogEndpoint{ID: e.ID, Interface: e.Interface, URL: e.URL}
		if e.RegionID != "" {
			shown.RegionID, shown.Region = &e.RegionID, &e.RegionID
		}
		byService[e.ServiceID] = append(byService[e.ServiceID], shown)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[id]
		if !s.Enabled {
			continue
		}
		shown := CatalogService{ID: s.ID, Type: s.Type, Name: s.Name, Endpoints: byService[id]}
		if shown.Endpoints == nil {
			shown.Endpoints = []CatalogEndpoint{}
		}
		if !slices.ContainsFunc(shown.Endpoints, CatalogEndpoint.varies) {
			text, err := json.Marshal(shown)
			if err != nil {
				return fmt.Errorf("render service %s: %w", id, err)
			}
			shown.text = text
		}
		c.shown = append(c.shown, shown)
	}
	return nil
}

// varies reports whether the endpoint's URL is another for each token.
func (e CatalogEndpoint) varies() bool { return strings.ContainsAny(e.URL, "$%") }

// Rendered is the catalog for a token's project ("" for none) and user. Services and
// endpoints that are disabled are left out, and so is an endpoint whose URL needs a
// project that the token has not, or cannot be filled in at all.
func (c *Catalog) Rendered(projectID, userID string) []CatalogService {
	services := make([]CatalogService, len(c.shown))
	copy(services, c.shown)
	for n := range services {
		if services[n].text != nil {
			continue
		}
		endpoints := make([]CatalogEndpoint, 0, len(services[n].Endpoints))
		for _, e := range services[n].Endpoints {
			var ok bool
			if e.URL, ok = fill(e.URL, projectID, userID); ok {
				endpoints = append(endpoints, e)
			}
		}
		services[n].Endpoints = endpoints
	}
	return services
}

// fill replaces $(name)s and %(name)s in an endpoint's URL.
func fill(url, projectID, userID string) (string, bool) {
	if !strings.ContainsAny(url, "$%") {
		return url, true
	}
	url = strings.ReplaceAll(url, "$(", "%(")
	for _, s := range []struct{ name, value string }{
		{"project_id", projectID}, {"tenant_id", projectID}, {"user_id", userID},
	} {
		placeholder := "%(" + s.name + ")s"
		if !strings.Contains(url, placeholder) {
			continue
		}
		if s.value == "" {
			return "", false
		}
		url = strings.ReplaceAll(url, placeholder, s.value)
	}
	return url, !strings.Contains(url, "%(")
}
