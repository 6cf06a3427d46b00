package store_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// TestDecide: an outcome is kept for the pass after it, never over a read or a Forget, and
// never while it is pending.
func TestDecide(t *testing.T) {
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(store.User("ada"), store.Item{"name": "ada"})))
	rs, ran := store.NewReadSet(table), 0
	name := func() (string, error) {
		return store.Decide(rs, "name", func() (string, error) {
			ran++
			i, err := rs.Get(store.User("ada"))
			return i.Str("name"), err
		})
	}
	settle := func() (got string) {
		require.NoError(t, rs.Settle(t.Context(), func() (err error) { got, err = name(); return err }))
		return got
	}
	assert.Equal(t, "ada", settle())
	assert.Equal(t, 2, ran, "pending, then decided")
	assert.Equal(t, "ada", settle())
	assert.Equal(t, 2, ran, "kept")

	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Update(store.User("ada")).Set("name", "eva")))
	rs.Forget(store.User("ada"))
	assert.Equal(t, "eva", settle(), "what was forgotten is decided again")
	require.NoError(t, rs.Settle(t.Context(), func() error { _, err := rs.Get(store.User("bob")); return err }))
	before := ran
	settle()
	assert.Equal(t, before+1, ran, "what was read since may matter")
}

// TestRemember: what depends on the request alone is done once, its failure too.
func TestRemember(t *testing.T) {
	rs, ran := store.NewReadSet(nil), 0
	broken := errors.New("broken")
	for range 3 {
		_, err := store.Remember(rs, "x", func() (int, error) { ran++; return 0, broken })
		require.ErrorIs(t, err, broken)
		rs.Forget(store.User("ada"))
	}
	assert.Equal(t, 1, ran)
	_, err := store.Remember(rs, "y", func() (int, error) { ran++; return 0, store.ErrPending })
	require.ErrorIs(t, err, store.ErrPending)
	n, err := store.Remember(rs, "y", func() (int, error) { return 7, nil })
	require.NoError(t, err)
	assert.Equal(t, 7, n)
}
