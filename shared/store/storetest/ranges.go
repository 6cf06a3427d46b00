package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

func testReads(t *testing.T, table store.Table) {
	pk := partition()
	id := write(t, table, store.Create(in(pk, "a"), store.Item{"n": int64(1)}), store.Create(in(pk, "b"), nil))

	t.Run("present and absent", func(t *testing.T) {
		got, err := table.Read(t.Context(), in(pk, "b"), in(pk, "none"), in(pk, "a"), in(pk+"x", "a"))
		require.NoError(t, err)
		require.Equal(t, store.Items{in(pk, "a"): stamped(store.Item{"n": int64(1)}, id), in(pk, "b"): stamped(nil, id)}, got)
	})
	t.Run("nothing", func(t *testing.T) {
		got, err := table.Read(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("many", func(t *testing.T) {
		keys := make([]store.Key, store.MaxReadKeys+1)
		for i := range keys {
			keys[i] = in(pk, fmt.Sprintf("many-%03d", i))
		}
		for _, k := range []store.Key{keys[0], keys[57], keys[99]} {
			write(t, table, store.Create(k, nil))
		}
		got, err := table.Read(t.Context(), keys[:store.MaxReadKeys]...)
		require.NoError(t, err)
		require.Len(t, got, 3)
		_, err = table.Read(t.Context(), keys...)
		require.ErrorIs(t, err, store.ErrInvalid)
	})
	t.Run("large ones together", func(t *testing.T) {
		// 60 of 300 KB are more than one BatchGetItem returns (16 MB).
		large := strings.Repeat("x", 300_000)
		var keys []store.Key
		for i := range 60 {
			k := in(pk, fmt.Sprintf("large-%02d", i))
			write(t, table, store.Create(k, store.Item{"v": large}))
			keys = append(keys, k)
		}
		got, err := table.Read(t.Context(), keys...)
		require.NoError(t, err)
		require.Len(t, got, len(keys))
		for _, k := range keys {
			write(t, table, store.Delete(k))
		}
	})
	t.Run("a key twice, or empty", func(t *testing.T) {
		for _, keys := range [][]store.Key{{in(pk, "a"), in(pk, "a")}, {in("", "a")}, {in(pk, "")}} {
			_, err := table.Read(t.Context(), keys...)
			require.ErrorIs(t, err, store.ErrInvalid)
		}
	})
	t.Run("what was written is read", func(t *testing.T) {
		k := in(pk, "again")
		write(t, table, store.Create(k, store.Item{"n": int64(0)}))
		for n := range int64(20) {
			write(t, table, store.Update(k).Add("n", 1))
			require.Equal(t, n+1, stored(t, table, k).Int("n"))
		}
		write(t, table, store.Delete(k))
		require.Nil(t, stored(t, table, k))
	})
	t.Run("a context that has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := table.Read(ctx, in(pk, "a"))
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = table.Query(ctx, store.Range{PK: pk})
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, table.Write(ctx, store.NewRequestID(), store.Delete(in(pk, "a"))), store.ErrUnavailable)
		require.NotNil(t, stored(t, table, in(pk, "a")))
	})
}

// all walks a range to its end and returns its sort keys. No page may be larger than the
// limit; the last one may be empty.
func all(t *testing.T, table store.Table, r store.Range) []string {
	t.Helper()
	got := []string{}
	for range 1000 {
		page, err := table.Query(t.Context(), r)
		require.NoError(t, err)
		if r.Limit > 0 {
			require.LessOrEqual(t, len(page.Entries), r.Limit)
		}
		for _, e := range page.Entries {
			got = append(got, e.Key.SK)
		}
		if page.Next == "" {
			return got
		}
		r.After = page.Next
	}
	require.Fail(t, "the range has no end")
	return nil
}

func testRanges(t *testing.T, table store.Table) {
	pk := partition()
	testOrder(t, table, pk)
	// An item that is named like its partition's kind stands among the others as if it were not.
	for _, kind := range []string{"A", "\U0010ffff"} {
		t.Run(fmt.Sprintf("with the head %q", kind), func(t *testing.T) { testOrder(t, table, kind+"#"+pk) })
	}
	t.Run("entries carry their items", func(t *testing.T) {
		page, err := table.Query(t.Context(), store.Range{PK: pk, From: "B", To: "B"})
		require.NoError(t, err)
		require.Len(t, page.Entries, 1)
		require.Equal(t, in(pk, "B"), page.Entries[0].Key)
		require.Equal(t, "B", page.Entries[0].Item.Str("sk copy"))
		require.Equal(t, stored(t, table, in(pk, "B")), page.Entries[0].Item)
	})
	t.Run("an empty partition", func(t *testing.T) {
		require.Empty(t, all(t, table, store.Range{PK: partition()}))
	})
	t.Run("what was written is listed", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, nil))
		require.Equal(t, []string{k.SK}, all(t, table, store.Range{PK: k.PK}))
		write(t, table, store.Delete(k))
		require.Empty(t, all(t, table, store.Range{PK: k.PK}))
	})
	t.Run("invalid", func(t *testing.T) {
		for _, r := range []store.Range{{}, {PK: pk, Prefix: "a", To: "b"}, {PK: pk, From: "b", To: "a"}, {PK: pk, Limit: -1}, {PK: pk, Limit: store.MaxPageItems + 1}, {PK: pk, After: "not ours!"}} {
			_, err := table.Query(t.Context(), r)
			require.ErrorIs(t, err, store.ErrInvalid, "%+v", r)
		}
	})
}

// testOrder writes and reads a whole partition, between two neighbours.
func testOrder(t *testing.T, table store.Table, pk string) {
	// Sorted by bytes, as they must come.
	keys := []string{"\x00", " ", "A", "A#1", "A#10", "A#2", "A$", "B", "a", "a\x00", "ab", "z", "z\u00ff", "ä", "東", "\U0010ffff"}
	require.True(t, slices.IsSorted(keys))
	for _, sk := range keys {
		write(t, table, store.Create(in(pk, sk), store.Item{"sk copy": sk}))
		write(t, table, store.Create(in(pk+"#", sk), nil), store.Create(in(pk[:len(pk)-1], sk), nil)) // neighbours
	}
	for _, c := range []struct {
		name string
		r    store.Range
		want func(sk string) bool
	}{
		{"whole partition", store.Range{}, func(string) bool { return true }},
		{"prefix", store.Range{Prefix: "A#"}, func(sk string) bool { return strings.HasPrefix(sk, "A#") }},
		{"prefix that is a key", store.Range{Prefix: "a"}, func(sk string) bool { return strings.HasPrefix(sk, "a") }},
		{"prefix of nothing", store.Range{Prefix: "Q"}, func(string) bool { return false }},
		{"last prefix", store.Range{Prefix: "\U0010ffff"}, func(sk string) bool { return sk == "\U0010ffff" }},
		{"from", store.Range{From: "B"}, func(sk string) bool { return sk >= "B" }},
		{"from between keys", store.Range{From: "A#11"}, func(sk string) bool { return sk >= "A#11" }},
		{"to", store.Range{To: "a"}, func(sk string) bool { return sk <= "a" }},
		{"from to", store.Range{From: "A#1", To: "ab"}, func(sk string) bool { return sk >= "A#1" && sk <= "ab" }},
		{"one key", store.Range{From: "z", To: "z"}, func(sk string) bool { return sk == "z" }},
		{"between two keys", store.Range{From: "C", To: "D"}, func(string) bool { return false }},
	} {
		for _, descending := range []bool{false, true} {
			for _, limit := range []int{0, 1, 3, len(keys), 100} {
				t.Run(fmt.Sprintf("%s/descending %t/limit %d", c.name, descending, limit), func(t *testing.T) {
					want := []string{}
					for _, sk := range keys {
						if c.want(sk) {
							want = append(want, sk)
						}
					}
					if descending {
						slices.Reverse(want)
					}
					r := c.r
					r.PK, r.Descending, r.Limit = pk, descending, limit
					require.Equal(t, want, all(t, table, r))
				})
			}
		}
	}
}

func testPages(t *testing.T, table store.Table) {
	t.Run("pages go on where the last ended, whatever happened since", func(t *testing.T) {
		pk := partition()
		for _, sk := range []string{"a", "c", "e", "g"} {
			write(t, table, store.Create(in(pk, sk), nil))
		}
		first, err := table.Query(t.Context(), store.Range{PK: pk, Limit: 2})
		require.NoError(t, err)
		require.NotEmpty(t, first.Next)
		write(t, table, store.Delete(in(pk, "c")), store.Create(in(pk, "b"), nil), store.Create(in(pk, "d"), nil))
		require.Equal(t, []string{"d", "e", "g"}, all(t, table, store.Range{PK: pk, After: first.Next}))
		back, err := table.Query(t.Context(), store.Range{PK: pk, Limit: 2, Descending: true}) // g, e
		require.NoError(t, err)
		write(t, table, store.Delete(in(pk, "e")))
		require.Equal(t, []string{"d", "b", "a"}, all(t, table, store.Range{PK: pk, Descending: true, After: back.Next}))
	})
	t.Run("a mark from outside of the range", func(t *testing.T) {
		pk := partition()
		for _, sk := range []string{"a", "b", "c", "d", "e"} {
			write(t, table, store.Create(in(pk, sk), nil))
		}
		mark := func(limit int) string {
			page, err := table.Query(t.Context(), store.Range{PK: pk, Limit: limit})
			require.NoError(t, err)
			return page.Next
		}
		for _, c := range []struct {
			r    store.Range
			want []string
		}{
			{store.Range{From: "b", To: "c", After: mark(1)}, []string{"b", "c"}},
			{store.Range{From: "b", To: "c", After: mark(4)}, []string{}},
			{store.Range{From: "b", To: "c", After: mark(4), Descending: true}, []string{"c", "b"}},
			{store.Range{From: "b", To: "c", After: mark(1), Descending: true}, []string{}},
			{store.Range{Prefix: "c", After: mark(1)}, []string{"c"}},
			{store.Range{Prefix: "c", After: mark(4)}, []string{}},
			{store.Range{Prefix: "c", After: mark(4), Descending: true}, []string{"c"}},
			{store.Range{Prefix: "c", After: mark(2), Descending: true}, []string{}},
		} {
			c.r.PK = pk
			require.Equal(t, c.want, all(t, table, c.r), "%+v", c.r)
		}
	})
	t.Run("fewer than the limit is the last page", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, nil))
		page, err := table.Query(t.Context(), store.Range{PK: k.PK, Limit: 2})
		require.NoError(t, err)
		require.Len(t, page.Entries, 1)
		require.Empty(t, page.Next)
	})
	t.Run("a page ends at 1 MB", func(t *testing.T) {
		pk, large := partition(), strings.Repeat("x", 300_000)
		want := []string{"a", "b", "c", "d", "e"}
		for _, sk := range want {
			write(t, table, store.Create(in(pk, sk), store.Item{"v": large}))
		}
		page, err := table.Query(t.Context(), store.Range{PK: pk})
		require.NoError(t, err)
		require.NotEmpty(t, page.Next)
		require.Less(t, len(page.Entries), len(want))
		require.Equal(t, want, all(t, table, store.Range{PK: pk}))
	})
	t.Run("many", func(t *testing.T) {
		pk := partition()
		var want []string
		for start := 0; start < 1050; start += 50 {
			m := make([]store.Mutation, 50)
			for i := range m {
				sk := fmt.Sprintf("%05d", start+i)
				m[i], want = store.Create(in(pk, sk), nil), append(want, sk)
			}
			write(t, table, m...)
		}
		require.Equal(t, want, all(t, table, store.Range{PK: pk}))
		page, err := table.Query(t.Context(), store.Range{PK: pk})
		require.NoError(t, err)
		require.Len(t, page.Entries, store.MaxPageItems)
	})
}

// testIndexes polls, because an index may be late. What it shows may be stale, so a test
// waits for the state it wants and does not look at those before.
func testIndexes(t *testing.T, table store.Table) {
	row := func(i1, i2, audit string) store.Item {
		return store.Item{store.AttrIndex1: i1, store.AttrIndex2: i2, store.AttrAudit: audit}
	}
	shows := func(t *testing.T, r store.Range, want ...string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			got := []string{}
			for range 100 {
				page, err := table.Query(t.Context(), r)
				if !assert.NoError(c, err) {
					return
				}
				for _, e := range page.Entries {
					got = append(got, e.Key.SK)
				}
				if r.After = page.Next; page.Next == "" {
					break
				}
			}
			assert.Equal(c, append([]string{}, want...), got)
		}, patience, 5*time.Millisecond)
	}

	t.Run("both indexes, by audit id", func(t *testing.T) {
		pk, user, chain := partition(), partition(), partition()
		write(t, table,
			store.Create(in(pk, "1"), row(user, chain, "c")), store.Create(in(pk, "2"), row(user, chain+"x", "a")),
			store.Create(in(pk, "3"), row(user, chain, "b")), store.Create(in(pk, "4"), row(user+"x", chain, "d")))
		shows(t, store.Range{PK: user, Index: store.Index1}, "2", "3", "1")
		shows(t, store.Range{PK: user, Index: store.Index1, Descending: true}, "1", "3", "2")
		shows(t, store.Range{PK: user, Index: store.Index1, Limit: 1}, "2", "3", "1")
		shows(t, store.Range{PK: user, Index: store.Index1, From: "b"}, "3", "1")
		shows(t, store.Range{PK: user, Index: store.Index1, From: "a", To: "b"}, "2", "3")
		shows(t, store.Range{PK: user, Index: store.Index1, Prefix: "c"}, "1")
		shows(t, store.Range{PK: chain, Index: store.Index2}, "3", "1", "4")
		shows(t, store.Range{PK: chain, Index: store.Index2, Descending: true, Limit: 2}, "4", "1", "3")
		shows(t, store.Range{PK: user, Index: store.Index2})
		page, err := table.Query(t.Context(), store.Range{PK: user, Index: store.Index1, Limit: 1})
		require.NoError(t, err)
		require.Equal(t, stored(t, table, in(pk, "2")), page.Entries[0].Item, "index entries carry the whole item")
	})
	t.Run("sparse", func(t *testing.T) {
		pk, user := partition(), partition()
		write(t, table, store.Create(in(pk, "no audit"), store.Item{store.AttrIndex1: user}), store.Create(in(pk, "no index"), store.Item{store.AttrAudit: "a"}))
		write(t, table, store.Create(in(pk, "both"), store.Item{store.AttrIndex1: user, store.AttrAudit: "a"}))
		shows(t, store.Range{PK: user, Index: store.Index1}, "both")
	})
	t.Run("entries follow their item", func(t *testing.T) {
		pk, user, other := partition(), partition(), partition()
		k := in(pk, "row")
		write(t, table, store.Create(k, row(user, user, "a")))
		shows(t, store.Range{PK: user, Index: store.Index1}, "row")
		write(t, table, store.Update(k).Set(store.AttrIndex1, other))
		shows(t, store.Range{PK: user, Index: store.Index1})
		shows(t, store.Range{PK: other, Index: store.Index1}, "row")
		write(t, table, store.Update(k).Set("dead", true))
		require.Eventually(t, func() bool {
			page, err := table.Query(t.Context(), store.Range{PK: other, Index: store.Index1})
			return err == nil && len(page.Entries) == 1 && page.Entries[0].Item.Bool("dead")
		}, patience, 5*time.Millisecond)
		write(t, table, store.Update(k).Remove(store.AttrIndex1))
		shows(t, store.Range{PK: other, Index: store.Index1})
		shows(t, store.Range{PK: user, Index: store.Index2}, "row")
		write(t, table, store.Delete(k))
		shows(t, store.Range{PK: user, Index: store.Index2})
	})
	t.Run("many of one audit id", func(t *testing.T) {
		pk, user := partition(), partition()
		write(t, table, store.Create(in(pk, "x"), row(user, user, "a")), store.Create(in(pk, "y"), row(user, user, "a")), store.Create(in(pk, "z"), row(user, user, "a")))
		require.Eventually(t, func() bool {
			got := all(t, table, store.Range{PK: user, Index: store.Index1, Limit: 1})
			slices.Sort(got)
			return slices.Equal(got, []string{"x", "y", "z"})
		}, patience, 5*time.Millisecond)
	})
}
