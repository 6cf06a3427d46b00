// Package versions is discovery: which versions of the API are served and where, and the
// JSON home document that lists their resources (common.md section 3); and the check of the
// service's health, which no discovery announces.
package versions

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"mandate/shared/api"
	"mandate/shared/app"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation { return operations(settings{V2: a.Config.V2}) }

// settings say what is served.
type settings struct {
	V2 bool // v2.0 beside v3; where it is off it is not announced (C-054)
}

func operations(s settings) []api.Operation {
	served := []api.Operation{list(s), get("GetVersion", v3), getHealth()}
	if s.V2 {
		served = append(served, get("GetVersionV2", v2))
	}
	return served
}

// version is one version of the API as it is announced.
type version struct {
	ID         string  `json:"id"`
	Status     string  `json:"status"`
	Updated    string  `json:"updated"`
	Links      []link  `json:"links"`
	MediaTypes []media `json:"media-types"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type media struct {
	Base string `json:"base"`
	Type string `json:"type"`
}

func v3(base string) version {
	return announce("v3.14", "stable", "2020-04-07T00:00:00Z", base+"/v3/", "v3")
}

func v2(base string) version {
	return announce("v2.0", "deprecated", "2016-08-04T00:00:00Z", base+"/v2.0/", "v2.0")
}

func announce(id, status, updated, self, name string) version {
	return version{
		ID: id, Status: status, Updated: updated, Links: []link{{"self", self}},
		MediaTypes: []media{{"application/json", "application/vnd.openstack.identity-" + name + "+json"}},
	}
}

// listBody is the list of versions, or the JSON home document where that is preferred.
type listBody struct {
	Versions  *values             `json:"versions,omitzero"`
	Resources map[string]resource `json:"resources,omitzero"`
}

type values struct {
	Values []version `json:"values"`
}

// getBody is one version, or the JSON home document where that is preferred.
type getBody struct {
	Version   *version            `json:"version,omitzero"`
	Resources map[string]resource `json:"resources,omitzero"`
}

type nothing struct{}

// list answers GET / (C-050, C-051, C-056).
func list(s settings) api.Operation {
	home := resources("/v3")
	return api.Op(api.Spec[nothing]{Name: "ListVersions", Status: http.StatusMultipleChoices, Open: true},
		func(_ context.Context, c *api.Call, _ nothing) (listBody, error) {
			if prefersHome(c) {
				c.Status = http.StatusOK
				return listBody{Resources: home}, nil
			}
			c.Header.Set("Location", c.Base+"/v3/")
			all := values{[]version{v3(c.Base)}}
			if s.V2 {
				all.Values = append(all.Values, v2(c.Base))
			}
			return listBody{Versions: &all}, nil
		})
}

// get answers GET /v3 and, where it is served, GET /v2.0, which has no JSON home
// (C-052, C-053, C-055).
func get(name string, announced func(base string) version) api.Operation {
	home := resources("")
	return api.Op(api.Spec[nothing]{Name: name, Open: true},
		func(_ context.Context, c *api.Call, _ nothing) (getBody, error) {
			if name == "GetVersion" && prefersHome(c) {
				return getBody{Resources: home}, nil
			}
			v := announced(c.Base)
			return getBody{Version: &v}, nil
		})
}

const homeType = "application/json-home"

// prefersHome reports whether the client asks for JSON home rather than for JSON, and
// prepares the reply for it. Nothing else that a client may accept matters (C-039).
func prefersHome(c *api.Call) bool {
	c.Header.Set("Vary", "Accept")
	var home, plain float64
	for _, accepted := range strings.Split(strings.Join(c.Request.Header.Values("Accept"), ","), ",") {
		name, parameters, _ := strings.Cut(accepted, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case homeType:
			home = max(home, quality(parameters))
		case "application/json":
			plain = max(plain, quality(parameters))
		}
	}
	if home <= plain {
		return false
	}
	c.Header.Set("Content-Type", homeType)
	return true
}

// quality reads the q of an accepted media type; 1 when it has none (RFC 9110 section 12.4.2).
func quality(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}
