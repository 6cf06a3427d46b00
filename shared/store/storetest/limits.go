package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

func testLimits(t *testing.T, table store.Table) {
	long := strings.Repeat("x", 500_000)
	refuses := func(t *testing.T, k store.Key, m ...store.Mutation) {
		t.Helper()
		require.ErrorIs(t, settle(table, store.NewRequestID(), m...), store.ErrInvalid)
		if k != (store.Key{}) {
			require.Nil(t, stored(t, table, k))
		}
	}
	creates := func(pk string, n, size int) []store.Mutation {
		m := make([]store.Mutation, n)
		for i := range m {
			m[i] = store.Create(in(pk, fmt.Sprintf("%03d", i)), store.Item{"v": long[:size]})
		}
		return m
	}
	t.Run("mutations", func(t *testing.T) {
		pk := partition()
		refuses(t, in(pk, "000"), creates(pk, store.MaxMutations+1, 1)...)
		write(t, table, creates(pk, store.MaxMutations, 1)...)
		require.Len(t, all(t, table, store.Range{PK: pk}), store.MaxMutations)
		refuses(t, store.Key{})
	})
	t.Run("size of an item", func(t *testing.T) {
		k := key()
		refuses(t, k, store.Create(k, store.Item{"v": long[:410_000]}))
		write(t, table, store.Create(k, store.Item{"v": long[:399_000]}))
		require.Len(t, stored(t, table, k).Str("v"), 399_000)
	})
	t.Run("size of an item after an update", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, store.Item{"v": long[:390_000]}))
		before := stored(t, table, k)
		require.ErrorIs(t, settle(table, store.NewRequestID(), store.Update(k).Set("w", long[:30_000])), store.ErrInvalid)
		require.Equal(t, before, stored(t, table, k))
	})
	t.Run("size of a write", func(t *testing.T) {
		pk := partition()
		refuses(t, in(pk, "000"), creates(pk, 11, 399_000)...)
		write(t, table, creates(pk, 10, 399_000)...)
	})
	t.Run("keys", func(t *testing.T) {
		pk := partition()
		longest := store.Key{PK: pk + long[:store.MaxPKBytes-len(pk)], SK: long[:store.MaxSKBytes]}
		write(t, table, store.Create(longest, nil))
		require.NotNil(t, stored(t, table, longest))
		require.Equal(t, []string{longest.SK}, all(t, table, store.Range{PK: longest.PK}))
		refuses(t, store.Key{}, store.Create(store.Key{PK: longest.PK + "x", SK: "S"}, nil))
		refuses(t, store.Key{}, store.Create(store.Key{PK: pk, SK: longest.SK + "x"}, nil))
		refuses(t, store.Key{}, store.Create(store.Key{PK: pk}, nil))
		refuses(t, store.Key{}, store.Create(store.Key{SK: "S"}, nil))
	})
	t.Run("index keys", func(t *testing.T) {
		k := key()
		refuses(t, k, store.Create(k, store.Item{store.AttrIndex1: ""}))
		refuses(t, k, store.Create(k, store.Item{store.AttrIndex1: long[:store.MaxPKBytes+1], store.AttrAudit: "a"}))
		refuses(t, k, store.Create(k, store.Item{store.AttrAudit: long[:store.MaxSKBytes+1]}))
	})
	t.Run("types", func(t *testing.T) {
		k := key()
		for _, v := range []store.Value{1, int32(1), 1.5, []string{"a"}, map[string]string{}, "\xff"} {
			refuses(t, k, store.Create(k, store.Item{"v": v}))
		}
		refuses(t, k, store.Create(k, store.Item{store.AttrRequest: "mine"}))
	})
	t.Run("request ids", func(t *testing.T) {
		k := key()
		for _, id := range []store.RequestID{"", store.RequestID(long[:37])} {
			require.ErrorIs(t, table.Write(t.Context(), id, store.Create(k, nil)), store.ErrInvalid)
		}
		require.NoError(t, settle(table, store.RequestID(k.PK[len(k.PK)-36:]), store.Create(k, nil)))
	})
}
