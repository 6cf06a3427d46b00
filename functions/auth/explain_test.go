package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// because asks as the administrator why a token is dead, and wants this item to have done it.
func (w *world) because(t *testing.T, token, kind, id, reason string) object {
	t.Helper()
	plain := w.validate(t, 404, token)
	r := w.do(t, 404, "GET", tokens+"?explain=1", w.admin(t), nil, "X-Subject-Token", token)
	require.Equal(t, plain.Body["error"], r.Body["error"])
	x := r.Member("explain")
	require.Equal(t, false, x["live"])
	killer := x["killed_by"].(object)
	require.Equal(t, []any{kind, reason}, []any{killer["kind"], killer["reason"]}, r.Text)
	if id != "" {
		require.Equal(t, id, killer["id"], r.Text)
	}
	killers := 0
	for _, e := range x["evidence"].([]any) {
		if _, kills := e.(object)["kills"]; kills {
			killers++
		}
	}
	require.Equal(t, 1, killers, r.Text)
	w.keepsSecrets(t, r, token)
	return x
}

// keepsSecrets wants nothing in a reply that is a token, a part of one, or digested.
func (w *world) keepsSecrets(t *testing.T, r reply, token string) {
	t.Helper()
	require.NotContains(t, r.Text, w.admin(t))
	if len(token) > 20 {
		require.NotContains(t, r.Text, token[:20])
		require.NotContains(t, r.Text, token[len(token)-20:])
	}
	for _, word := range []string{"digest", "hash", "secret", "password_version", "pw-"} {
		require.NotContains(t, strings.ToLower(r.Text), word)
	}
}

// item is the one of this kind and id in an explanation.
func item(t *testing.T, x object, kind, id string) object {
	t.Helper()
	for _, e := range x["evidence"].([]any) {
		if o := e.(object); o["kind"] == kind && (id == "" || o["id"] == id) {
			return o
		}
	}
	require.Fail(t, "no such evidence", "%s %s in %v", kind, id, x)
	return nil
}

// TestExplain: for whatever ends a token, the evidence names the item that did.
func TestExplain(t *testing.T) {
	w := newWorld(t)
	project := service.OnProject(w.web)
	member := grant{"member", onProject(w.web)}
	audit := func(t *testing.T, token string) string {
		t.Helper()
		return w.validate(t, 200, token).token()["audit_ids"].([]any)[0].(string)
	}

	t.Run("a_live_token", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		plain := w.validate(t, 200, token)
		r := w.do(t, 200, "GET", tokens+"?explain=true", w.admin(t), nil, "X-Subject-Token", token)
		require.Equal(t, plain.token(), r.token())
		require.NotContains(t, plain.Body, "explain")
		x := r.Member("explain")
		require.Equal(t, true, x["live"])
		require.NotContains(t, x, "killed_by")
		require.EqualValues(t, 1, x["round_trips"])
		require.Positive(t, x["read_units"])
		require.Equal(t, object{"revoked": false, "chain_revoked": false, "expires_at": r.token()["expires_at"]}, item(t, x, "token", audit(t, token))["says"])
		require.Equal(t, object{"enabled": true, "epoch_equal": true}, item(t, x, "user", p.id)["says"])
		require.Equal(t, object{"enabled": true}, item(t, x, "project", w.web)["says"])
		require.Equal(t, object{"roles": []any{w.roles["member"]}}, item(t, x, "grant", "projects/"+w.web+"/users/"+p.id)["says"])
		require.Equal(t, true, item(t, x, "head", "")["found"])
		w.keepsSecrets(t, r, token)
	})
	t.Run("a_text_that_is_no_token", func(t *testing.T) {
		x := w.because(t, "of-no-token-at-all-whatever", "text", "", "unreadable")
		require.Len(t, x["evidence"], 1)
	})
	t.Run("row_dead", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		id := audit(t, token)
		w.do(t, 204, "DELETE", tokens, token, nil, "X-Subject-Token", token)
		x := w.because(t, token, "token", id, "revoked")
		require.Equal(t, true, item(t, x, "token", id)["says"].(object)["revoked"])
		require.Equal(t, object{"enabled": true, "epoch_equal": true}, item(t, x, "user", p.id)["says"], "what the judgement did not come to is listed too")
	})
	t.Run("expired", func(t *testing.T) {
		token := w.login(t, w.person(t, member), project)
		id := audit(t, token)
		w.clock.Advance(time.Hour)
		w.because(t, token, "token", id, "expired")
		w.do(t, 200, "GET", tokens+"?explain=1&allow_expired=1", w.admin(t), nil, "X-Subject-Token", token)
	})
	t.Run("chain_dead", func(t *testing.T) {
		root := w.login(t, w.person(t, member), nil)
		derived := w.turn(t, root, project)
		id := audit(t, root)
		w.do(t, 204, "DELETE", tokens, root, nil, "X-Subject-Token", root)
		w.because(t, derived, "token", id, "chain_revoked")
	})
	t.Run("password_changed", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.patch(t, "user", p.id, object{"password": "another one"})
		x := w.because(t, token, "user", p.id, "epoch_moved")
		require.Equal(t, object{"enabled": true, "epoch_equal": false}, item(t, x, "user", p.id)["says"])
	})
	t.Run("user_disabled", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.patch(t, "user", p.id, object{"enabled": false})
		w.because(t, token, "user", p.id, "disabled")
		w.patch(t, "user", p.id, object{"enabled": true})
		w.because(t, token, "user", p.id, "epoch_moved")
	})
	t.Run("user_deleted", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.as(t, 204, "DELETE", "/v3/users/"+p.id, nil)
		w.because(t, token, "user", p.id, "absent")
	})
	t.Run("group_left_and_group_deleted", func(t *testing.T) {
		p, q := w.person(t, member), w.person(t, member)
		group := w.make(t, "group", object{"name": "explained"})
		for _, one := range []person{p, q} {
			w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+one.id, nil)
		}
		left, stayed := w.login(t, p, project), w.login(t, q, project)
		w.as(t, 204, "DELETE", "/v3/groups/"+group+"/users/"+p.id, nil)
		w.because(t, left, "user", p.id, "epoch_moved")
		w.as(t, 204, "DELETE", "/v3/groups/"+group, nil)
		x := w.because(t, stayed, "head", "", "group_gone")
		require.Equal(t, object{"gone_groups": []any{group}}, item(t, x, "head", "")["says"])
		w.Drain()
		x = w.because(t, stayed, "token", "", "revoked") // as the cascade tidied up
		require.Equal(t, object{"enabled": true, "epoch_equal": false}, item(t, x, "user", q.id)["says"])
	})
	t.Run("project_disabled_and_deleted", func(t *testing.T) {
		id := w.make(t, "project", object{"name": "explained"})
		token := w.login(t, w.person(t, grant{"member", onProject(id)}), service.OnProject(id))
		w.patch(t, "project", id, object{"enabled": false})
		w.because(t, token, "project", id, "disabled")
		w.as(t, 204, "DELETE", "/v3/projects/"+id, nil)
		w.because(t, token, "project", id, "absent")
	})
	t.Run("domain_disabled_and_deleted", func(t *testing.T) {
		id := w.make(t, "domain", object{"name": "explained"})
		unscoped := w.login(t, w.personIn(t, id), nil)
		scoped := w.login(t, w.person(t, grant{"member", onDomain(id)}), service.OnDomain(id))
		w.patch(t, "domain", id, object{"enabled": false})
		w.because(t, unscoped, "domain", id, "disabled")
		w.because(t, scoped, "domain", id, "disabled")
		w.as(t, 204, "DELETE", "/v3/domains/"+id, nil)
		w.because(t, unscoped, "domain", id, "absent")
		w.because(t, scoped, "domain", id, "absent")
	})
	t.Run("role_unassigned", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.take(t, "users/"+p.id, member)
		w.because(t, token, "grant", "projects/"+w.web+"/users/"+p.id, "role_lacking")
	})
	t.Run("role_deleted", func(t *testing.T) {
		role := w.make(t, "role", object{"name": "passing"})
		w.roles["passing"] = role
		p := w.person(t, grant{"passing", onProject(w.web)})
		token := w.login(t, p, project)
		w.as(t, 204, "DELETE", "/v3/roles/"+role, nil)
		x := w.because(t, token, "role", role, "absent")
		require.Equal(t, object{"gone_roles": []any{role}}, item(t, x, "grant", "projects/"+w.web+"/users/"+p.id)["says"])
	})
	t.Run("trust_deleted", func(t *testing.T) {
		token, id, trustor, _ := w.entrusted(t, nil)
		r := w.do(t, 200, "GET", tokens+"?explain=1", w.admin(t), nil, "X-Subject-Token", token)
		says := item(t, r.Member("explain"), "trust", id)["says"].(object)
		require.Equal(t, trustor.id, says["trustor_user_id"])
		require.Equal(t, []any{w.roles["member"]}, says["roles"])
		require.Equal(t, object{"enabled": true, "epoch_equal": true}, item(t, r.Member("explain"), "user", trustor.id)["says"])
		w.do(t, 204, "DELETE", "/v3/OS-TRUST/trusts/"+id, w.login(t, trustor, project), nil)
		w.because(t, token, "trust", id, "absent")
	})
	t.Run("trust_expired", func(t *testing.T) {
		end := w.clock.Now().Add(10 * time.Minute).UTC().Format("2006-01-02T15:04:05.000000Z")
		token, id, _, _ := w.entrusted(t, object{"expires_at": end, "remaining_uses": 3})
		r := w.do(t, 200, "GET", tokens+"?explain=1", w.admin(t), nil, "X-Subject-Token", token)
		require.EqualValues(t, 2, item(t, r.Member("explain"), "trust", id)["says"].(object)["remaining_uses"])
		w.clock.Advance(10 * time.Minute)
		allowed := w.do(t, 404, "GET", tokens+"?explain=1&allow_expired=1", w.admin(t), nil, "X-Subject-Token", token)
		require.Equal(t, object{"kind": "trust", "id": id, "reason": "expired"}, allowed.Member("explain")["killed_by"], "beside the token itself, which ends with it")
	})
	t.Run("people_of_a_trust", func(t *testing.T) {
		token, _, trustor, _ := w.entrusted(t, nil)
		w.patch(t, "user", trustor.id, object{"password": "the trustor's next"})
		x := w.because(t, token, "user", trustor.id, "epoch_moved")
		require.Equal(t, false, item(t, x, "user", trustor.id)["says"].(object)["epoch_equal"])
		token, _, _, trustee := w.entrusted(t, nil)
		w.patch(t, "user", trustee.id, object{"enabled": false})
		w.because(t, token, "user", trustee.id, "disabled")
		token, _, trustor, _ = w.entrusted(t, nil)
		w.as(t, 204, "DELETE", "/v3/users/"+trustor.id, nil)
		w.because(t, token, "user", trustor.id, "absent")
	})
	t.Run("trustor_lost_a_role", func(t *testing.T) {
		token, _, trustor, _ := w.entrusted(t, nil)
		w.take(t, "users/"+trustor.id, member)
		w.because(t, token, "grant", "projects/"+w.web+"/users/"+trustor.id, "role_lacking")
	})
	t.Run("ancestor_deleted", func(t *testing.T) {
		first, parent, trustor, _ := w.entrusted(t, object{"allow_redelegation": true, "redelegation_count": 2})
		last := w.person(t)
		child := w.trust(t, trustor, last, first, nil)
		token := w.login(t, last, service.ByTrust(child))
		w.validate(t, 200, token)
		w.do(t, 204, "DELETE", "/v3/OS-TRUST/trusts/"+parent, w.login(t, trustor, project), nil)
		w.because(t, token, "trust", parent, "absent")
	})
	t.Run("who_may_ask", func(t *testing.T) {
		ada, bob := w.person(t, member), w.person(t, member)
		token := w.login(t, ada, project)
		ask := func(want int, caller string, subject string) reply {
			t.Helper()
			return w.do(t, want, "GET", tokens+"?explain=1", caller, nil, "X-Subject-Token", subject)
		}
		require.NotEmpty(t, ask(200, token, token).Member("explain"))
		require.NotContains(t, ask(403, w.login(t, bob, project), token).Body, "explain")
		again := w.login(t, ada, project)
		w.do(t, 204, "DELETE", tokens, token, nil, "X-Subject-Token", token)
		require.NotContains(t, ask(404, again, token).Body, "explain", "whose it was is not for everybody")
		require.NotContains(t, ask(401, token, token).Body, "explain")

		entrusted, _, trustor, trustee := w.entrusted(t, object{"impersonation": false})
		r := ask(200, entrusted, entrusted)
		require.NotEmpty(t, item(t, r.Member("explain"), "user", trustee.id))
		for _, e := range r.Member("explain")["evidence"].([]any) {
			id, _ := e.(object)["id"].(string)
			require.NotContains(t, id, trustor.id, "what else the trustor holds is not for the trustee")
		}
	})
	t.Run("another_word_and_HEAD", func(t *testing.T) {
		token := w.login(t, w.person(t, member), project)
		for _, word := range []string{"", "0", "false", "yes", "TRUE"} {
			r := w.do(t, 400, "GET", tokens+"?explain="+word, w.admin(t), nil, "X-Subject-Token", token)
			require.Contains(t, r.Member("error")["message"], "explain")
		}
		plain := w.do(t, 200, "HEAD", tokens, w.admin(t), nil, "X-Subject-Token", token)
		for _, query := range []string{"?explain=1", "?explain=maybe"} {
			r := w.do(t, 200, "HEAD", tokens+query, w.admin(t), nil, "X-Subject-Token", token)
			require.Equal(t, plain.Header.Get("Content-Length"), r.Header.Get("Content-Length"))
		}
		r := w.do(t, 404, "GET", tokens+"?explain=1", w.admin(t), nil)
		require.NotEmpty(t, r.Body["error"])
	})
}
