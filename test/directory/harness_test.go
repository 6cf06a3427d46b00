// Package directory_test shows the directory's rows of contract/directory.md end to end:
// requests through the routes of the template, operations over the embedded table.
package directory_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/functions"
	"mandate/functions/routes"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/route"
	"mandate/shared/secret"
	"mandate/shared/store/embedded"
)

const base = "https://id.example"

type service struct {
	t          *testing.T
	app        *app.App
	router     *route.Router
	operations map[string]http.Handler
	admin      string // a token of the admin on the project admin
	boot       directory.BootstrapResult
}

type object = map[string]any

func newService(t *testing.T) *service {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	settings.PublicURL = base
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	a, err := app.New(t.Context(), app.Parts{
		Config: settings, Table: table, Wrapper: key, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	s := &service{t: t, app: a, router: route.New(routes.Table), operations: map[string]http.Handler{}}
	for _, operations := range functions.Areas() {
		for _, o := range operations(a) {
			s.operations[o.Name] = o.Handler(a.API)
		}
	}
	s.boot, err = a.Directory.Bootstrap(t.Context(), directory.BootstrapOptions{AdminPassword: secret.New("root"), PublicURL: base + "/v3"})
	require.NoError(t, err)
	s.admin = s.login("admin", "root", object{"project": object{"name": "admin", "domain": object{"id": "default"}}})
	return s
}

type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   []byte
}

// do sends a request and wants a status; body is a string as it is, or a value as JSON.
func (s *service) do(method, path, token string, body any, want int) reply {
	s.t.Helper()
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	default:
		var err error
		sent, err = json.Marshal(b)
		require.NoError(s.t, err)
	}
	r := httptest.NewRequest(method, base+path, bytes.NewReader(sent))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	found, parameters, ok := s.router.Match(method, r.URL.EscapedPath())
	require.True(s.t, ok, "no route for %s %s", method, path)
	for name, value := range parameters {
		r.SetPathValue(name, value)
	}
	require.NotNil(s.t, s.operations[found.Operation], "no operation %s", found.Operation)
	w := httptest.NewRecorder()
	s.operations[found.Operation].ServeHTTP(w, r)
	got := reply{s.t, w.Code, w.Header(), w.Body.Bytes()}
	require.Equal(s.t, want, got.status, "%s %s: %s", method, path, got.text)
	if method == http.MethodHead || want == http.StatusNoContent {
		require.Empty(s.t, got.text)
	}
	return got
}

// raw sends as the admin and returns the status, for use from many goroutines.
func (s *service) raw(method, path, body string) int {
	r := httptest.NewRequest(method, base+path, bytes.NewReader([]byte(body)))
	r.Header.Set("X-Auth-Token", s.admin)
	r.Header.Set("Content-Type", "application/json")
	found, _, _ := s.router.Match(method, r.URL.EscapedPath())
	w := httptest.NewRecorder()
	s.operations[found.Operation].ServeHTTP(w, r)
	return w.Code
}

// as sends as the admin.
func (s *service) as(method, path string, body any, want int) reply {
	s.t.Helper()
	return s.do(method, path, s.admin, body, want)
}

func (r reply) object(key string) object {
	r.t.Helper()
	var o object
	require.NoError(r.t, json.Unmarshal(r.text, &o), "%s", r.text)
	if key == "" {
		return o
	}
	require.Contains(r.t, o, key)
	return o[key].(object)
}

func (r reply) list(key string) (list []object) {
	r.t.Helper()
	for _, m := range r.object("")[key].([]any) {
		list = append(list, m.(object))
	}
	return list
}

func ids(list []object) []string {
	found := []string{}
	for _, m := range list {
		found = append(found, m["id"].(string))
	}
	return found
}

func (s *service) tryLogin(name, password string, scope any, want int) string {
	s.t.Helper()
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{
		"user": object{"name": name, "domain": object{"id": "default"}, "password": password}}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return s.do("POST", "/v3/auth/tokens", "", object{"auth": auth}, want).header.Get("X-Subject-Token")
}

func (s *service) login(name, password string, scope any) string {
	s.t.Helper()
	return s.tryLogin(name, password, scope, 201)
}

func onProject(id string) object { return object{"project": object{"id": id}} }

func onDomain(id string) object { return object{"domain": object{"id": id}} }

// make creates a member of a collection and returns its id.
func (s *service) make(plural, singular string, attributes object) string {
	s.t.Helper()
	return s.as("POST", "/v3/"+plural, object{singular: attributes}, 201).object(singular)["id"].(string)
}

func (s *service) user(name string) string {
	s.t.Helper()
	return s.make("users", "user", object{"name": name, "password": "pw"})
}

func (s *service) role(name string) string {
	s.t.Helper()
	found := s.as("GET", "/v3/roles?name="+name, nil, 200).list("roles")
	require.Len(s.t, found, 1)
	return found[0]["id"].(string)
}

// alive wants what a validation of a token answers.
func (s *service) alive(token string, want int) {
	s.t.Helper()
	r := httptest.NewRequest("GET", base+"/v3/auth/tokens", nil)
	r.Header.Set("X-Auth-Token", s.admin)
	r.Header.Set("X-Subject-Token", token)
	w := httptest.NewRecorder()
	s.operations["ValidateToken"].ServeHTTP(w, r)
	require.Equal(s.t, want, w.Code, "%s", w.Body)
}
