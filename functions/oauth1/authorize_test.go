package oauth1_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestAuthorize(t *testing.T) {
	w := newWorld(t)
	request := w.requestToken()
	put := func(body any) service.Reply { return w.authorize(w.adas, request.id, body) }

	t.Run("O-050_by_id", func(t *testing.T) {
		r := is(t, 200, put(roles(w.operator)))
		require.Len(t, r.Body, 1)
		require.Len(t, r.Member("token"), 1)
		verifier := r.Member("token")["oauth_verifier"].(string)
		require.Regexp(t, `^[a-km-zA-HJ-NP-Z2-9]{8}$`, verifier)
		require.NotContains(t, verifier, "j")
		seen := map[rune]bool{}
		for _, c := range verifier {
			require.False(t, seen[c], verifier)
			seen[c] = true
		}
	})
	t.Run("O-051_by_name", func(t *testing.T) {
		is(t, 200, put(object{"roles": []any{object{"name": "operator"}, object{"id": w.watcher}}}))
	})
	t.Run("O-052_no_role_there", func(t *testing.T) { is(t, 401, w.authorize(w.bobs, request.id, roles(w.operator))) })
	t.Run("O-053_a_role_not_held", func(t *testing.T) {
		is(t, 401, put(roles("nope")))
		is(t, 401, put(roles(w.operator, w.role("admin"))))
	})
	t.Run("O-054_an_unknown_name", func(t *testing.T) {
		for _, name := range []string{"nope", "Operator"} {
			is(t, 404, put(object{"roles": []any{object{"name": name}}}))
		}
	})
	t.Run("O-055_items", func(t *testing.T) {
		for _, bad := range []any{
			[]any{object{"id": w.operator, "name": "operator"}}, []any{object{"id": w.operator, "x": 1}}, []any{object{}}, []any{7},
			"operator", nil, object{}, []any{object{"id": 7}},
		} {
			is(t, 400, put(object{"roles": bad}))
		}
	})
	t.Run("O-056_unknown_token", func(t *testing.T) {
		is(t, 404, w.authorize(w.adas, "nope", roles(w.operator)))
		is(t, 404, w.authorize(w.adas, "nope", object{"roles": []any{object{"name": "nope"}}}))
	})
	t.Run("O-058_already_exchanged", func(t *testing.T) {
		spent := w.requestToken()
		is(t, 201, w.send(w.exchanging(spent, w.verifier(spent.id, w.operator))))
		is(t, 404, w.authorize(w.adas, spent.id, roles(w.operator)))
	})
	t.Run("O-059_a_delegated_token", func(t *testing.T) {
		w.grant("PUT", w.ada, w.web, w.role("admin"))
		trust := w.Must(201, "POST", "/v3/OS-TRUST/trusts", w.adas, object{"trust": object{
			"trustor_user_id": w.ada, "trustee_user_id": w.bob, "project_id": w.web, "impersonation": true,
			"roles": []any{object{"name": "admin"}},
		}}).Member("trust")["id"].(string)
		is(t, 403, w.authorize(w.Login("bob", "pw-bob", service.ByTrust(trust)), request.id, roles(w.operator)))
		is(t, 403, w.authorize(w.token(w.access(w.role("admin"))), request.id, roles(w.operator)))
		w.grant("DELETE", w.ada, w.web, w.role("admin"))
	})
	t.Run("O-060_a_member", func(t *testing.T) {
		is(t, 200, put(roles(w.operator)))
		stock := newWorld(t, service.WithVariable("POLICY_PRESET", "keystone"))
		asked := stock.requestToken()
		is(t, 403, stock.authorize(stock.adas, asked.id, roles(stock.operator)))
		stock.grant("PUT", stock.ada, stock.web, stock.role("admin"))
		is(t, 200, stock.authorize(stock.adas, asked.id, roles(stock.operator)))
	})
	t.Run("O-061_other_scopes", func(t *testing.T) {
		is(t, 403, w.authorize(w.Login("ada", "pw-ada", nil), request.id, roles(w.operator)))
		w.Must(204, "PUT", "/v3/system/users/"+w.ada+"/roles/"+w.role("admin"), w.Admin(), nil)
		is(t, 403, w.authorize(w.Login("ada", "pw-ada", service.OnSystem()), request.id, roles(w.operator)))
		w.Must(204, "PUT", "/v3/domains/default/users/"+w.ada+"/roles/"+w.role("admin"), w.Admin(), nil)
		is(t, 403, w.authorize(w.Login("ada", "pw-ada", service.OnDomain("default")), request.id, roles(w.operator)))
	})
	t.Run("O-062_no_token", func(t *testing.T) { is(t, 401, w.authorize("", request.id, roles(w.operator))) })
	t.Run("O-063_POST", func(t *testing.T) {
		is(t, 200, w.Do("POST", "/v3/OS-OAUTH1/authorize/"+request.id, w.adas, roles(w.operator)))
	})
	t.Run("O-064_GET", func(t *testing.T) {
		is(t, 405, w.Do("GET", "/v3/OS-OAUTH1/authorize/"+request.id, w.adas, nil))
	})
	t.Run("O-066_twice", func(t *testing.T) {
		first, second := w.verifier(request.id, w.operator), w.verifier(request.id, w.watcher)
		require.NotEqual(t, first, second)
		is(t, 401, w.send(w.exchanging(request, first)))
		access := w.form(w.send(w.exchanging(request, second)))
		r := w.Must(200, "GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens/"+access.id+"/roles", w.adas, nil)
		require.Len(t, r.Body["roles"], 1)
		require.Contains(t, r.Text, w.watcher)
	})
	t.Run("authorised_anew_by_another_user", func(t *testing.T) {
		again := w.requestToken()
		w.verifier(again.id, w.operator)
		w.grant("PUT", w.bob, w.web, w.watcher)
		r := is(t, 200, w.authorize(w.bobs, again.id, roles(w.watcher)))
		access := w.form(w.send(w.exchanging(again, r.Member("token")["oauth_verifier"].(string))))
		is(t, 200, w.Do("GET", "/v3/users/"+w.bob+"/OS-OAUTH1/access_tokens/"+access.id, w.bobs, nil))
		is(t, 404, w.Do("GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens/"+access.id, w.adas, nil))
	})
	t.Run("no_roles", func(t *testing.T) {
		empty := w.requestToken()
		is(t, 200, w.authorize(w.adas, empty.id, nil))
		access := w.form(w.send(w.exchanging(empty, w.verifier(empty.id))))
		is(t, 401, w.send(w.issuing(access)))
	})
	t.Run("O-057_expired", func(t *testing.T) {
		old := w.requestToken()
		w.later(8*time.Hour - time.Second)
		is(t, 200, w.authorize(w.adas, old.id, roles(w.operator)))
		w.later(2 * time.Second)
		is(t, 401, w.authorize(w.adas, old.id, roles(w.operator)))
	})
}
