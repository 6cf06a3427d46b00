// Package v2 holds the v2.0 token API to its contract, through the whole service.
package v2

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

type object = map[string]any

// world is a service with people: ada is an operator on web, on far (which is of another
// domain) and on shut (which is disabled); bob has nothing, watcher the role service on web,
// off is disabled; eve is of the other domain and an operator on far.
type world struct {
	*service.Service
	web, other, shut, far       string // projects
	ada, bob, watcher, off, eve string // users
	role, elsewhere             string
	ahead                       *atomic.Int64
}

func build(t testing.TB, with ...service.Option) *world {
	t.Helper()
	w := &world{ahead: new(atomic.Int64)}
	now := func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	w.Service = service.New(t, append([]service.Option{service.WithClock(now)}, with...)...)
	w.elsewhere = w.ID("domains", "domain", object{"name": "elsewhere"})
	w.web = w.ID("projects", "project", object{"name": "web", "description": "the site"})
	w.other = w.ID("projects", "project", object{"name": "other"})
	w.shut = w.ID("projects", "project", object{"name": "shut", "enabled": false})
	w.far = w.ID("projects", "project", object{"name": "far", "domain_id": w.elsewhere})
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "watcher": &w.watcher} {
		*id = w.ID("users", "user", object{"name": name, "password": "pw-" + name})
	}
	w.off = w.ID("users", "user", object{"name": "off", "password": "pw-off", "enabled": false})
	w.eve = w.ID("users", "user", object{"name": "eve", "password": "pw-eve", "domain_id": w.elsewhere})
	w.role = w.ID("roles", "role", object{"name": "operator"})
	for _, project := range []string{w.web, w.shut, w.far} {
		w.grant(project, w.ada, w.role)
	}
	w.grant(w.far, w.eve, w.role)
	w.grant(w.web, w.watcher, w.named(t, "roles", "service"))
	return w
}

func (w *world) grant(project, user, role string) {
	w.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+user+"/roles/"+role, w.Admin(), nil)
}

// named is the id of something that was there from the beginning.
func (w *world) named(t testing.TB, collection, name string) string {
	t.Helper()
	list := w.Must(http.StatusOK, "GET", "/v3/"+collection+"?name="+name, w.Admin(), nil).Body[collection].([]any)
	require.Len(t, list, 1)
	return list[0].(object)["id"].(string)
}

// password and offer are the two ways to sign in; more is put beside them.
func password(user, secret string, more object) object {
	return with(object{"passwordCredentials": object{"username": user, "password": secret}}, more)
}

func offer(token string, more object) object {
	return with(object{"token": object{"id": token}}, more)
}

func with(auth, more object) object {
	for name, value := range more {
		auth[name] = value
	}
	return object{"auth": auth}
}

func tenantID(id string) object { return object{"tenantId": id} }

func trustOn(id, tenant string) object { return object{"trust_id": id, "tenantId": tenant} }

// ask signs in.
func (w *world) ask(body any) service.Reply { return w.Do("POST", "/v2.0/tokens", "", body) }

// login signs in and returns what is shown; it has to succeed.
func (w *world) login(t testing.TB, body any) access {
	t.Helper()
	r := w.ask(body)
	require.Equal(t, http.StatusOK, r.Status, r.Text)
	assert.Empty(t, r.Header.Get("X-Subject-Token"))
	assert.Empty(t, r.Header.Get("X-Auth-Token"))
	return r.Body["access"].(object)
}

// access is a shown token.
type access object

func (a access) part(name string) object { o, _ := a[name].(object); return o }
func (a access) id() string              { return a.part("token")["id"].(string) }
func (a access) audits() []any           { return a.part("token")["audit_ids"].([]any) }
func (a access) tenant() object          { o, _ := a.part("token")["tenant"].(object); return o }
func (a access) catalog() []any          { return a["serviceCatalog"].([]any) }

// shown is what a reply shows of a token.
func shown(t testing.TB, r service.Reply) access {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, r.Text)
	return r.Body["access"].(object)
}

func (w *world) get(token, caller string) service.Reply {
	return w.Do("GET", "/v2.0/tokens/"+token, caller, nil)
}

// v3 signs in by v3.
func (w *world) v3(user, secret string, domain string, scope any) string {
	body := object{"auth": object{"identity": object{"methods": []string{"password"}, "password": object{
		"user": object{"name": user, "domain": object{"id": domain}, "password": secret},
	}}}}
	if scope != nil {
		body["auth"].(object)["scope"] = scope
	}
	return w.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", body).Header.Get("X-Subject-Token")
}

// trust delegates the role on a project, by a token of the trustor.
func (w *world) trust(token, trustor, trustee, project string, more object) string {
	grant := object{
		"trustor_user_id": trustor, "trustee_user_id": trustee, "project_id": project, "impersonation": false,
		"roles": []any{object{"id": w.role}},
	}
	for name, value := range more {
		grant[name] = value
	}
	return w.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", token, object{"trust": grant}).Member("trust")["id"].(string)
}

// refused holds an error: its status, the envelope, and that it does not say what was sent.
func refused(t testing.TB, r service.Reply, status int) {
	t.Helper()
	require.Equal(t, status, r.Status, r.Text)
	require.Len(t, r.Body, 1, r.Text)
	e := r.Member("error")
	assert.InDelta(t, status, e["code"], 0)
	assert.Equal(t, http.StatusText(status), e["title"])
	assert.NotEmpty(t, e["message"])
	if status == http.StatusUnauthorized {
		assert.Equal(t, "The request you have made requires authentication.", e["message"])
		assert.Equal(t, `Keystone uri="`+service.Base+`"`, r.Header.Get("WWW-Authenticate"))
	}
}
