package trust

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
)

func sorted(ids ...string) []string {
	all := append([]string{}, ids...)
	slices.Sort(all)
	return all
}

func TestList(t *testing.T) {
	w := newWorld(t)
	chain := w.chain(t)
	plain := w.create(t, w.grant(unscoped))
	bobs := w.create(t, w.grant(from(w.bob), to(w.eve)))
	elsewhere := w.create(t, w.grant(on(w.shop), to(w.joe)))
	expiring := w.create(t, w.grant(ends(noon), to(w.joe)))
	spent := w.create(t, w.grant(uses(1), to(w.joe)))
	take, _ := Spend(spent, noon)
	require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), take))
	w.clock.Set(noon.Add(time.Hour))

	check := func(t *testing.T, l *Listing, want ...string) {
		t.Helper()
		page, err := w.list(l)
		require.NoError(t, err)
		assert.Equal(t, sorted(want...), ids(page.Trusts))
		assert.Empty(t, page.Next)
	}
	t.Run("TR-070 of a trustor, expired and used-up ones too", func(t *testing.T) {
		check(t, OfTrustor(w.ada, ""), chain[0].ID, chain[1].ID, chain[2].ID, chain[3].ID, plain.ID, elsewhere.ID, expiring.ID, spent.ID)
	})
	t.Run("TR-071 of a trustee", func(t *testing.T) { check(t, OfTrustee(w.bob, ""), chain[0].ID, chain[3].ID, plain.ID) })
	t.Run("TR-074 of everybody", func(t *testing.T) {
		check(t, OfEverybody(""), chain[0].ID, chain[1].ID, chain[2].ID, chain[3].ID, plain.ID, bobs.ID, elsewhere.ID, expiring.ID, spent.ID)
	})
	t.Run("of nobody", func(t *testing.T) {
		for _, nobody := range []string{"nobody", "\xff", string(make([]byte, 5000))} {
			check(t, OfTrustor(nobody, ""))
		}
	})
	t.Run("a disabled trustor's", func(t *testing.T) {
		w.enable(t, w.bob, false)
		check(t, OfTrustor(w.bob, ""), bobs.ID)
		w.enable(t, w.bob, true)
	})
	t.Run("TR-081 without what hangs under a deleted one, though the trustee differs", func(t *testing.T) {
		require.NoError(t, w.trusts.Delete(w.ctx, chain[1]))
		check(t, OfTrustee(w.joe, ""), elsewhere.ID, expiring.ID, spent.ID)
		check(t, OfTrustee(w.bob, ""), chain[0].ID, plain.ID)
	})
	t.Run("without what was deleted with its project", func(t *testing.T) {
		require.NoError(t, w.DeleteProject(w.ctx, w.reads(), w.shop))
		check(t, OfTrustee(w.joe, ""), expiring.ID, spent.ID)
	})
	t.Run("without what was deleted with its trustee", func(t *testing.T) {
		require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.joe))
		check(t, OfTrustor(w.ada, ""), chain[0].ID, plain.ID)
	})
}

// TestList_pages makes more trusts than a page has.
func TestList_pages(t *testing.T) {
	w := newWorld(t)
	const many = pageSize + 5
	var write []store.Mutation
	var made []string
	for n := range many {
		tr := w.grant().trust()
		tr.ID = fmt.Sprintf("%016x%016x", n, n)
		made = append(made, tr.ID)
		write = append(write, w.trusts.insertion(tr, "")[:5]...) // the trust and its mirrors
		if len(write)+5 > store.MaxMutations || n == many-1 {
			require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), write...))
			write = nil
		}
	}
	follow := func(start func(marker string) *Listing) (pages int, all []string) {
		for marker := ""; ; pages++ {
			page, err := w.list(start(marker))
			require.NoError(t, err)
			all = append(all, ids(page.Trusts)...)
			if marker = page.Next; marker == "" {
				return pages + 1, all
			}
		}
	}
	pages, all := follow(func(marker string) *Listing { return OfTrustor(w.ada, marker) })
	assert.Equal(t, 2, pages)
	assert.Equal(t, made, all)
	_, all = follow(OfEverybody)
	assert.Equal(t, made, all)

	for _, marker := range []string{"nope", id(9), "\xff"} {
		_, err := w.list(OfTrustor(w.ada, marker))
		requireKind(t, problem.KindNotFound, err)
		_, err = w.list(OfEverybody(marker))
		requireKind(t, problem.KindNotFound, err)
	}
}

// TestList_trips: one for the list, one for all that is in it.
func TestList_trips(t *testing.T) {
	w := newWorld(t)
	w.chain(t)
	for _, l := range []*Listing{OfTrustor(w.ada, ""), OfEverybody("")} {
		rs := w.reads()
		require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.List(rs, l); return err }))
		assert.Equal(t, 2, rs.Trips())
	}
}
