package preauthentications_test

import (
	"net/http"
	"testing"
	"time"

	"mandate/test/service"
)

type object = map[string]any

// world is a service with ada, who is operator and watcher on web and operator on shop;
// bob and eve are nothing anywhere.
type world struct {
	*service.Service
	t     *testing.T
	clock *service.Clock

	ada, bob, eve              string // ids
	web, shop                  string
	operator, watcher, foreign string // roles; ada does not have the last one
	adas, bobs, eves           string // tokens: ada's for web, the others' unscoped
}

var morning = time.Date(2031, 3, 1, 9, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, with ...service.Option) *world {
	t.Helper()
	w := &world{t: t, clock: service.StoppedAt(morning)}
	w.Service = service.New(t, append(with, service.WithClock(w.clock.Now))...)
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "eve": &w.eve} {
		*id = w.ID("users", "user", object{"name": name, "password": "pw-" + name})
	}
	w.web, w.shop = w.ID("projects", "project", object{"name": "web"}), w.ID("projects", "project", object{"name": "shop"})
	for name, id := range map[string]*string{"operator": &w.operator, "watcher": &w.watcher, "foreign": &w.foreign} {
		*id = w.ID("roles", "role", object{"name": name})
	}
	w.grant("PUT", w.ada, w.web, w.operator)
	w.grant("PUT", w.ada, w.web, w.watcher)
	w.grant("PUT", w.ada, w.shop, w.operator)
	w.login()
	return w
}

// login makes everybody's tokens new.
func (w *world) login() {
	w.t.Helper()
	w.adas = w.Login("ada", "pw-ada", service.OnProject(w.web))
	w.bobs, w.eves = w.Login("bob", "pw-bob", nil), w.Login("eve", "pw-eve", nil)
}

// later lets time go by, beyond the life of everybody's tokens.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.Forget()
	w.login()
}

func (w *world) grant(method, user, project, role string) {
	w.t.Helper()
	w.Must(http.StatusNoContent, method, "/v3/projects/"+project+"/users/"+user+"/roles/"+role, w.Admin(), nil)
}

func path(user string, more ...string) string {
	p := "/v3/users/" + user + "/preauthentications"
	for _, m := range more {
		p += "/" + m
	}
	return p
}

// arrangement is ada's for bob on web.
func (w *world) arrangement(more ...object) object {
	p := object{"trustee_user_id": w.bob, "project_id": w.web, "roles": []any{object{"id": w.operator}}}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	return wrap(p)
}

func wrap(p object) object { return object{"preauthentication": p} }

func (w *world) post(token string, body any) service.Reply {
	return w.Do("POST", path(w.ada), token, body)
}

// arrange makes one.
func (w *world) arrange(more ...object) object {
	w.t.Helper()
	return w.Must(http.StatusCreated, "POST", path(w.ada), w.adas, w.arrangement(more...)).Member("preauthentication")
}

func (w *world) show(id string) object {
	w.t.Helper()
	return w.Must(http.StatusOK, "GET", path(w.ada, id), w.adas, nil).Member("preauthentication")
}

func (w *world) patch(id string, p object, headers ...string) service.Reply {
	return w.Do("PATCH", path(w.ada, id), w.adas, wrap(p), headers...)
}

func (w *world) trust(id string) service.Reply {
	return w.Do("GET", "/v3/OS-TRUST/trusts/"+id, w.adas, nil)
}

// fetch asks for a token of ada's.
func (w *world) fetch(token, query string) service.Reply {
	return w.Do("POST", "/v3/tokens/trusts/"+w.ada+query, token, nil)
}

// fetched is a token got that way.
func (w *world) fetched(query string) string {
	w.t.Helper()
	return w.Must(http.StatusCreated, "POST", "/v3/tokens/trusts/"+w.ada+query, w.bobs, nil).Header.Get("X-Subject-Token")
}

// trusts are ids of all trusts of ada's.
func (w *world) trusts() (ids []string) {
	w.t.Helper()
	r := w.Must(http.StatusOK, "GET", "/v3/OS-TRUST/trusts?trustor_user_id="+w.ada, w.adas, nil)
	for _, t := range r.Body["trusts"].([]any) {
		ids = append(ids, t.(object)["id"].(string))
	}
	return ids
}
