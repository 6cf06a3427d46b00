package trust

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
)

// writes counts the writes of one change of a pre-authentication by a process of its own.
func (w *world) writes(t *testing.T, p Preauth, edit func(Preauth) (Change, error)) (made Preauth, writes int) {
	t.Helper()
	process, rs := w.process(func(_ int, op faults.Operation) faults.Fault {
		if op == faults.Write {
			writes++
		}
		return faults.None
	})
	made, err := process.UpdatePreauth(w.ctx, rs, plainCaller(w.ada), p.ID, edit)
	require.NoError(t, err)
	return made, writes
}

// TestUpdatePreauth_claim gives a pre-authentication a trust that another one forbids, or
// did: what claims it is taken over from the trust that is replaced and from one that is
// used up, and from no other.
func TestUpdatePreauth_claim(t *testing.T) {
	w := newWorld(t)
	until := func(at time.Time) func(Preauth) (Change, error) {
		return changing(func(g *Grant) { g.ExpiresAt = at })
	}
	owner := func(p Preauth) string {
		k, ok := p.Trust.claim()
		require.True(t, ok)
		return w.entry(t, k).Item.Str(attrOwner)
	}
	t.Run("TR-025 its own, in one write", func(t *testing.T) {
		p, writes := w.writes(t, w.arrange(t, ends(noon)), changing(func(g *Grant) { g.RoleIDs = store.NewSet(w.reader) }))
		assert.Equal(t, 1, writes)
		assert.Equal(t, p.Trust.ID, owner(p))
		require.NoError(t, w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID))
	})
	t.Run("TR-027 one of a trust that is used up", func(t *testing.T) {
		spent := w.create(t, w.grant(ends(noon), uses(1)))
		take, _ := Spend(spent, morning)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), take))
		p, writes := w.writes(t, w.arrange(t), until(noon))
		assert.Equal(t, 2, writes, "the second knows whose it is")
		assert.Equal(t, p.Trust.ID, owner(p))
		require.NoError(t, w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID))
	})
	t.Run("TR-025 not one of a live trust", func(t *testing.T) {
		w.create(t, w.grant(ends(noon)))
		p := w.arrange(t)
		_, err := w.change(p, until(noon))
		requireKind(t, problem.KindConflict, err)
		now, err := w.look(p.ID)
		require.NoError(t, err)
		assert.Equal(t, p.Trust.ID, now.Trust.ID)
	})
}

// TestUpdatePreauth_strays takes away what lists the trust behind: that keeps no change away.
func TestUpdatePreauth_strays(t *testing.T) {
	w := newWorld(t)
	p := w.arrange(t)
	mirrors := p.Trust.mirrors()
	require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Delete(mirrors[0]), store.Delete(mirrors[3])))
	p, err := w.change(p, changing(to(w.eve)))
	require.NoError(t, err)
	assert.Equal(t, w.eve, p.Trust.TrusteeID)
	w.exactlyOne(t, p.ID, false)
}

// TestUpdatePreauth_used: when it was last used is told of the arrangement, whichever trust
// is behind it.
func TestUpdatePreauth_used(t *testing.T) {
	w := newWorld(t)
	p := w.arrange(t)
	note, due := Spend(p.Trust, noon)
	require.True(t, due)
	require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), note))
	_, err := w.change(p, changing(to(w.eve)))
	require.NoError(t, err)
	now, err := w.look(p.ID)
	require.NoError(t, err)
	assert.Equal(t, noon, now.Trust.UsedAt)
}
