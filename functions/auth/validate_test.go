package auth_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

const tokens = "/v3/auth/tokens"

func TestValidate(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)})
	bob := w.person(t, grant{"member", onProject(w.web)})
	project := service.OnProject(w.web)

	t.Run("T-060_the_body_of_its_issue", func(t *testing.T) {
		for _, p := range []object{ada.by(project), ada.by(nil)} {
			made := w.ask(t, 201, p)
			w.clock.Advance(time.Second)
			r := w.do(t, 200, "GET", tokens, made.subject(), nil, "X-Subject-Token", made.subject())
			require.JSONEq(t, made.Text, r.Text)
			require.Equal(t, made.subject(), r.subject())
		}
	})
	t.Run("T-061_head", func(t *testing.T) {
		token := w.login(t, ada, project)
		r := w.do(t, 200, "HEAD", tokens, token, nil, "X-Subject-Token", token)
		require.Equal(t, token, r.subject())
	})
	t.Run("T-062_T-063_nobody_asks", func(t *testing.T) {
		w.do(t, 401, "GET", tokens, "", nil, "X-Subject-Token", w.login(t, ada, project))
		w.do(t, 401, "GET", tokens, "", nil, "X-Subject-Token", "garbage")
		w.do(t, 401, "HEAD", tokens, "", nil, "X-Subject-Token", "garbage")
	})
	t.Run("T-064_a_subject_that_is_not_live", func(t *testing.T) {
		token := w.login(t, ada, project)
		for _, garbled := range []string{"garbage", token + "A", token[:len(token)-4], "_" + token[1:], token + "="} {
			w.validate(t, 404, garbled)
			w.do(t, 404, "HEAD", tokens, w.admin(t), nil, "X-Subject-Token", garbled)
		}
		w.as(t, 204, "DELETE", "/v3/users/"+ada.id+"/tokens", nil)
		w.validate(t, 404, token)
		expiring := w.login(t, ada, project)
		w.clock.Advance(time.Hour - time.Second)
		w.validate(t, 200, expiring)
		w.clock.Advance(time.Second)
		w.validate(t, 404, expiring)
	})
	t.Run("T-065_no_subject", func(t *testing.T) {
		w.do(t, 404, "GET", tokens, w.admin(t), nil)
		w.do(t, 404, "GET", tokens, w.admin(t), nil, "X-Subject-Token", "")
	})
	t.Run("T-066_somebody_elses", func(t *testing.T) {
		w.do(t, 403, "GET", tokens, w.login(t, bob, project), nil, "X-Subject-Token", w.login(t, ada, project))
	})
	t.Run("T-067_without_catalog", func(t *testing.T) {
		made := w.ask(t, 201, ada.by(project))
		r := w.do(t, 200, "GET", tokens+"?nocatalog", made.subject(), nil, "X-Subject-Token", made.subject())
		want := made.token()
		delete(want, "catalog")
		require.Equal(t, want, r.token())
	})
	t.Run("T-068_T-069_T-070_T-071_expired_within_the_window", func(t *testing.T) {
		made := w.ask(t, 201, ada.by(project))
		token := made.subject()
		allowed := func(want int, query string) reply {
			t.Helper()
			return w.do(t, want, "GET", tokens+query, w.admin(t), nil, "X-Subject-Token", token)
		}
		allowed(200, "?allow_expired=1") // a live one too
		w.clock.Advance(time.Hour + time.Minute)
		for _, yes := range []string{"1", "true", "yes", "on", "t", "y", "TRUE"} {
			require.Equal(t, made.token(), allowed(200, "?allow_expired="+yes).token(), "the time past is shown")
		}
		for _, no := range []string{"", "?allow_expired=0", "?allow_expired", "?allow_expired=", "?allow_expired=false", "?allow_expired=maybe"} {
			allowed(404, no)
		}
		w.do(t, 401, "GET", tokens+"?allow_expired=1", token, nil, "X-Subject-Token", token)
		w.clock.Advance(48*time.Hour - 2*time.Minute)
		allowed(200, "?allow_expired=1")
		w.clock.Advance(time.Minute)
		allowed(404, "?allow_expired=1")
	})
	t.Run("T-078_other_methods", func(t *testing.T) {
		for _, method := range []string{"PUT", "PATCH"} {
			r := w.do(t, 405, method, tokens, w.admin(t), nil)
			require.Equal(t, "DELETE, GET, HEAD, OPTIONS, POST", r.Header.Get("Allow"))
		}
	})
	t.Run("T-079_names_and_roles_of_now", func(t *testing.T) {
		p := w.person(t, grant{"reader", onProject(w.web)})
		token := w.login(t, p, project)
		w.patch(t, "user", p.id, object{"name": "renamed"})
		w.grant(t, "users/"+p.id, grant{"manager", onProject(w.web)})
		shown := w.validate(t, 200, token).token()
		require.Equal(t, "renamed", shown["user"].(object)["name"])
		require.ElementsMatch(t, []string{"manager", "member", "reader"}, names(t, shown["roles"]))
	})
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"member", onProject(w.shop)})
	bob := w.person(t, grant{"member", onProject(w.web)})
	project, other := service.OnProject(w.web), service.OnProject(w.shop)
	revoke := func(t *testing.T, want int, caller, subject, query string) {
		t.Helper()
		w.do(t, want, "DELETE", tokens+query, caller, nil, "X-Subject-Token", subject)
	}
	t.Run("T-072_T-073_by_itself", func(t *testing.T) {
		token := w.login(t, ada, project)
		w.live(t, token)
		revoke(t, 204, token, token, "")
		w.dead(t, token)
		revoke(t, 404, w.admin(t), token, "")
		revoke(t, 401, token, token, "")
	})
	t.Run("T-074_T-075_not_by_others", func(t *testing.T) {
		token := w.login(t, ada, project)
		revoke(t, 403, w.login(t, bob, project), token, "")
		revoke(t, 401, "", token, "")
		w.live(t, token)
	})
	chain := func(t *testing.T) (root, child, grandchild, other string) {
		t.Helper()
		root = w.login(t, ada, nil)
		child = w.turn(t, root, project)
		grandchild = w.turn(t, child, service.OnProject(w.shop))
		return root, child, grandchild, w.login(t, ada, project)
	}
	t.Run("T-076_the_root_takes_its_chain_along", func(t *testing.T) {
		root, child, grandchild, login := chain(t)
		revoke(t, 204, root, root, "")
		for _, token := range []string{root, child, grandchild} {
			w.dead(t, token)
			w.do(t, 404, "GET", tokens+"?allow_expired=1", w.admin(t), nil, "X-Subject-Token", token)
		}
		w.live(t, login)
		w.Drain()
		w.dead(t, grandchild)
		w.live(t, login)

		root, child, grandchild, _ = chain(t) // any other ends that one only
		revoke(t, 204, child, child, "")
		w.dead(t, child)
		w.live(t, root)
		w.live(t, grandchild)
		w.turn(t, grandchild, other)
		revoke(t, 204, w.admin(t), root, "")
		w.dead(t, grandchild)
	})
	t.Run("T-119_the_root_alone", func(t *testing.T) {
		for _, no := range []string{"false", "0", "no", "off", "f", "n", "FALSE"} {
			root, child, grandchild, _ := chain(t)
			revoke(t, 204, root, root, "?cascade="+no)
			w.dead(t, root)
			w.live(t, child)
			w.live(t, grandchild)
		}
		for _, yes := range []string{"true", "1", "", "maybe"} {
			root, child, _, _ := chain(t)
			revoke(t, 204, root, root, "?cascade="+url.QueryEscape(yes))
			w.dead(t, child)
		}
	})
}
