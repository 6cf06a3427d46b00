package trust

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
)

// TestFindPreauth_alwaysReplaced gives up on a handle that gets another trust at every read.
func TestFindPreauth_alwaysReplaced(t *testing.T) {
	w := newWorld(t)
	p := w.arrange(t)
	restless := func(int, faults.Operation) faults.Fault {
		_, err := w.change(p, changing())
		require.NoError(t, err)
		return faults.None
	}
	t.Run("shown", func(t *testing.T) {
		process, rs := w.process(restless)
		var v Sight
		err := rs.Settle(w.ctx, func() error { _, err := process.FindPreauth(rs, &v, w.ada, p.ID); return err })
		require.ErrorIs(t, err, store.ErrContended)
	})
	t.Run("fetched", func(t *testing.T) {
		process, rs := w.process(restless)
		a := Arrangement{CreatorID: w.ada, DelegateID: w.bob}
		err := rs.Settle(w.ctx, func() error { _, err := process.Arranged(rs, &a); return err })
		require.ErrorIs(t, err, store.ErrContended)
	})
}

// TestArranged_expired reads nothing of an arrangement that has expired but its entry.
func TestArranged_expired(t *testing.T) {
	w := newWorld(t)
	w.arrange(t, ends(noon))
	w.clock.Set(noon)
	rs, a := w.reads(), Arrangement{CreatorID: w.ada, DelegateID: w.bob}
	err := rs.Settle(w.ctx, func() error { _, err := w.trusts.Arranged(rs, &a); return err })
	requireKind(t, problem.KindNotFound, err)
	assert.Equal(t, 1, rs.Trips())
}

// TestListPreauths_pages follows the pages of a long list: nothing is missed or shown twice, a
// page is full where there is more, and no more is read for it than it needs.
func TestListPreauths_pages(t *testing.T) {
	w := newWorld(t)
	const many = store.MaxPageItems + 5
	eves, all := []string{}, []string{}
	var write []store.Mutation
	for n := range many {
		p := Preauth{ID: fmt.Sprintf("%032x", n), UserID: w.ada, CreatedAt: morning, Version: 1}
		g := w.grant()
		if n%400 == 0 || n == many-1 {
			g.TrusteeID = w.eve
			eves = append(eves, p.ID)
		}
		all = append(all, p.ID)
		p.Trust = g.trust()
		p.Trust.ID, p.Trust.PreauthID = fmt.Sprintf("%016x%016x", n, n), p.ID
		made := append(w.trusts.insertion(p.Trust, "")[:5], p.creation(p.Trust)...)
		write = append(write, made...)
		if len(write)+len(made) > store.MaxMutations || n == many-1 {
			require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), write...))
			write = nil
		}
	}
	follow := func(l PreauthListing) (seen []string, sizes []int) {
		for {
			page := l
			rs := w.reads()
			var got PreauthPage
			require.NoError(t, rs.Settle(w.ctx, func() (err error) { got, err = w.trusts.ListPreauths(rs, &page); return err }))
			if l.DelegateID == "" && l.ProjectID == "" {
				require.LessOrEqual(t, len(page.page.Entries), l.Limit+2)
			}
			for _, p := range got.Preauths {
				seen = append(seen, p.ID)
			}
			sizes = append(sizes, len(got.Preauths))
			if l.After = got.Next; l.After == "" {
				return seen, sizes
			}
		}
	}
	seen, sizes := follow(PreauthListing{UserID: w.ada, Limit: 500})
	assert.Equal(t, all, seen)
	assert.Equal(t, []int{500, 500, 5}, sizes)
	seen, sizes = follow(PreauthListing{UserID: w.ada, DelegateID: w.eve, Limit: 2})
	assert.Equal(t, eves, seen)
	assert.Equal(t, []int{2, 2}, sizes)
	seen, sizes = follow(PreauthListing{UserID: w.ada, DelegateID: w.eve, Limit: 10})
	assert.Equal(t, eves, seen)
	assert.Equal(t, []int{3, 1}, sizes, "the first looked at as many as it may")
	seen, _ = follow(PreauthListing{UserID: w.ada, ProjectID: w.shop, Limit: 2})
	assert.Empty(t, seen)
	_, sizes = follow(PreauthListing{UserID: w.ada, ProjectID: w.web, Limit: 999})
	assert.Equal(t, []int{999, 6}, sizes)
}
