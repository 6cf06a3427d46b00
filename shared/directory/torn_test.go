package directory_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/store"
)

// headLast reads a head after everything else of its trip, and lets something happen in between.
type headLast struct {
	store.Table
	meanwhile func()
	trips     int
}

func (h *headLast) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	h.trips++
	others := slices.DeleteFunc(slices.Clone(keys), func(k store.Key) bool { return k.SK == store.Head(0).SK })
	found, err := h.Table.Read(ctx, others...)
	if err != nil || len(others) == len(keys) {
		return found, err
	}
	if h.meanwhile != nil {
		h.meanwhile()
		h.meanwhile = nil
	}
	heads, err := h.Table.Read(ctx, slices.DeleteFunc(slices.Clone(keys), func(k store.Key) bool { return slices.Contains(others, k) })...)
	for k, i := range heads {
		found[k] = i
	}
	return found, err
}

// TestTornBySweep: a group is gone, acknowledged; then somebody looks, and her member is read
// before the sweep and the head after it. She must not look as if nothing had happened.
func TestTornBySweep(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	look := func(table store.Table, id string) (u directory.User, err error) {
		rs := store.NewReadSet(table)
		err = rs.Settle(ctx, func() (err error) { u, err = directory.LiveUser(rs, id); return err })
		return u, err
	}
	t.Run("a group", func(t *testing.T) {
		ada := b.user("ada-torn")
		g := b.group("gone", ada)
		require.NoError(t, b.DeleteGroup(ctx, b.rs(), g.ID))
		seen, err := look(&headLast{Table: b.table, meanwhile: b.sweep}, ada.ID)
		require.NoError(t, err)
		require.Greater(t, seen.Epoch, ada.Epoch, "she is seen as she was before her tokens ended")
	})
	t.Run("a domain", func(t *testing.T) {
		dom, err := b.CreateDomain(ctx, b.rs(), directory.Domain{Name: "gone", Enabled: true})
		require.NoError(t, err)
		bob, err := b.CreateUser(ctx, b.rs(), directory.User{Name: "bob", DomainID: dom.ID, Enabled: true}, nil)
		require.NoError(t, err)
		_, err = b.UpdateDomain(ctx, b.rs(), dom.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
		require.NoError(t, err)
		require.NoError(t, b.DeleteDomain(ctx, b.rs(), dom.ID))
		_, err = look(&headLast{Table: b.table, meanwhile: b.sweep}, bob.ID)
		var dead *directory.Dead
		require.ErrorAs(t, err, &dead)
	})
	t.Run("once a process", func(t *testing.T) {
		eve := b.user("eve-torn")
		h := &headLast{Table: b.table}
		table := store.Marked(h)
		for range 3 {
			_, err := look(table, eve.ID)
			require.NoError(t, err)
		}
		require.Equal(t, 4, h.trips, "only the first who meets the count reads again")
	})
}

// TestOneVersionOfRoles: another request reads newer roles while this one is deciding.
func TestOneVersionOfRoles(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	made, err := b.CreateRole(ctx, b.rs(), directory.Role{Name: "short-lived"})
	require.NoError(t, err)
	rs := b.rs()
	roles := func(rs *store.ReadSet) (r *directory.Roles) {
		require.NoError(t, rs.Settle(ctx, func() (err error) { r, err = b.registry.Roles(rs); return err }))
		return r
	}
	before := roles(rs)
	require.NoError(t, b.DeleteRole(ctx, b.rs(), made.ID))
	_, there := roles(b.rs()).Get(made.ID)
	require.False(t, there)
	require.Same(t, before, roles(rs))
}
