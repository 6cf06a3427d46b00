package budget

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// TestAllocations bounds what a request allocates on its whole way through local gateway,
// event, function, table in memory and back, the recorder of the test counted too: a guard that no busy
// machine moves. A bound is a tenth above what was measured; whoever goes below it by much lowers it.
func TestAllocations(t *testing.T) {
	w := build(t)
	trusted := w.Login("bob", "pw-bob", service.ByTrust(w.trust(t, w.adaToken, w.bob, nil)))
	for _, c := range []struct {
		name, subject string
		want          int
		most          float64
	}{
		{"validate a project token", w.adaToken, http.StatusOK, 381},
		{"validate a trust token", trusted, http.StatusOK, 447},
		{"validate garbage", "garbage", http.StatusNotFound, 274},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := testing.AllocsPerRun(200, func() {
				r := httptest.NewRequest(http.MethodGet, service.Base+"/v3/auth/tokens", nil)
				r.Header.Set("X-Auth-Token", w.Admin())
				r.Header.Set("X-Subject-Token", c.subject)
				answer := httptest.NewRecorder()
				w.Handler().ServeHTTP(answer, r)
				require.Equal(t, c.want, answer.Code)
			})
			t.Logf("%.0f allocations", got)
			assert.LessOrEqual(t, got, c.most)
		})
	}
}
