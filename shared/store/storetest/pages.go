package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// testWhole goes through the whole table, in pages of several sizes.
func testWhole(t *testing.T, table store.Table) {
	pages, ok := table.(store.Pages)
	if !ok {
		return // something between the engine and its caller, which goes through no table
	}
	pk := partition()
	want := map[store.Key]store.Item{}
	for n := range 25 {
		k := in(pk, fmt.Sprint(n))
		id := write(t, table, store.Create(k, store.Item{"n": int64(n)}))
		want[k] = stamped(store.Item{"n": int64(n)}, id)
	}
	for _, limit := range []int{10, store.MaxPageItems} {
		got, after := map[store.Key]store.Item{}, ""
		for {
			p, err := pages.Page(t.Context(), after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(p.Entries), limit)
			for _, e := range p.Entries {
				if e.Key.PK == pk {
					assert.NotContains(t, got, e.Key, "once")
					got[e.Key] = e.Item
				}
			}
			if after = p.Next; after == "" {
				break
			}
		}
		require.Equal(t, want, got)
	}
	for _, limit := range []int{0, store.MaxPageItems + 1} {
		_, err := pages.Page(t.Context(), "", limit)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
	_, err := pages.Page(t.Context(), "no page", 1)
	require.ErrorIs(t, err, store.ErrInvalid)
}
