package auth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// auditOf is the audit id of a live token.
func (w *world) auditOf(t *testing.T, token string) string {
	t.Helper()
	return w.validate(t, 200, token).token()["audit_ids"].([]any)[0].(string)
}

func audits(list []object) []string {
	found := []string{}
	for _, m := range list {
		found = append(found, m["audit_id"].(string))
	}
	return found
}

func TestAllTokensOfAUser(t *testing.T) {
	w := newWorld(t)
	member := grant{"member", onProject(w.web)}
	project := service.OnProject(w.web)
	all := func(p person) string { return "/v3/users/" + p.id + "/tokens" }

	t.Run("T-120_ended_by_herself_or_an_administrator", func(t *testing.T) {
		p := w.person(t, member)
		other := w.login(t, w.person(t), nil)
		for _, caller := range []string{"unscoped", "scoped", "admin"} {
			unscoped, scoped := w.login(t, p, nil), w.login(t, p, project)
			derived := w.turn(t, unscoped, project)
			by := map[string]string{"unscoped": unscoped, "scoped": scoped, "admin": w.admin(t)}[caller]
			w.do(t, 204, "DELETE", all(p), by, nil)
			for _, token := range []string{unscoped, scoped, derived} {
				w.dead(t, token)
			}
			w.live(t, other)
		}
	})
	t.Run("T-121_tokens_of_trusts_too", func(t *testing.T) {
		for _, who := range []string{"trustor", "trustee"} {
			token, id, trustor, trustee := w.entrusted(t, nil)
			w.as(t, 204, "DELETE", all(map[string]person{"trustor": trustor, "trustee": trustee}[who]), nil)
			w.dead(t, token)
			w.as(t, 200, "GET", "/v3/OS-TRUST/trusts/"+id, nil)
			w.live(t, w.login(t, trustee, service.ByTrust(id)))
		}
	})
	t.Run("T-122_not_by_others", func(t *testing.T) {
		p := w.person(t)
		token := w.login(t, p, nil)
		w.do(t, 403, "DELETE", all(p), w.login(t, w.person(t, member), project), nil)
		w.do(t, 403, "DELETE", all(p), w.login(t, w.person(t, grant{"reader", onSystem}), service.OnSystem()), nil)
		w.live(t, token)
	})
	t.Run("T-123_nobody_and_a_login_afterwards", func(t *testing.T) {
		p := w.person(t)
		w.as(t, 404, "DELETE", "/v3/users/unknown/tokens", nil)
		w.do(t, 403, "DELETE", "/v3/users/unknown/tokens", w.login(t, p, nil), nil)
		w.do(t, 401, "DELETE", all(p), "", nil)
		require.Equal(t, "DELETE, GET, HEAD, OPTIONS", w.as(t, 405, "POST", all(p), nil).Header.Get("Allow"))
		w.as(t, 204, "DELETE", all(p), nil)
		w.live(t, w.login(t, p, nil))
	})
	t.Run("T-124_not_by_a_delegated_token", func(t *testing.T) {
		for _, impersonation := range []bool{true, false} {
			token, _, trustor, trustee := w.entrusted(t, object{"impersonation": impersonation})
			w.do(t, 403, "DELETE", all(trustor), token, nil)
			w.do(t, 403, "DELETE", all(trustee), token, nil)
			w.live(t, token)
		}
	})
}

func TestTokensOfAUser(t *testing.T) {
	w := newWorld(t)
	member := grant{"member", onProject(w.web)}
	project := service.OnProject(w.web)
	all := func(p person) string { return "/v3/users/" + p.id + "/tokens" }

	t.Run("T-125_what_each_is_for", func(t *testing.T) {
		p := w.person(t, member, grant{"reader", onDomain(w.research)}, grant{"reader", onSystem})
		var made []string
		for _, scope := range []any{nil, project, service.OnDomain(w.research), service.OnSystem()} {
			made = append(made, w.login(t, p, scope))
		}
		made = append(made, w.turn(t, made[0], project))
		giver := w.person(t, member)
		trust := w.trust(t, giver, p, w.login(t, giver, project), nil)
		made = append(made, w.login(t, p, service.ByTrust(trust)))
		for _, caller := range []string{made[0], made[1], w.admin(t)} {
			r := w.do(t, 200, "GET", all(p), caller, nil)
			require.Equal(t, object{"self": service.Base + all(p), "next": nil, "previous": nil}, r.Body["links"])
			found := map[string]object{}
			for _, m := range r.list(t, "tokens") {
				found[m["audit_id"].(string)] = m
			}
			require.Len(t, found, len(made))
			for _, token := range made {
				require.NotContains(t, r.Text, token)
				shown := w.validate(t, 200, token).token()
				want := object{"audit_id": shown["audit_ids"].([]any)[0]}
				for _, name := range []string{"audit_ids", "methods", "issued_at", "expires_at", "project", "domain", "system", "OS-TRUST:trust"} {
					if v, ok := shown[name]; ok {
						want[name] = v
					}
				}
				require.Equal(t, want, found[want["audit_id"].(string)])
			}
		}
		w.do(t, 200, "HEAD", all(p), made[0], nil)
	})
	t.Run("T-125_live_ones_only", func(t *testing.T) {
		id := w.make(t, "project", object{"name": "passing"})
		p := w.person(t, member, grant{"reader", onProject(id)})
		old := w.login(t, p, nil)
		w.clock.Advance(time.Hour)
		stays := w.login(t, p, project)
		root, gone := w.login(t, p, nil), w.login(t, p, service.OnProject(id))
		child := w.turn(t, root, project)
		w.do(t, 204, "DELETE", tokens, root, nil, "X-Subject-Token", root)
		w.as(t, 204, "DELETE", "/v3/projects/"+id, nil)
		for _, token := range []string{old, root, gone, child} {
			w.dead(t, token)
		}
		for range 2 { // before and after the marks of the cascade
			require.Equal(t, []string{w.auditOf(t, stays)}, audits(w.as(t, 200, "GET", all(p), nil).list(t, "tokens")))
			w.Drain()
		}
		w.as(t, 204, "DELETE", all(p), nil)
		for range 2 {
			require.Equal(t, []any{}, w.as(t, 200, "GET", all(p), nil).Body["tokens"])
			w.Drain()
		}
	})
	t.Run("T-125_C-061_C-062_C-063_page_by_page", func(t *testing.T) {
		p := w.person(t)
		var want []string
		for n := range 7 {
			token := w.login(t, p, nil)
			if n%3 == 1 {
				w.do(t, 204, "DELETE", tokens, token, nil, "X-Subject-Token", token)
				continue
			}
			want = append(want, w.auditOf(t, token))
		}
		var found []string
		next := all(p) + "?limit=2"
		for next != "" {
			r := w.as(t, 200, "GET", next, nil)
			page := audits(r.list(t, "tokens"))
			found = append(found, page...)
			next = ""
			if r.Body["truncated"] == true {
				require.Len(t, page, 2)
				next = r.Member("links")["next"].(string)[len(service.Base):]
				require.Contains(t, next, "marker="+page[1])
			} else {
				require.Nil(t, r.Member("links")["next"])
			}
		}
		require.ElementsMatch(t, want, found)
		other := w.auditOf(t, w.login(t, w.person(t), nil))
		for _, marker := range []string{"x", other, "AAAAAAAAAAAAAAAAAAAAAA"} {
			w.as(t, 404, "GET", all(p)+"?marker="+marker, nil)
		}
		w.as(t, 400, "GET", all(p)+"?limit=0", nil)
	})
	t.Run("T-126_one_is_ended", func(t *testing.T) {
		p := w.person(t, member)
		root, other := w.login(t, p, nil), w.login(t, p, nil)
		child := w.turn(t, root, project)
		grandchild := w.turn(t, child, project)
		audit, rootAudit := w.auditOf(t, child), w.auditOf(t, root)
		foreign := w.auditOf(t, w.login(t, w.person(t), nil))
		for _, unknown := range []string{foreign, "x", "AAAAAAAAAAAAAAAAAAAAAA"} {
			w.do(t, 404, "DELETE", all(p)+"/"+unknown, other, nil)
			w.as(t, 404, "DELETE", all(p)+"/"+unknown, nil)
		}
		w.do(t, 204, "DELETE", all(p)+"/"+audit, other, nil)
		w.dead(t, child)
		w.live(t, grandchild)
		w.do(t, 404, "DELETE", all(p)+"/"+audit, other, nil)
		w.as(t, 204, "DELETE", all(p)+"/"+rootAudit, nil)
		w.dead(t, root)
		w.dead(t, grandchild)
		w.live(t, other)
		w.as(t, 404, "DELETE", "/v3/users/unknown/tokens/"+audit, nil)
	})
	t.Run("T-127_not_by_others", func(t *testing.T) {
		token, _, trustor, trustee := w.entrusted(t, nil)
		mine := w.login(t, trustor, nil)
		audit := w.auditOf(t, mine)
		for _, caller := range []string{token, w.login(t, trustee, nil), w.login(t, w.person(t, grant{"reader", onSystem}), service.OnSystem())} {
			for _, p := range []person{trustor} {
				w.do(t, 403, "GET", all(p), caller, nil)
				w.do(t, 403, "DELETE", all(p)+"/"+audit, caller, nil)
			}
		}
		w.do(t, 403, "GET", all(trustee), token, nil)
		w.do(t, 403, "GET", "/v3/users/unknown/tokens", mine, nil)
		w.do(t, 401, "GET", all(trustor), "", nil)
		w.live(t, mine)
	})
}

func TestRevokedTokens(t *testing.T) {
	const path = "/v3/auth/tokens/OS-PKI/revoked"
	w := newWorld(t)
	p := w.person(t, grant{"member", onProject(w.web)})
	t.Run("T-118_newest_first_page_by_page", func(t *testing.T) {
		require.Equal(t, []any{}, w.as(t, 200, "GET", path, nil).Body["revoked"])
		var want []object
		revoked := func(token string) {
			shown := w.validate(t, 200, token).token()
			want = append([]object{{"audit_id": shown["audit_ids"].([]any)[0], "expires": shown["expires_at"]}}, want...)
		}
		var all []string
		for range 6 {
			token := w.login(t, p, nil)
			revoked(token)
			w.do(t, 204, "DELETE", tokens, token, nil, "X-Subject-Token", token)
			all = append(all, token)
			w.clock.Advance(time.Minute)
		}
		w.login(t, p, nil) // lives on
		w.Drain()
		r := w.as(t, 200, "GET", path, nil)
		require.Equal(t, want, r.list(t, "revoked"))
		require.Equal(t, object{"self": service.Base + path, "next": nil, "previous": nil}, r.Body["links"])
		for _, token := range all {
			require.NotContains(t, r.Text, token)
		}
		var found []object
		for next := path + "?limit=2"; next != ""; {
			r := w.as(t, 200, "GET", next, nil)
			found = append(found, r.list(t, "revoked")...)
			next = ""
			if r.Body["truncated"] == true {
				require.Len(t, r.list(t, "revoked"), 2)
				next = r.Member("links")["next"].(string)[len(service.Base):]
			}
		}
		require.Equal(t, want, found)
		live := w.auditOf(t, w.login(t, p, nil))
		for _, marker := range []string{"x", live, "AAAAAAAAAAAAAAAAAAAAAA"} {
			w.as(t, 404, "GET", path+"?marker="+marker, nil)
		}
		w.as(t, 400, "GET", path+"?limit=0", nil)
		w.clock.Advance(55 * time.Minute) // the first of them would have expired by now
		rest := w.as(t, 200, "GET", path, nil).list(t, "revoked")
		require.Equal(t, want[:len(rest)], rest)
		require.Less(t, len(rest), len(want))
		w.clock.Advance(time.Hour)
		require.Equal(t, []any{}, w.as(t, 200, "GET", path, nil).Body["revoked"])
	})
	t.Run("T-118_whatever_ended_them", func(t *testing.T) {
		ended := func(name string, end func() []string) {
			tokens := end()
			w.Drain()
			list := audits(w.as(t, 200, "GET", path, nil).list(t, "revoked"))
			for _, audit := range tokens {
				require.True(t, slices.Contains(list, audit), name)
			}
		}
		ended("the chain of a root", func() []string {
			root := w.login(t, p, nil)
			child := w.auditOf(t, w.turn(t, root, service.OnProject(w.web)))
			w.do(t, 204, "DELETE", tokens, root, nil, "X-Subject-Token", root)
			return []string{child}
		})
		ended("a trust", func() []string {
			token, id, _, _ := w.entrusted(t, nil)
			audit := w.auditOf(t, token)
			w.as(t, 204, "DELETE", "/v3/OS-TRUST/trusts/"+id, nil)
			return []string{audit}
		})
		ended("a password", func() []string {
			other := w.person(t)
			audit := w.auditOf(t, w.login(t, other, nil))
			w.patch(t, "user", other.id, object{"password": "new"})
			return []string{audit}
		})
		ended("the trustor's password, and the trustee's end", func() []string {
			token, _, trustor, _ := w.entrusted(t, nil)
			again, _, _, trustee := w.entrusted(t, nil)
			made := []string{w.auditOf(t, token), w.auditOf(t, again)}
			w.patch(t, "user", trustor.id, object{"password": "new"})
			w.as(t, 204, "DELETE", "/v3/users/"+trustee.id, nil)
			return made
		})
	})
	t.Run("T-118_for_administrators_and_services", func(t *testing.T) {
		for _, on := range []string{"projects/" + w.web, onSystem} {
			scope := map[string]any{"projects/" + w.web: service.OnProject(w.web), onSystem: service.OnSystem()}[on]
			for role, want := range map[string]int{"admin": 200, "service": 200, "reader": 403, "manager": 403} {
				w.do(t, want, "GET", path, w.login(t, w.person(t, grant{role, on}), scope), nil)
			}
		}
		w.do(t, 401, "GET", path, "", nil)
		w.do(t, 200, "HEAD", path, w.admin(t), nil)
	})
}
