package budget

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// TestAValidation bounds what a validation takes: the characters of the token, what it reads of
// the table when a token validates itself, and what the request allocates when an administrator asks, on
// its whole way through local gateway, event, function, table in memory and back, the recorder of the test
// counted too. No busy machine moves any of these. A bound of allocations is a fiftieth above what
// was measured; whoever goes below it by much lowers it.
func TestAValidation(t *testing.T) {
	w := build(t)
	again := map[string]any{"allow_redelegation": true}
	first := w.trust(t, w.adaToken, w.bob, again)
	trusted := w.derive(t, w.bobToken, service.ByTrust(first))
	second := w.trust(t, trusted, w.cy, again)
	third := w.trust(t, w.Login("cy", "pw-cy", service.ByTrust(second)), w.bob, again)
	fourth := w.trust(t, w.derive(t, w.bobToken, service.ByTrust(third)), w.cy, nil)
	deepest := w.derive(t, w.Login("cy", "pw-cy", nil), service.ByTrust(fourth))
	for _, c := range []struct {
		name, token string
		characters  int
		reads       float64
		allocations float64
	}{
		{"project token", w.adaToken, 106, 5, 352},
		{"trust token, and the root of its chain", trusted, 148, 8, 422},
		{"trust token at depth 3, and the root of its chain", deepest, 202, 12, 488},
		{"token by OAuth1", w.delegate(t).token(t), 148, 7, 385},
		{"garbage", "garbage", 0, 0, 257},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := http.StatusNotFound
			if c.characters > 0 {
				want = http.StatusOK
				assert.LessOrEqual(t, len(c.token), c.characters, "characters")
				w.call(t, c.token)
				assert.LessOrEqual(t, w.ledger.last.reads, c.reads, "read units")
				assert.InDelta(t, 1, w.ledger.last.calls, 0, "calls")
				t.Logf("%d characters, %.0f call, %.0f read units", len(c.token), w.ledger.last.calls, w.ledger.last.reads)
			}
			got := testing.AllocsPerRun(200, func() {
				r := httptest.NewRequest(http.MethodGet, service.Base+"/v3/auth/tokens", nil)
				r.Header.Set("X-Auth-Token", w.Admin())
				r.Header.Set("X-Subject-Token", c.token)
				answer := httptest.NewRecorder()
				w.Handler().ServeHTTP(answer, r)
				require.Equal(t, want, answer.Code)
			})
			t.Logf("%.0f allocations", got)
			assert.LessOrEqual(t, got, c.allocations, "allocations")
		})
	}
}
