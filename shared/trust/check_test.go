package trust

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// entry is an item as it lies in the table.
func (w *world) entry(t *testing.T, k store.Key) store.Entry {
	t.Helper()
	items, err := w.table.Read(w.ctx, k)
	require.NoError(t, err)
	require.NotNil(t, items[k], "%s", k)
	return store.Entry{Key: k, Item: items[k]}
}

// needs are what a check reads, as it is.
func (w *world) needs(t *testing.T, c walk.Check) store.Items {
	t.Helper()
	found, err := w.table.Read(w.ctx, c.Needs...)
	require.NoError(t, err)
	return found
}

// TestCheck takes what a trust stands on away, one thing after another: each makes it
// something to be removed, with all that belongs to it.
func TestCheck(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		make  func() Trust
		needs func(Trust) []store.Key
	}{
		{"a first trust", func() Trust { return w.create(t, w.grant()) }, func(made Trust) []store.Key {
			return []store.Key{store.User(w.ada), store.User(w.bob), store.Project(w.web)}
		}},
		{"one without a project", func() Trust { return w.create(t, w.grant(unscoped)) }, func(Trust) []store.Key {
			return []store.Key{store.User(w.ada), store.User(w.bob)}
		}},
		{"one below another", func() Trust { return w.under(t, w.create(t, w.grant(allow())), w.grant(to(w.eve))) }, func(made Trust) []store.Key {
			return []store.Key{store.User(w.ada), store.User(w.eve), store.Project(w.web), store.Trust(made.ParentID)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := c.make()
			check := w.trusts.Check(w.entry(t, store.Trust(made.ID)))
			require.ElementsMatch(t, c.needs(made), check.Needs)
			assert.Nil(t, check.Amiss(w.needs(t, check)), "it is sound")
			for _, k := range check.Needs {
				found := w.needs(t, check)
				delete(found, k)
				assert.NotNil(t, check.Amiss(found), "without %s", k)
			}
			if made.ParentID != "" {
				found := w.needs(t, check)
				other := From(found[store.Trust(made.ParentID)])
				other.ID = made.ParentID[:16] + id(6)[16:]
				found[store.Trust(made.ParentID)] = other.item(DefaultRetention)
				assert.NotNil(t, check.Amiss(found), "another trust with the same first 8 bytes lies where its parent was")
			}
			_, err := check.Amiss(store.Items{})(w.ctx)
			require.NoError(t, err)
			assert.Empty(t, w.remains(t, made))
		})
	}
	t.Run("an expired trust is TTL's", func(t *testing.T) {
		made := w.create(t, w.grant(ends(noon)))
		w.clock.Set(noon)
		assert.Empty(t, w.trusts.Check(w.entry(t, store.Trust(made.ID))).Needs)
	})
}

// TestCheck_listed looks at what only lists a trust or points to it: it goes when the trust
// is not there, or is another one with the same first 8 bytes.
func TestCheck_listed(t *testing.T) {
	w := newWorld(t)
	made := w.arrange(t, ends(noon)).Trust
	claim, _ := made.claim()
	for _, k := range append(append(made.mirrors(), made.handles()...), claim) {
		t.Run(k.String(), func(t *testing.T) {
			check := w.trusts.Check(w.entry(t, k))
			require.Equal(t, []store.Key{store.Trust(made.ID)}, check.Needs)
			assert.Nil(t, check.Amiss(w.needs(t, check)), "it is sound")
			other := made
			other.ID = made.ID[:16] + id(6)[16:]
			assert.NotNil(t, check.Amiss(store.Items{store.Trust(made.ID): other.item(DefaultRetention)}), "another one's")
			discard := check.Amiss(store.Items{})
			require.NotNil(t, discard, "it is gone")
			_, err := discard(w.ctx)
			require.NoError(t, err)
			items, err := w.table.Read(w.ctx, k)
			require.NoError(t, err)
			assert.Nil(t, items[k])
		})
	}
}
