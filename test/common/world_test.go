// Package common holds every route of the service to contract/common.md: errors, headers,
// methods, bodies, discovery, lists, and who may do what. A subtest that shows a row
// bears its id.
package common

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/functions"
	"mandate/functions/routes"
	"mandate/shared/route"
	"mandate/test/service"
)

type object = map[string]any

// world is a service in which every kind of thing that a path can name is there.
type world struct {
	*service.Service
	names    map[string]string // what stands for the parameters of paths
	bodies   map[string]bool   // operations that read a body
	roles    map[string]string // ids by name
	ada, web string            // a member of a project
}

func newWorld(t testing.TB, with ...service.Option) *world {
	t.Helper()
	w := &world{Service: service.New(t, with...), bodies: map[string]bool{}, roles: map[string]string{}}
	for _, o := range functions.All(w.App) {
		w.bodies[o.Name] = slices.ContainsFunc(reflect.VisibleFields(o.In), func(f reflect.StructField) bool { _, ok := f.Tag.Lookup("body"); return ok })
	}
	for _, r := range w.Must(200, "GET", "/v3/roles", w.Admin(), nil).Body["roles"].([]any) {
		w.roles[r.(object)["name"].(string)] = r.(object)["id"].(string)
	}
	w.web = w.ID("projects", "project", object{"name": "web"})
	w.ada = w.ID("users", "user", object{"name": "ada", "password": "pw-ada"})
	w.grant("projects/"+w.web, w.ada, "member")
	admin := w.Must(200, "GET", "/v3/users?name=admin", w.Admin(), nil).Body["users"].([]any)[0].(object)["id"].(string)
	region := w.ID("regions", "region", object{"id": "north"})
	provider := w.ID("services", "service", object{"name": "swift", "type": "object-store"})
	prior, implied := w.ID("roles", "role", object{"name": "prior"}), w.ID("roles", "role", object{"name": "implied"})
	w.Must(201, "PUT", "/v3/roles/"+prior+"/implies/"+implied, w.Admin(), nil)
	trust := w.Must(201, "POST", "/v3/OS-TRUST/trusts", w.Login("ada", "pw-ada", service.OnProject(w.web)), object{"trust": object{
		"trustor_user_id": w.ada, "trustee_user_id": admin, "project_id": w.web, "impersonation": true, "roles": []object{{"name": "member"}},
	}}).Member("trust")["id"].(string)
	w.names = map[string]string{
		"domain_id": "default", "project_id": w.web, "user_id": admin, "role_id": w.roles["member"],
		"group_id": w.ID("groups", "group", object{"name": "people"}), "region_id": region, "service_id": provider,
		"endpoint_id":   w.ID("endpoints", "endpoint", object{"service_id": provider, "interface": "public", "url": "https://obj.example"}),
		"prior_role_id": prior, "implied_role_id": implied, "trust_id": trust, "tag": "blue",
		"token_id": w.Login("admin", service.AdminPassword, nil),
	}
	return w
}

func (w *world) grant(on, user, role string) {
	w.Must(204, "PUT", "/v3/"+on+"/users/"+user+"/roles/"+w.roles[role], w.Admin(), nil)
}

// someone makes a user with one role and signs her in there.
func (w *world) someone(t *testing.T, name, role, on string, scope object) string {
	t.Helper()
	w.grant(on, w.ID("users", "user", object{"name": name, "password": "pw"}), role)
	return w.Login(name, "pw", scope)
}

var parameter = regexp.MustCompile(`\{([a-z0-9_]+)\}`)

// fill is a route's path with its parameters filled in; there says whether each of them
// names something.
func (w *world) fill(r route.Route) (path string, there bool) {
	there = true
	path = parameter.ReplaceAllStringFunc(r.Path, func(p string) string {
		value, ok := w.names[p[1:len(p)-1]]
		if !ok {
			there, value = false, "unknown"
		}
		return value
	})
	return path, there
}

func (w *world) path(r route.Route) string { path, _ := w.fill(r); return path }

// open are the operations that need no token; the last two are asked by signed requests.
var open = []string{
	"ListVersions", "GetVersion", "GetVersionV2", "GetHealth", "IssueToken", "IssueTokenV2", "ChangePassword", "CreateAccessToken", "CreateRequestToken",
}

// table is every route of clients. The pages for people answer otherwise; their tests are in
// functions/console.
func table() []route.Route {
	return slices.DeleteFunc(slices.Clone(routes.Table), func(r route.Route) bool { return r.Function == "Console" })
}

// isPage reports whether a reply is a page's.
func isPage(r service.Reply) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") && r.Header.Get("Content-Security-Policy") != ""
}

func all(t *testing.T, keep func(route.Route) bool) []route.Route {
	t.Helper()
	var kept []route.Route
	for _, r := range table() {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	require.NotEmpty(t, kept)
	return kept
}

func isProtected(r route.Route) bool { return !slices.Contains(open, r.Operation) }

var (
	requestID = regexp.MustCompile(`^req-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`)
	titles    = map[int]string{
		400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
		410: "Gone", 413: "Request Entity Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests",
		500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
	}
)

// common is what holds of every answer (C-001 to C-003).
func (w *world) common(t testing.TB, method string, r service.Reply) {
	t.Helper()
	require.Contains(t, strings.Join(r.Header.Values("Vary"), ","), "X-Auth-Token")
	require.Regexp(t, requestID, r.Header.Get("X-Openstack-Request-Id"))
	if method == http.MethodHead || r.Status == http.StatusNoContent {
		require.Empty(t, r.Text)
	}
	if r.Status < 400 {
		return
	}
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	if method == http.MethodHead {
		return
	}
	require.Len(t, r.Body, 1, r.Text)
	e := r.Member("error")
	require.EqualValues(t, r.Status, e["code"])
	require.Equal(t, titles[r.Status], e["title"])
	require.NotEmpty(t, e["message"])
	for name := range e {
		require.Contains(t, []string{"code", "title", "message", "identity"}, name)
	}
}

// do sends a request and looks at what is common to all answers.
func (w *world) do(t testing.TB, method, path, token string, body any, headers ...string) service.Reply {
	t.Helper()
	r := w.Do(method, path, token, body, headers...)
	w.common(t, method, r)
	return r
}

// want is do with a status.
func (w *world) want(t testing.TB, status int, method, path, token string, body any, headers ...string) service.Reply {
	t.Helper()
	r := w.do(t, method, path, token, body, headers...)
	require.Equal(t, status, r.Status, "%s %s: %s", method, path, r.Text)
	return r
}
