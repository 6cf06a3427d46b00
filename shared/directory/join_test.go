package directory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// TestJoin: two mutations of one item become one exactly when that means the same.
func TestJoin(t *testing.T) {
	k := store.User("u")
	is := store.Equals("name", "ada")
	for name, c := range map[string]struct {
		a, b, want store.Mutation
		apart      bool
	}{
		"equal checks are one":          {a: store.Check(k).Where(is), b: store.Check(k).Where(is), want: store.Check(k).Where(is)},
		"both conditions of two checks": {a: store.Check(k).Where(is), b: store.Check(k).Where(store.Lacks("off", "x")), want: store.Check(k).Where(is, store.Lacks("off", "x"))},
		"a check and an update":         {a: store.Check(k).Where(is), b: store.Update(k).Add("n", 1), want: store.Update(k).Where(is).Add("n", 1)},
		"a check asks for presence":     {a: store.Upsert(k).Set("n", int64(1)), b: store.Check(k), want: store.Update(k).Set("n", int64(1))},
		"insertions unite":              {a: store.Update(k).Insert("s", "b"), b: store.Update(k).Insert("s", "a", "b"), want: store.Update(k).Insert("s", "a", "b")},
		"additions add up":              {a: store.Update(k).Add("n", 1), b: store.Update(k).Add("n", 1), want: store.Update(k).Add("n", 2)},
		"the same value is set once":    {a: store.Upsert(k).Set("v", int64(2)), b: store.Upsert(k).Set("v", int64(2)), want: store.Upsert(k).Set("v", int64(2))},
		"different values stay apart":   {a: store.Update(k).Set("v", "1"), b: store.Update(k).Set("v", "2"), apart: true},
		"insert and take stay apart":    {a: store.Update(k).Insert("s", "a"), b: store.Update(k).Take("s", "a"), apart: true},
		"a creation stands alone":       {a: store.Create(k, store.Item{}), b: store.Check(k), apart: true},
		"a deletion stands alone":       {a: store.Delete(k), b: store.Check(k), apart: true},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(c.a.Changes)
			got, ok := join(c.a, c.b)
			require.Equal(t, !c.apart, ok)
			if ok {
				require.Equal(t, c.want, got)
			}
			require.Len(t, c.a.Changes, before)
			back, ok := join(c.b, c.a)
			require.Equal(t, !c.apart, ok, "either way round")
			if ok {
				require.Equal(t, c.want.Kind, back.Kind)
			}
		})
	}
}

// TestBatchIsFull: a batch takes no more than a transaction does, and what did not fit
// leaves no trace.
func TestBatchIsFull(t *testing.T) {
	var b batch
	for n := range store.MaxMutations {
		require.True(t, b.add([]store.Mutation{store.Create(store.User(string(rune('a'+n))), store.Item{"n": int64(n)})}))
	}
	require.False(t, b.add([]store.Mutation{store.Check(store.Role("r"))}))
	require.True(t, b.full)
	require.Len(t, b.m, store.MaxMutations)
	require.NoError(t, store.CheckWrite(store.NewRequestID(), b.m))
}
