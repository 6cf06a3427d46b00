package versions

import (
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate"
	"mandate/shared/api"
	"mandate/shared/sam"
)

func ask(t *testing.T, s settings, operation, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	server := &api.Server{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, o := range operations(s) {
		if o.Name == operation {
			r := httptest.NewRequest("GET", "https://id.example"+path, nil)
			if accept != "" {
				r.Header.Set("Accept", accept)
			}
			w := httptest.NewRecorder()
			o.Handler(server).ServeHTTP(w, r)
			return w
		}
	}
	require.Fail(t, "no operation "+operation)
	return nil
}

const (
	shownV3 = `{"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links": [{"rel": "self", "href": "https://id.example/v3/"}],
		"media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]}`
	shownV2 = `{"id": "v2.0", "status": "deprecated", "updated": "2016-08-04T00:00:00Z",
		"links": [{"rel": "self", "href": "https://id.example/v2.0/"}],
		"media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}]}`
)

func TestVersions(t *testing.T) {
	t.Run("C-050_the_list", func(t *testing.T) {
		w := ask(t, settings{}, "ListVersions", "/", "")
		assert.Equal(t, 300, w.Code)
		assert.Equal(t, "https://id.example/v3/", w.Header().Get("Location"))
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		assert.JSONEq(t, `{"versions": {"values": [`+shownV3+`]}}`, w.Body.String())
	})
	t.Run("C-051_with_v2", func(t *testing.T) {
		w := ask(t, settings{V2: true}, "ListVersions", "/", "")
		assert.JSONEq(t, `{"versions": {"values": [`+shownV3+`,`+shownV2+`]}}`, w.Body.String())
	})
	t.Run("C-052_v3", func(t *testing.T) {
		w := ask(t, settings{}, "GetVersion", "/v3", "")
		assert.Equal(t, 200, w.Code)
		assert.JSONEq(t, `{"version": `+shownV3+`}`, w.Body.String())
	})
	t.Run("C-053_v2", func(t *testing.T) {
		w := ask(t, settings{V2: true}, "GetVersionV2", "/v2.0", "")
		assert.Equal(t, 200, w.Code)
		assert.JSONEq(t, `{"version": `+shownV2+`}`, w.Body.String())
	})
	t.Run("C-054_v2_switched_off", func(t *testing.T) {
		for _, o := range operations(settings{}) {
			assert.NotContains(t, o.Name, "V2")
		}
	})
}

func TestJSONHome(t *testing.T) {
	t.Run("C-055_of_v3", func(t *testing.T) {
		w := ask(t, settings{}, "GetVersion", "/v3", "application/json-home")
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, "application/json-home", w.Header().Get("Content-Type"))
		assert.Contains(t, w.Header().Values("Vary"), "Accept")
		assert.Contains(t, w.Header().Values("Vary"), "X-Auth-Token")
		assert.Contains(t, w.Body.String(), `"https://docs.openstack.org/api/openstack-identity/3/rel/auth_tokens":{"href":"/auth/tokens"}`)
		assert.Contains(t, w.Body.String(), `"https://docs.openstack.org/api/openstack-identity/3/ext/OS-TRUST/1.0/rel/trust_role":`+
			`{"href-template":"/OS-TRUST/trusts/{trust_id}/roles/{role_id}","href-vars":{`+
			`"role_id":"https://docs.openstack.org/api/openstack-identity/3/param/role_id",`+
			`"trust_id":"https://docs.openstack.org/api/openstack-identity/3/ext/OS-TRUST/1.0/param/trust_id"}}`)
	})
	t.Run("C-056_of_the_root", func(t *testing.T) {
		w := ask(t, settings{}, "ListVersions", "/", "application/json-home")
		assert.Equal(t, 200, w.Code)
		assert.Empty(t, w.Header().Get("Location"))
		assert.Contains(t, w.Body.String(), `{"href":"/v3/auth/tokens"}`)
		assert.Contains(t, w.Body.String(), `"href-template":"/v3/users/{user_id}"`)
	})
	for _, c := range []struct {
		accept string
		home   bool
	}{
		{"", false},
		{"application/json", false},
		{"text/html", false},
		{"*/*", false},
		{"application/json-home", true},
		{"Application/JSON-Home", true},
		{"application/json-home, */*;q=0.1", true},
		{"application/json;q=0.5, application/json-home;q=0.6", true},
		{"application/json-home;q=0.6, application/json;q=0.7", false},
		{"application/json-home, application/json", false},
		{"application/json-home;q=0", false},
		{"application/json-home;q=x", false},
		{"some/unknown", false},
	} {
		t.Run("C-039_Accept_"+c.accept, func(t *testing.T) {
			w := ask(t, settings{}, "GetVersion", "/v3", c.accept)
			assert.Equal(t, 200, w.Code)
			want := "application/json"
			if c.home {
				want = "application/json-home"
			}
			assert.Equal(t, want, w.Header().Get("Content-Type"))
		})
	}
}

// TestHomeIsWhatIsServed holds JSON home against the routes.
func TestHomeIsWhatIsServed(t *testing.T) {
	template, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	variable := regexp.MustCompile(`\{[^}]+\}`)
	served := map[string]bool{}
	for _, f := range template.Functions {
		for _, r := range f.Routes {
			if path, ok := strings.CutPrefix(r.Path, "/v3/"); ok && !strings.HasPrefix(path, "console/") { // pages are no resources
				served["/"+variable.ReplaceAllString(path, "{}")] = false
			}
		}
	}
	require.NotEmpty(t, served)
	for _, r := range relations {
		path := variable.ReplaceAllString(r.path, "{}")
		_, ok := served[path]
		assert.True(t, ok, "%s is announced and not served", r.path)
		served[path] = true
	}
	unnamed := []string{ // Keystone has no relation for these either
		"/users/{}/application_credentials", "/users/{}/application_credentials/{}", // not offered
		"/users/{}/access_rules", "/users/{}/access_rules/{}",
		"/users/{}/tokens/{}", "/users/{}/preauthentications", "/users/{}/preauthentications/{}", "/tokens/trusts/{}",
		"/projects/{}/tags", "/OS-FEDERATION/projects", "/OS-FEDERATION/domains",
		"/OS-INHERIT/projects/{}/users/{}/roles/inherited_to_projects", "/OS-INHERIT/projects/{}/groups/{}/roles/inherited_to_projects",
	}
	for path, announced := range served {
		if !announced {
			assert.Contains(t, unnamed, path, "is served and not announced")
		}
	}
}

// TestHomeNamesDelegationToPrograms holds the relations of OAuth1 to the names that
// clients know them by.
func TestHomeNamesDelegationToPrograms(t *testing.T) {
	t.Run("O-151 relations of OS-OAUTH1", func(t *testing.T) {
		var names []string
		for _, r := range relations {
			if r.in == oauth1 {
				names = append(names, r.name)
			}
		}
		assert.ElementsMatch(t, []string{
			"consumers", "consumer", "request_tokens", "access_tokens", "authorize_request_token",
			"user_access_tokens", "user_access_token", "user_access_token_roles", "user_access_token_role",
		}, names)
	})
}
