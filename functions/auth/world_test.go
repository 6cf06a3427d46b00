// Package auth_test shows the rows of contract/tokens-v3.md end to end: requests through
// the routes of the template, operations over the embedded table. A subtest that shows a
// row bears its id.
package auth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

type object = map[string]any

// world is a service whose clock stands still, with two projects of the default domain, a
// second domain with one, and the roles of the first start.
type world struct {
	*service.Service
	clock *service.Clock
	roles map[string]string // ids by name

	web, shop     string // projects of the default domain
	research, lab string // another domain, and its project
	people        int
	signedIn      time.Time
	adminToken    string
}

func newWorld(t *testing.T, with ...service.Option) *world {
	t.Helper()
	c := service.StoppedAt(time.Date(2031, 3, 1, 9, 0, 0, 250_000_000, time.UTC))
	w := &world{Service: service.New(t, append(with, service.WithClock(c.Now))...), clock: c, roles: map[string]string{}}
	for _, r := range w.as(t, 200, "GET", "/v3/roles", nil).list(t, "roles") {
		w.roles[r["name"].(string)] = r["id"].(string)
	}
	w.research = w.make(t, "domain", object{"name": "Research"})
	w.web = w.make(t, "project", object{"name": "web"})
	w.shop = w.make(t, "project", object{"name": "shop"})
	w.lab = w.make(t, "project", object{"name": "lab", "domain_id": w.research})
	return w
}

type reply struct{ service.Reply }

// do sends a request and wants a status. Whatever is wrong comes in the common envelope,
// and what has no body has none.
func (w *world) do(t *testing.T, want int, method, path, token string, body any, headers ...string) reply {
	t.Helper()
	r := w.Do(method, path, token, body, headers...)
	require.Equal(t, want, r.Status, "%s %s: %s", method, path, r.Text)
	if method == http.MethodHead || want == http.StatusNoContent {
		require.Empty(t, r.Text)
	} else if want >= 400 {
		require.EqualValues(t, want, r.Member("error")["code"], r.Text)
	}
	return reply{r}
}

// admin is a live token of the administrator.
func (w *world) admin(t *testing.T) string {
	t.Helper()
	if w.adminToken == "" || w.clock.Now().Sub(w.signedIn) > 50*time.Minute {
		w.signedIn = w.clock.Now()
		w.adminToken = w.issue(t, service.PasswordAuth("admin", service.AdminPassword, object{"project": object{"name": "admin", "domain": object{"id": "default"}}}))
	}
	return w.adminToken
}

func (w *world) as(t *testing.T, want int, method, path string, body any) reply {
	t.Helper()
	return w.do(t, want, method, path, w.admin(t), body)
}

// make creates something and returns its id.
func (w *world) make(t *testing.T, kind string, attributes object) string {
	t.Helper()
	return w.as(t, 201, "POST", "/v3/"+kind+"s", object{kind: attributes}).Member(kind)["id"].(string)
}

func (w *world) patch(t *testing.T, kind, id string, attributes object) {
	t.Helper()
	w.as(t, 200, "PATCH", "/v3/"+kind+"s/"+id, object{kind: attributes})
}

func (r reply) list(t *testing.T, name string) (list []object) {
	t.Helper()
	members, ok := r.Body[name].([]any)
	require.True(t, ok, "no list %s in %s", name, r.Text)
	for _, m := range members {
		list = append(list, m.(object))
	}
	return list
}

// token is the shown token of a reply.
func (r reply) token() object { return r.Member("token") }

// subject is the token in X-Subject-Token.
func (r reply) subject() string { return r.Header.Get("X-Subject-Token") }

func members(o object) []string {
	var names []string
	for name := range o {
		names = append(names, name)
	}
	return names
}

func names(t *testing.T, list any) []string {
	t.Helper()
	found := []string{}
	for _, m := range list.([]any) {
		found = append(found, m.(object)["name"].(string))
	}
	return found
}

// A person is a user whose password is known.
type person struct{ id, name, password string }

// grant is a role, by name, on a target, by path: {"member", "projects/…"}.
type grant struct{ role, on string }

func onProject(id string) string { return "projects/" + id }
func onDomain(id string) string  { return "domains/" + id }

const onSystem = "system"

func (w *world) path(actor string, g grant) string {
	role, ok := w.roles[g.role]
	if !ok {
		panic("no role " + g.role)
	}
	if on, inherited := strings.CutSuffix(g.on, "#below"); inherited {
		return fmt.Sprintf("/v3/OS-INHERIT/%s/%s/roles/%s/inherited_to_projects", on, actor, role)
	}
	return fmt.Sprintf("/v3/%s/%s/roles/%s", g.on, actor, role)
}

func (w *world) grant(t *testing.T, actor string, g grant) {
	t.Helper()
	w.as(t, 204, "PUT", w.path(actor, g), nil)
}

func (w *world) take(t *testing.T, actor string, g grant) {
	t.Helper()
	w.as(t, 204, "DELETE", w.path(actor, g), nil)
}

// person makes a user of the default domain with these roles.
func (w *world) person(t *testing.T, grants ...grant) person {
	t.Helper()
	return w.personIn(t, "default", grants...)
}

func (w *world) personIn(t *testing.T, domain string, grants ...grant) person {
	t.Helper()
	w.people++
	p := person{name: fmt.Sprintf("person-%d", w.people), password: fmt.Sprintf("pw-%d", w.people)}
	p.id = w.make(t, "user", object{"name": p.name, "password": p.password, "domain_id": domain})
	for _, g := range grants {
		w.grant(t, "users/"+p.id, g)
	}
	return p
}

// by is the body that signs a person in, by id; scope may be nil.
func (p person) by(scope any) object {
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{"user": object{"id": p.id, "password": p.password}}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return object{"auth": auth}
}

// ask asks for a token and wants a status.
func (w *world) ask(t *testing.T, want int, body any) reply {
	t.Helper()
	return w.do(t, want, "POST", "/v3/auth/tokens", "", body)
}

func (w *world) issue(t *testing.T, body any) string {
	t.Helper()
	return w.ask(t, 201, body).subject()
}

// login signs a person in.
func (w *world) login(t *testing.T, p person, scope any) string {
	t.Helper()
	return w.issue(t, p.by(scope))
}

// turn turns a token into another.
func (w *world) turn(t *testing.T, token string, scope any) string {
	t.Helper()
	return w.issue(t, service.TokenAuth(token, scope))
}

// validate asks about a token as the administrator.
func (w *world) validate(t *testing.T, want int, subject string) reply {
	t.Helper()
	return w.do(t, want, "GET", "/v3/auth/tokens", w.admin(t), nil, "X-Subject-Token", subject)
}

// dead wants a token to be dead in both places.
func (w *world) dead(t *testing.T, token string) {
	t.Helper()
	w.validate(t, 404, token)
	w.do(t, 401, "GET", "/v3/auth/projects", token, nil)
}

// live wants a token to be good in both places.
func (w *world) live(t *testing.T, token string) {
	t.Helper()
	w.validate(t, 200, token)
	w.do(t, 200, "GET", "/v3/auth/projects", token, nil)
}

// trust makes a trust of a trustor, by her token, to a trustee.
func (w *world) trust(t *testing.T, trustor, trustee person, token string, more object) string {
	t.Helper()
	body := object{
		"trustor_user_id": trustor.id, "trustee_user_id": trustee.id, "project_id": w.web, "impersonation": true,
		"roles": []object{{"name": "member"}},
	}
	for k, v := range more {
		body[k] = v
	}
	return w.do(t, 201, "POST", "/v3/OS-TRUST/trusts", token, object{"trust": body}).Member("trust")["id"].(string)
}

// entrusted is a token of a fresh trust on project web, with its trustor and trustee.
func (w *world) entrusted(t *testing.T, more object) (token, id string, trustor, trustee person) {
	t.Helper()
	trustor, trustee = w.person(t, grant{"member", onProject(w.web)}), w.person(t)
	id = w.trust(t, trustor, trustee, w.login(t, trustor, service.OnProject(w.web)), more)
	return w.login(t, trustee, service.ByTrust(id)), id, trustor, trustee
}
