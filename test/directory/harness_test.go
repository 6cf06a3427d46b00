// Package directory_test shows the directory's rows of contract/directory.md end to end:
// requests through the routes of the template, operations over the embedded table.
package directory_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

const base = service.Base

type bench struct {
	t     *testing.T
	at    *service.Service
	admin string // a token of the admin on the project admin
	boot  struct{ UserID, ProjectID string }
}

type object = map[string]any

func newService(t *testing.T) *bench {
	t.Helper()
	s := &bench{t: t, at: service.New(t)}
	s.admin = s.login("admin", service.AdminPassword, object{"project": object{"name": "admin", "domain": object{"id": "default"}}})
	s.boot.UserID = ids(s.as("GET", "/v3/users?name=admin", nil, 200).list("users"))[0]
	s.boot.ProjectID = ids(s.as("GET", "/v3/projects?name=admin", nil, 200).list("projects"))[0]
	return s
}

// run is a subtest whose failures are its own.
func (s *bench) run(name string, f func(t *testing.T)) {
	outer := s.t
	outer.Run(name, func(t *testing.T) {
		s.t = t
		defer func() { s.t = outer }()
		f(t)
	})
}

type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   []byte
}

// do sends a request and wants a status; body is a string as it is, or a value as JSON.
func (s *bench) do(method, path, token string, body any, want int, headers ...string) reply {
	s.t.Helper()
	r := s.at.Do(method, path, token, body, headers...)
	got := reply{s.t, r.Status, r.Header, []byte(r.Text)}
	require.Equal(s.t, want, got.status, "%s %s: %s", method, path, got.text)
	if method == http.MethodHead || want == http.StatusNoContent {
		require.Empty(s.t, got.text)
	}
	return got
}

// as sends as the admin.
func (s *bench) as(method, path string, body any, want int) reply {
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

func (s *bench) tryLogin(name, password string, scope any, want int) string {
	s.t.Helper()
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{
		"user": object{"name": name, "domain": object{"id": "default"}, "password": password}}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return s.do("POST", "/v3/auth/tokens", "", object{"auth": auth}, want).header.Get("X-Subject-Token")
}

func (s *bench) login(name, password string, scope any) string {
	s.t.Helper()
	return s.tryLogin(name, password, scope, 201)
}

func onProject(id string) object { return object{"project": object{"id": id}} }

func onDomain(id string) object { return object{"domain": object{"id": id}} }

// make creates a member of a collection and returns its id.
func (s *bench) make(plural, singular string, attributes object) string {
	s.t.Helper()
	return s.as("POST", "/v3/"+plural, object{singular: attributes}, 201).object(singular)["id"].(string)
}

func (s *bench) user(name string) string {
	s.t.Helper()
	return s.make("users", "user", object{"name": name, "password": "pw"})
}

func (s *bench) role(name string) string {
	s.t.Helper()
	found := s.as("GET", "/v3/roles?name="+name, nil, 200).list("roles")
	require.Len(s.t, found, 1)
	return found[0]["id"].(string)
}

// alive wants what a validation of a token answers.
func (s *bench) alive(token string, want int) {
	s.t.Helper()
	r := s.at.Do("GET", "/v3/auth/tokens", s.admin, nil, "X-Subject-Token", token)
	require.Equal(s.t, want, r.Status, "%s", r.Text)
}
