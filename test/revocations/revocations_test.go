// Package revocations measures whether validating a token costs more the more tokens
// were revoked. It must not: no revocation list is read (design.md section 5).
//
//	go test ./test/revocations -run '^$' -bench . -revocations 1000000
package revocations

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/test/service"
)

var (
	count  = flag.Int("revocations", 10_000, "how many revoked tokens there are beside")
	rounds = flag.Int("rounds", 7, "how often the two services take turns")
	turn   = flag.Duration("turn", 2*time.Second, "how long a turn is")
)

// world is a service on a file, with a token to validate.
type world struct {
	*service.Service
	engine  *embedded.Table
	subject string
}

func build(b *testing.B) world {
	engine, err := embedded.Open(embedded.Options{Path: filepath.Join(b.TempDir(), "table.db")})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	s := service.New(b, service.WithEngine(engine))
	return world{s, engine, s.Login("admin", service.AdminPassword, nil)}
}

// revoke fills the table with rows of revoked tokens: copies of a real one.
func (w world) revoke(b *testing.B, n int) {
	token := w.Login("admin", service.AdminPassword, nil)
	audit := w.Validate(token).Member("token")["audit_ids"].([]any)[0].(string)
	w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", token)
	row := w.row(b, audit)
	began := time.Now()
	for left := n; left > 0; left -= store.MaxMutations {
		m := make([]store.Mutation, 0, store.MaxMutations)
		for range min(left, store.MaxMutations) {
			hex := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) //nolint:gosec // G404: ids of rows that nobody asks for
			i := maps.Clone(row)
			delete(i, store.AttrRequest)
			i[store.AttrAudit], i[store.AttrIndex2] = hex, store.ByChain(hex)
			m = append(m, store.Create(store.Token(hex), i))
		}
		require.NoError(b, w.engine.Write(b.Context(), store.NewRequestID(), m...))
	}
	fmt.Fprintf(os.Stderr, "%d revoked tokens written in %v\n", n, time.Since(began).Round(time.Second))
}

// row finds the row of a token by its index.
func (w world) row(b *testing.B, audit string) store.Item {
	users, err := w.engine.Query(b.Context(), store.Range{PK: store.UserName("default", "").PK})
	require.NoError(b, err)
	page, err := w.engine.Query(b.Context(), store.Range{PK: store.ByUser(users.Entries[0].Item.Str("id")), Index: store.Index1})
	require.NoError(b, err)
	n := slices.IndexFunc(page.Entries, func(e store.Entry) bool { return e.Item.Bool("dead") })
	require.GreaterOrEqual(b, n, 0, "token %s has a row that is marked", audit)
	return page.Entries[n].Item
}

// rate validates for a turn and returns validations a second.
func (w world) rate(b *testing.B) float64 {
	n, began := 0, time.Now()
	for time.Since(began) < *turn {
		require.Equal(b, http.StatusOK, w.Validate(w.subject).Status)
		n++
	}
	return float64(n) / time.Since(began).Seconds()
}

func BenchmarkValidateAmongRevocations(b *testing.B) {
	few, many := build(b), build(b)
	many.revoke(b, *count)
	few.rate(b)
	many.rate(b)
	for b.Loop() {
		ratios := make([]float64, 0, *rounds)
		for round := range *rounds {
			var without, with float64
			if round%2 == 0 { // neither always goes first
				without, with = few.rate(b), many.rate(b)
			} else {
				with, without = many.rate(b), few.rate(b)
			}
			ratios = append(ratios, with/without)
			fmt.Fprintf(os.Stderr, "round %d: %.0f/s without, %.0f/s among %d revocations, ratio %.3f\n", round+1, without, with, *count, with/without)
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio(median)")
	}
}
