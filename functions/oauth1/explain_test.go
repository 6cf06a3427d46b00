package oauth1_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExplain: of a token by OAuth1, too, the evidence names what ended it.
func TestExplain(t *testing.T) {
	w := newWorld(t)
	explain := func(t *testing.T, want int, token string) object {
		t.Helper()
		r := is(t, want, w.Do("GET", "/v3/auth/tokens?explain=1", w.Admin(), nil, "X-Subject-Token", token))
		require.NotContains(t, r.Text, token[:20])
		require.NotContains(t, r.Text, "secret")
		require.NotContains(t, r.Text, w.consumer.secret.Reveal())
		return r.Member("explain")
	}
	t.Run("live", func(t *testing.T) {
		access := w.access(w.operator)
		x := explain(t, 200, w.token(access))
		require.Contains(t, x["evidence"], object{"kind": "access_token", "id": access.id, "found": true, "says": object{"roles": []any{w.operator}}})
		require.Contains(t, x["evidence"], object{"kind": "consumer", "id": w.consumer.id, "found": true})
	})
	t.Run("roles_lost", func(t *testing.T) {
		token := w.token(w.access(w.operator))
		w.grant("DELETE", w.ada, w.web, w.operator)
		require.Equal(t, object{"kind": "grant", "id": "projects/" + w.web + "/users/" + w.ada, "reason": "role_lacking"}, explain(t, 404, token)["killed_by"])
		w.grant("PUT", w.ada, w.web, w.operator)
	})
	t.Run("access_token_deleted", func(t *testing.T) {
		access := w.access(w.operator)
		token := w.token(access)
		is(t, 204, w.Do("DELETE", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens/"+access.id, w.adas, nil))
		require.Equal(t, object{"kind": "access_token", "id": access.id, "reason": "absent"}, explain(t, 404, token)["killed_by"])
	})
	t.Run("consumer_deleted", func(t *testing.T) {
		token := w.token(w.access(w.operator))
		is(t, 204, w.Do("DELETE", "/v3/OS-OAUTH1/consumers/"+w.consumer.id, w.Admin(), nil))
		require.Equal(t, object{"kind": "consumer", "id": w.consumer.id, "reason": "absent"}, explain(t, 404, token)["killed_by"])
	})
}
