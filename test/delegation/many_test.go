package delegation

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/store/meter"
	"mandate/shared/trust"
)

// page is what reading one page of a list cost.
type page struct {
	trust.Page
	counts meter.Counts
}

func (w *world) page(t testing.TB, marker string) page {
	t.Helper()
	ctx, usage := meter.With(w.ctx)
	rs, l := w.reads(), trust.OfTrustor(w.users[0], marker)
	var p page
	require.NoError(t, rs.Settle(ctx, func() (err error) { p.Page, err = w.trusts.List(rs, l); return err }))
	p.counts = usage.Counts()
	return p
}

// delegateTo makes trusts of the first user's until she has n of them.
func (w *world) delegateTo(t testing.TB, have, n int) (last trust.Trust) {
	t.Helper()
	by := policy.Caller{UserID: w.users[0], SubjectID: w.users[0], Methods: []string{"password"}}
	for ; have < n; have++ {
		var err error
		last, err = w.trusts.Create(w.ctx, w.reads(), by, trust.Grant{
			TrustorID: w.users[0], TrusteeID: w.users[1+have%3], ProjectID: w.projects[have%2], Impersonation: true,
			RoleIDs: store.NewSet(w.roles[dev]),
		})
		require.NoError(t, err)
	}
	return last
}

// TestManyTrusts gives one trustor 10,000 trusts: each page of her list is of bounded size
// and costs as much as with 1,000 of them, and to delete one of them is one write.
func TestManyTrusts(t *testing.T) {
	const few, many = 2_000, 10_000
	w := newWorld(t)
	w.delegateTo(t, 0, few)
	before := w.page(t, "")
	require.NotEmpty(t, before.Next, "there is more than a page")
	last := w.delegateTo(t, few, many)

	seen, full := map[string]bool{}, len(before.Trusts)
	for marker := ""; ; {
		p := w.page(t, marker)
		assert.LessOrEqual(t, len(p.Trusts), full, "a page does not grow")
		assert.LessOrEqual(t, p.counts.Trips(), before.counts.Trips()+1, "round trips of a page do not grow")
		assert.LessOrEqual(t, p.counts.ReadUnits, before.counts.ReadUnits+2, "read units of a page do not grow")
		for _, found := range p.Trusts {
			assert.False(t, seen[found.ID], "in two pages")
			seen[found.ID] = true
		}
		if marker = p.Next; marker == "" {
			break
		}
	}
	assert.Len(t, seen, many)
	t.Logf("a page: %d trusts, %d calls, %v read units; the same among %d and among %d", full, before.counts.Trips(), before.counts.ReadUnits, few, many)

	ctx, usage := meter.With(w.ctx)
	require.NoError(t, w.trusts.Delete(ctx, last))
	deleted := usage.Counts()
	assert.Equal(t, meter.Counts{Writes: 1, WriteUnits: deleted.WriteUnits}, deleted, "one acknowledged write and nothing else")
	assert.LessOrEqual(t, deleted.WriteUnits, 20.0)
	t.Logf("a deletion: %d write, %v write units", deleted.Writes, deleted.WriteUnits)
	rs := w.reads()
	err := rs.Settle(w.ctx, func() error { _, err := w.trusts.Stand(rs, last.ID); return err })
	require.Error(t, err)
}

// BenchmarkListPage times one page of a trustor's list in turn among 2,000 and in the
// middle of 10,000 trusts, and reports by how much the quickest among many takes longer
// than the quickest among few. Memory of two pages is in B/op.
func BenchmarkListPage(b *testing.B) {
	type list struct {
		*world
		marker  string
		quicker time.Duration
	}
	lists := make([]list, 2)
	for i, n := range []int{2_000, 10_000} {
		w := newWorld(b)
		w.ctx = context.Background()
		w.delegateTo(b, 0, n)
		lists[i].world = w
		for range n / 4_000 {
			lists[i].marker = w.page(b, lists[i].marker).Next
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range lists {
			l := &lists[i]
			began := time.Now()
			l.page(b, l.marker)
			if took := time.Since(began); l.quicker == 0 || took < l.quicker {
				l.quicker = took
			}
		}
	}
	b.ReportMetric(float64(lists[1].quicker)/float64(lists[0].quicker), "many/few")
	b.ReportMetric(float64(lists[1].quicker.Microseconds())/1000, "ms/page")
}
