package trust

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
)

// remains are the keys of a trust's own that are still in the table.
func (w *world) remains(t *testing.T, of Trust) []store.Key {
	t.Helper()
	keys := append([]store.Key{store.Trust(of.ID)}, of.mirrors()...)
	if k, ok := of.claim(); ok {
		keys = append(keys, k)
	}
	items, err := w.table.Read(w.ctx, keys...)
	require.NoError(t, err)
	var left []store.Key
	for k := range items {
		left = append(left, k)
	}
	return left
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	t.Run("TR-076 nothing is left", func(t *testing.T) {
		made := w.create(t, w.grant(ends(noon)))
		require.Len(t, w.remains(t, made), 6)
		require.NoError(t, w.trusts.Delete(w.ctx, made))
		assert.Empty(t, w.remains(t, made))
	})
	t.Run("TR-078 again", func(t *testing.T) {
		made := w.create(t, w.grant())
		require.NoError(t, w.trusts.Delete(w.ctx, made))
		requireKind(t, problem.KindNotFound, w.trusts.Delete(w.ctx, made))
		require.NoError(t, w.trusts.Remove(w.ctx, made), "to a cascade it is fine")
	})
	t.Run("TR-076 whatever else of it is missing or not its own", func(t *testing.T) {
		made := w.create(t, w.grant(ends(noon)))
		claim, _ := made.claim()
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(),
			store.Delete(made.mirrors()[0]), store.Delete(made.mirrors()[3]), store.Update(claim).Set(attrOwner, id(4))))
		require.NoError(t, w.trusts.Delete(w.ctx, made))
		assert.Equal(t, []store.Key{claim}, w.remains(t, made))
	})
	t.Run("not another trust with the same first 8 bytes", func(t *testing.T) {
		made := w.create(t, w.grant())
		other := made
		other.ID = made.ID[:16] + id(6)[16:]
		requireKind(t, problem.KindNotFound, w.trusts.Delete(w.ctx, other))
		_, err := w.find(made.ID)
		require.NoError(t, err)
	})
	t.Run("TR-078 of many at once one deletes", func(t *testing.T) {
		made := w.create(t, w.grant())
		var group sync.WaitGroup
		var deleted atomic.Int64
		for range 16 {
			group.Go(func() {
				if err := w.trusts.Delete(w.ctx, made); err == nil {
					deleted.Add(1)
				} else {
					assert.True(t, problem.Is(err, problem.KindNotFound), "%v", err)
				}
			})
		}
		group.Wait()
		assert.EqualValues(t, 1, deleted.Load())
	})
}

func TestDeleted(t *testing.T) {
	w := newWorld(t)
	t.Run("TR-080 the generations below go one by one, and their siblings stay", func(t *testing.T) {
		chain := w.chain(t)
		sibling := w.under(t, chain[0], w.grant(to(w.joe)))
		require.NoError(t, w.trusts.Delete(w.ctx, chain[1]))
		require.NoError(t, w.trusts.Deleted(w.ctx, chain[1]))
		assert.Empty(t, w.remains(t, chain[2]))
		assert.NotEmpty(t, w.remains(t, chain[3]), "its turn comes with the next change")
		require.NoError(t, w.trusts.Deleted(w.ctx, chain[2]))
		assert.Empty(t, w.remains(t, chain[3]))
		for _, stays := range []Trust{chain[0], sibling} {
			_, err := w.stand(stays.ID)
			require.NoError(t, err)
		}
		for range 2 { // repeated, out of order
			for _, t2 := range []Trust{chain[3], chain[2], chain[1]} {
				require.NoError(t, w.trusts.Deleted(w.ctx, t2))
			}
		}
	})
	t.Run("what a bare deletion left is removed", func(t *testing.T) {
		made := w.create(t, w.grant(ends(noon)))
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Delete(store.Trust(made.ID))))
		require.Len(t, w.remains(t, made), 5)
		require.NoError(t, w.trusts.Deleted(w.ctx, made))
		assert.Empty(t, w.remains(t, made))
	})
	t.Run("a child that is gone already leaves its entry only", func(t *testing.T) {
		parent := w.create(t, w.grant(allow()))
		child := w.under(t, parent, w.grant(to(w.eve)))
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Delete(store.Trust(child.ID))))
		require.NoError(t, w.trusts.Deleted(w.ctx, parent))
		items, err := w.table.Read(w.ctx, store.TrustChild(parent.ID, child.ID))
		require.NoError(t, err)
		assert.Empty(t, items)
	})
	t.Run("a claim that is another trust's by now stays", func(t *testing.T) {
		made := w.create(t, w.grant(ends(noon)))
		claim, _ := made.claim()
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Delete(store.Trust(made.ID)), store.Update(claim).Set(attrOwner, id(4))))
		require.NoError(t, w.trusts.Deleted(w.ctx, made))
		assert.Equal(t, []store.Key{claim}, w.remains(t, made))
	})
	t.Run("a table that does not answer is no end of it", func(t *testing.T) {
		made := w.create(t, w.grant())
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Delete(store.Trust(made.ID))))
		process, _ := w.process(func(_ int, op faults.Operation) faults.Fault {
			if op == faults.Write {
				return faults.Throttle
			}
			return faults.None
		})
		require.ErrorIs(t, process.Deleted(w.ctx, made), store.ErrUnavailable)
	})
	t.Run("children of another trust with the same first 8 bytes stay", func(t *testing.T) {
		parent := w.create(t, w.grant(allow()))
		child := w.under(t, parent, w.grant(to(w.eve)))
		other := parent
		other.ID = parent.ID[:16] + id(6)[16:]
		require.NoError(t, w.trusts.Deleted(w.ctx, other))
		_, err := w.stand(child.ID)
		require.NoError(t, err)
	})
}

func TestWasDeleted(t *testing.T) {
	item := root().item(0)
	for _, c := range []struct {
		name   string
		change store.Change
		want   bool
	}{
		{"deleted", store.Change{Old: item}, true},
		{"expired", store.Change{Old: item, Expired: true}, false},
		{"created", store.Change{New: item}, false},
		{"used", store.Change{Old: item, New: item}, false},
		{"its mirror deleted", store.Change{Old: root().mirror(0)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			deleted, ok := WasDeleted(c.change)
			assert.Equal(t, c.want, ok)
			if ok {
				assert.Equal(t, root().ID, deleted.ID)
			}
		})
	}
}
