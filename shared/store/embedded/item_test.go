package embedded

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/store"
)

// values are all that an item may hold.
func values() *rapid.Generator[store.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(v string) store.Value { return v }),
		rapid.Map(rapid.Int64(), func(v int64) store.Value { return v }),
		rapid.Map(rapid.SampledFrom([]int64{0, -1, 23, 24, 255, 256, math.MaxUint32, math.MaxInt64, math.MinInt64}), func(v int64) store.Value { return v }),
		rapid.Map(rapid.Bool(), func(v bool) store.Value { return v }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(v []byte) store.Value { return v }),
		rapid.Map(rapid.SliceOf(rapid.String()), func(v []string) store.Value { return store.NewSet(v...) }),
	)
}

// TestDecodeItem: what encoder wrote is read as it was; cut short or with more behind it, it
// is damaged.
func TestDecodeItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := store.Item(rapid.MapOf(rapid.String(), values()).Draw(t, "item"))
		body, err := encoder.Marshal(item)
		require.NoError(t, err)
		got, err := decodeItem(body)
		require.NoError(t, err)
		require.Equal(t, item, got)
		_, err = decodeItem(body[:rapid.IntRange(0, len(body)-1).Draw(t, "cut")])
		require.Error(t, err)
		_, err = decodeItem(append(slices.Clone(body), 0))
		require.Error(t, err)
	})
}

// FuzzDecodeItem: whatever stands in the file is an item that is written and read again the
// same, or damaged.
func FuzzDecodeItem(f *testing.F) {
	for _, item := range []store.Item{{}, sample(), {"a": int64(-1), "b": true, "c": false, "d": store.Set{}, "e": []byte{}}} {
		body, err := encoder.Marshal(item)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := decodeItem(b)
		if err != nil {
			return
		}
		again, err := encoder.Marshal(item)
		require.NoError(t, err)
		got, err := decodeItem(again)
		require.NoError(t, err)
		require.Equal(t, item, got)
	})
}

// sample is about what a user's item holds.
func sample() store.Item {
	return store.Item{
		store.AttrType: "user", "v": int64(1), "id": "0123456789abcdef0123456789abcdef", "name": "ada lovelace", "domain_id": "default",
		"domain_name": "Default", "enabled": true, "epoch": int64(1764180000000000), "password_version": int64(1),
		"extra": []byte(`{"email":"ada@example.org"}`), "groups": store.NewSet("a", "b"), store.AttrRequest: "req-0123456789",
	}
}

// BenchmarkDecodeItem decodes one user; a page of a list is a hundred times this.
func BenchmarkDecodeItem(b *testing.B) {
	body, err := encoder.Marshal(sample())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeItem(body); err != nil {
			b.Fatal(err)
		}
	}
}
