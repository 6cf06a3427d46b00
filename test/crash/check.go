package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// check compares the service with what its clients were told. What had no answer is
// settled by it: from then on it is what was found.
func (w *world) check() error {
	for _, c := range w.clients {
		if err := c.checkUsers(); err != nil {
			return err
		}
		if err := c.checkTrusts(); err != nil {
			return err
		}
		if err := c.checkTokens(); err != nil {
			return err
		}
	}
	return nil
}

// expect sends a request as the administrator and wants a status.
func (w *world) expect(want int, method, path, subject string, body any, why string) (object, error) {
	w.checks++
	status, answer, _ := w.call(method, path, w.admin, subject, body)
	if status != want {
		return nil, fmt.Errorf("%s: %s %s answered %d instead of %d: %v", why, method, path, status, want, answer)
	}
	return answer, nil
}

// list follows a collection to its end and returns ids.
func (w *world) list(path, kind string) (map[string]bool, error) {
	ids := map[string]bool{}
	for path != "" {
		answer, err := w.expect(http.StatusOK, "GET", path, "", nil, "list")
		if err != nil {
			return nil, err
		}
		members, _ := answer[kind].([]any)
		for _, m := range members {
			text, _ := m.(object)["id"].(string)
			ids[text] = true
		}
		links, _ := answer["links"].(object)
		next, _ := links["next"].(string)
		path = strings.TrimPrefix(next, w.url)
	}
	return ids, nil
}

func (c *client) checkUsers() error {
	w := c.w
	for _, u := range c.users {
		found, err := w.list("/users?name="+u.name, "users")
		if err != nil {
			return err
		}
		if len(found) == 0 && u.state == unknown { // it did not happen: then no trace may be in the way
			answer, err := w.expect(http.StatusCreated, "POST", "/users", "", object{"user": object{"name": u.name, "password": "secret"}}, "create what did not happen")
			if err != nil {
				return err
			}
			u.id, u.state = id(answer, "user"), there
			found = map[string]bool{u.id: true}
		}
		if len(found) != 1 || u.state == there && !found[u.id] {
			return fmt.Errorf("user %s (%s) is listed as %v", u.name, u.id, found)
		}
		if u.state == unknown || u == c.users[len(c.users)-1] { // a login is dear: only what is new
			for found := range found {
				u.id, u.state = found, there
			}
			if _, err := w.expect(http.StatusCreated, "POST", "/auth/tokens", "", login(u.id, "secret", nil), "log in"); err != nil {
				return err
			}
		}
		if _, err := w.expect(http.StatusOK, "GET", "/users/"+u.id, "", nil, "show what is listed"); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) checkTrusts() error {
	w := c.w
	byTrustor, err := w.list("/OS-TRUST/trusts?trustor_user_id="+c.trustor, "trusts")
	if err != nil {
		return err
	}
	byTrustee, err := w.list("/OS-TRUST/trusts?trustee_user_id="+c.trustee, "trusts")
	if err != nil {
		return err
	}
	if !maps.Equal(byTrustor, byTrustee) {
		return fmt.Errorf("the trustor lists %v, the trustee %v", byTrustor, byTrustee)
	}
	known := map[string]bool{}
	for _, t := range c.trusts {
		known[t.id] = true
		listed := byTrustor[t.id]
		if t.state == there && !listed || t.state == gone && listed {
			return fmt.Errorf("trust %s was acknowledged as %v and listed is %t", t.id, t.state, listed)
		}
		t.state = gone
		status := http.StatusNotFound
		if listed {
			t.state, status = there, http.StatusOK
		}
		if _, err := w.expect(status, "GET", "/OS-TRUST/trusts/"+t.id, "", nil, "show a trust"); err != nil {
			return err
		}
	}
	for listed := range byTrustor { // made without the client being told
		if known[listed] {
			continue
		}
		if _, err := w.expect(http.StatusOK, "GET", "/OS-TRUST/trusts/"+listed, "", nil, "show a trust that was made unheard"); err != nil {
			return err
		}
		c.trusts = append(c.trusts, &trust{id: listed, state: there})
	}
	return nil
}

func (c *client) checkTokens() error {
	for _, t := range c.tokens {
		alive := t.state == there && t.trust.state == there
		if t.state == unknown && t.trust.state == there {
			status, _, _ := c.w.call("GET", "/auth/tokens?nocatalog", c.w.admin, t.text, nil)
			alive = status == http.StatusOK
			t.state = gone
			if alive {
				t.state = there
			}
		}
		status := http.StatusNotFound
		if alive {
			status = http.StatusOK
		}
		if _, err := c.w.expect(status, "GET", "/auth/tokens?nocatalog", t.text, nil, "validate a token"); err != nil {
			return err
		}
	}
	return nil
}
