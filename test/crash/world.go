package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

type object = map[string]any

// outcome is what a client was told about something it asked for.
type outcome int

const (
	unknown outcome = iota // no answer came
	there                  // acknowledged
	gone                   // its end was acknowledged
)

// user, trust and token are what a client has asked for.
type user struct {
	id, name string
	state    outcome
}

type trust struct {
	id    string
	state outcome // unknown: its end was asked for, and no answer came
}

type token struct {
	text  string
	trust *trust
	state outcome
}

// client works on its own, with a trustor and a trustee of its own. Requests of one
// client follow one another, so it knows what it was told.
type client struct {
	w                *world
	number           int
	trustor, trustee string // ids
	asTrustor        string // tokens
	asTrustee        string
	count            int
	users            []*user
	trusts           []*trust
	tokens           []*token
}

// world is the service as its clients know it.
type world struct {
	url, admin, project, role string
	http                      http.Client
	clients                   []*client
	rounds, checks            int
}

func (w *world) String() string {
	var users, trusts, tokens int
	for _, c := range w.clients {
		users, trusts, tokens = users+len(c.users), trusts+len(c.trusts), tokens+len(c.tokens)
	}
	return fmt.Sprintf("%d users, %d trusts, %d tokens, %d checks", users, trusts, tokens, w.checks)
}

// call sends a request. Status 0 means that no answer came.
func (w *world) call(method, path, as, subject string, body any) (int, object, http.Header) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // a slip in this program
	}
	if body == nil {
		text = nil
	}
	r, err := http.NewRequest(method, w.url+path, bytes.NewReader(text)) //nolint:noctx // the client has a time-out
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if as != "" {
		r.Header.Set("X-Auth-Token", as)
	}
	if subject != "" {
		r.Header.Set("X-Subject-Token", subject)
	}
	res, err := w.http.Do(r)
	if err != nil {
		return 0, nil, nil
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, nil
	}
	var decoded object
	_ = json.Unmarshal(answer, &decoded) // 204 has no body
	return res.StatusCode, decoded, res.Header
}

// must is call for what has to succeed.
func (w *world) must(want int, method, path, as string, body any) (object, http.Header, error) {
	status, answer, header := w.call(method, path, as, "", body)
	if status != want {
		return nil, nil, fmt.Errorf("%s %s: %d instead of %d: %v", method, path, status, want, answer)
	}
	return answer, header, nil
}

func id(answer object, kind string) string {
	member, _ := answer[kind].(object)
	text, _ := member["id"].(string)
	return text
}

func login(user, password string, scope object) object {
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{"user": object{"id": user, "password": password}}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return object{"auth": auth}
}

func newWorld(url string) (*world, error) {
	w := &world{url: url, http: http.Client{Timeout: 20 * time.Second}}
	_, h, err := w.must(201, "POST", "/auth/tokens", "", object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{"name": "admin", "domain": object{"id": "default"}, "password": password}}},
		"scope":    object{"project": object{"name": "admin", "domain": object{"id": "default"}}}}})
	if err != nil {
		return nil, err
	}
	w.admin = h.Get("X-Subject-Token")
	for kind, into := range map[string]*string{"project": &w.project, "role": &w.role} {
		answer, _, err := w.must(201, "POST", "/"+kind+"s", w.admin, object{kind: object{"name": "crash"}})
		if err != nil {
			return nil, err
		}
		*into = id(answer, kind)
	}
	for n := range clients {
		c := &client{w: w, number: n}
		if err := c.settle(); err != nil {
			return nil, err
		}
		w.clients = append(w.clients, c)
	}
	return w, nil
}

// settle makes the client's trustor and trustee.
func (c *client) settle() error {
	w := c.w
	for name, into := range map[string]*string{"trustor": &c.trustor, "trustee": &c.trustee} {
		name = fmt.Sprintf("%s-%d", name, c.number)
		answer, _, err := w.must(201, "POST", "/users", w.admin, object{"user": object{"name": name, "password": "secret"}})
		if err != nil {
			return err
		}
		*into = id(answer, "user")
	}
	if _, _, err := w.must(204, "PUT", "/projects/"+w.project+"/users/"+c.trustor+"/roles/"+w.role, w.admin, nil); err != nil {
		return err
	}
	_, h, err := w.must(201, "POST", "/auth/tokens", "", login(c.trustor, "secret", object{"project": object{"id": w.project}}))
	if err != nil {
		return err
	}
	c.asTrustor = h.Get("X-Subject-Token")
	_, h, err = w.must(201, "POST", "/auth/tokens", "", login(c.trustee, "secret", nil))
	if err != nil {
		return err
	}
	c.asTrustee = h.Get("X-Subject-Token")
	return nil
}

// step does one thing and reports whether an answer came.
func (c *client) step() bool {
	c.count++
	switch rand.IntN(10) { //nolint:gosec // G404: what to do next is no secret
	case 0:
		return c.makeUser()
	case 1, 2, 3:
		return c.makeTrust()
	case 4, 5, 6:
		return c.takeToken()
	case 7, 8:
		return c.revokeToken()
	default:
		return c.deleteTrust()
	}
}

func (c *client) makeUser() bool {
	u := &user{name: fmt.Sprintf("user-%d-%d", c.number, c.count)}
	c.users = append(c.users, u)
	status, answer, _ := c.w.call("POST", "/users", c.w.admin, "", object{"user": object{"name": u.name, "password": "secret"}})
	if status == http.StatusCreated {
		u.id, u.state = id(answer, "user"), there
	}
	return status != 0
}

func (c *client) makeTrust() bool {
	status, answer, _ := c.w.call("POST", "/OS-TRUST/trusts", c.asTrustor, "", object{"trust": object{
		"trustor_user_id": c.trustor, "trustee_user_id": c.trustee, "project_id": c.w.project,
		"impersonation": true, "roles": []object{{"id": c.w.role}}}})
	if status == http.StatusCreated {
		c.trusts = append(c.trusts, &trust{id: id(answer, "trust"), state: there})
	}
	return status != 0
}

// some picks one of those that are there, nil when there is none.
func some[T any](all []*T, is func(*T) bool) *T {
	for range 5 {
		if len(all) == 0 {
			return nil
		}
		if one := all[rand.IntN(len(all))]; is(one) { //nolint:gosec // G404: which one is no secret
			return one
		}
	}
	return nil
}

func (c *client) takeToken() bool {
	t := some(c.trusts, func(t *trust) bool { return t.state == there })
	if t == nil {
		return c.makeTrust()
	}
	status, _, h := c.w.call("POST", "/auth/tokens?nocatalog", "", "", object{"auth": object{
		"identity": object{"methods": []string{"token"}, "token": object{"id": c.asTrustee}},
		"scope":    object{"OS-TRUST:trust": object{"id": t.id}}}})
	if status == http.StatusCreated {
		c.tokens = append(c.tokens, &token{text: h.Get("X-Subject-Token"), trust: t, state: there})
	}
	return status != 0
}

func (c *client) revokeToken() bool {
	t := some(c.tokens, func(t *token) bool { return t.state == there && t.trust.state == there })
	if t == nil {
		return c.takeToken()
	}
	t.state = unknown
	status, _, _ := c.w.call("DELETE", "/auth/tokens", c.w.admin, t.text, nil)
	if status == http.StatusNoContent {
		t.state = gone
	}
	return status != 0
}

func (c *client) deleteTrust() bool {
	t := some(c.trusts, func(t *trust) bool { return t.state == there })
	if t == nil {
		return c.makeTrust()
	}
	t.state = unknown
	status, _, _ := c.w.call("DELETE", "/OS-TRUST/trusts/"+t.id, c.asTrustor, "", nil)
	if status == http.StatusNoContent {
		t.state = gone
	}
	return status != 0
}
