package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

func TestCheckWrite(t *testing.T) {
	k := store.Key{PK: "P", SK: "S"}
	long := strings.Repeat("x", 500_000)
	for name, m := range map[string]store.Mutation{
		"empty partition key":          store.Delete(store.Key{SK: "S"}),
		"empty sort key":               store.Delete(store.Key{PK: "P"}),
		"partition key too long":       store.Delete(store.Key{PK: long[:store.MaxPKBytes+1], SK: "S"}),
		"sort key too long":            store.Delete(store.Key{PK: "P", SK: long[:store.MaxSKBytes+1]}),
		"key that is not UTF-8":        store.Delete(store.Key{PK: "P\xff", SK: "S"}),
		"no kind":                      {Key: k},
		"create with changes":          store.Create(k, nil).Set("a", "b"),
		"delete with changes":          store.Delete(k).Set("a", "b"),
		"attribute named as a key":     store.Create(k, store.Item{"pk": "x"}),
		"attribute without a name":     store.Create(k, store.Item{"": "x"}),
		"request id set by hand":       store.Update(k).Set(store.AttrRequest, "x"),
		"int instead of int64":         store.Create(k, store.Item{"n": 1}),
		"floating point":               store.Update(k).Set("n", 1.5),
		"text that is not UTF-8":       store.Update(k).Set("s", "\xff"),
		"unsorted set":                 store.Create(k, store.Item{"s": store.Set{"b", "a"}}),
		"set with duplicates":          store.Create(k, store.Item{"s": store.Set{"a", "a"}}),
		"empty index key":              store.Create(k, store.Item{store.AttrIndex1: ""}),
		"number as index key":          store.Update(k).Set(store.AttrAudit, int64(1)),
		"ttl as text":                  store.Update(k).Set(store.AttrTTL, "1"),
		"inserting nothing":            store.Update(k).Insert("s"),
		"taking nothing":               store.Update(k).Take("s"),
		"adding a text":                {Kind: store.KindUpdate, Key: k, Changes: []store.Edit{{Verb: store.VerbAdd, Name: "n", Value: "1"}}},
		"two changes of one attribute": store.Update(k).Set("a", "b").Add("a", 1),
		"equals an empty set":          store.Check(k).Where(store.Equals("s", store.Set{})),
		"at least a text":              store.Check(k).Where(store.Condition{Test: store.TestAtLeast, Name: "n", Value: "1"}),
		"condition without a test":     store.Check(k).Where(store.Condition{Name: "n", Value: "1"}),
		"condition on a key":           store.Check(k).Where(store.Equals("sk", "S")),
		"item over 400 KB":             store.Create(k, store.Item{"a": long[:store.MaxItemBytes]}),
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			require.ErrorIs(t, store.CheckWrite("id", []store.Mutation{m}), store.ErrInvalid)
		})
	}
	t.Run("allowed", func(t *testing.T) {
		require.NoError(t, store.CheckWrite("id", []store.Mutation{
			store.Create(k, store.Item{"empty": "", "none": nil, "noset": store.Set{}, "bytes": []byte(nil), "n": int64(-1), "b": false}),
			store.Upsert(store.Key{PK: "P", SK: "T"}).Set("a", nil).Remove(store.AttrIndex1).Add("n", -1).Where(store.Absent("a")),
		}))
	})
	t.Run("ids_and_counts", func(t *testing.T) {
		require.ErrorIs(t, store.CheckWrite("", []store.Mutation{store.Check(k)}), store.ErrInvalid)
		require.ErrorIs(t, store.CheckWrite(store.RequestID(long[:37]), []store.Mutation{store.Check(k)}), store.ErrInvalid)
		require.ErrorIs(t, store.CheckWrite("id", nil), store.ErrInvalid)
		require.ErrorIs(t, store.CheckWrite("id", []store.Mutation{store.Check(k), store.Delete(k)}), store.ErrInvalid)
		require.NoError(t, store.CheckWrite(store.NewRequestID(), []store.Mutation{store.Check(k)}))
	})
}

func TestCheckRange(t *testing.T) {
	for name, r := range map[string]store.Range{
		"no partition":      {},
		"prefix and bounds": {PK: "P", Prefix: "a", From: "b"},
		"bounds crossed":    {PK: "P", From: "b", To: "a"},
		"limit too large":   {PK: "P", Limit: store.MaxPageItems + 1},
		"negative limit":    {PK: "P", Limit: -1},
		"third index":       {PK: "P", Index: 3},
		"not UTF-8":         {PK: "P", Prefix: "\xff"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			require.ErrorIs(t, store.CheckRange(r), store.ErrInvalid)
		})
	}
	require.NoError(t, store.CheckRange(store.Range{PK: "P", From: "a", To: "b", Limit: store.MaxPageItems}))
}

func TestStorable(t *testing.T) {
	long := strings.Repeat("x", store.MaxPKBytes+1)
	require.True(t, store.Key{PK: long[1:], SK: long[:store.MaxSKBytes]}.Storable())
	for _, k := range []store.Key{{}, {PK: "P"}, {SK: "S"}, {PK: long, SK: "S"}, {PK: "P", SK: long}, {PK: "P\xff", SK: "S"}, {PK: "P", SK: "\xff"}} {
		require.False(t, k.Storable(), "%q", k)
	}
}

func TestSize(t *testing.T) {
	k := store.Key{PK: "P", SK: "S"} // 6 bytes with the names
	for _, c := range []struct {
		value store.Value
		want  int
	}{
		{"", 0}, {"é", 2}, {[]byte{1, 2, 3}, 3}, {true, 1}, {store.NewSet("a", "bc"), 3},
		{int64(0), 1}, {int64(7), 2}, {int64(-7), 3}, {int64(1000), 2}, {int64(123), 3}, {int64(1712345678), 6},
	} {
		require.Equal(t, 6+1+c.want, store.Size(k, store.Item{"a": c.value}), "%v", c.value)
	}
}
