package cascade

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// TestExpiry: what has expired is dead on read at once, the next sweep of the table
// takes it away when its ttl has passed, and from that nothing follows.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	until := w.now().Add(time.Hour).Truncate(time.Second)
	made, err := w.Trusts.Create(w.ctx, w.reads(), policy.Caller{UserID: w.ada, Methods: []string{"password"}}, trust.Grant{
		TrustorID: w.ada, TrusteeID: w.bob, ProjectID: w.web, Impersonation: true, RoleIDs: store.NewSet(w.member), ExpiresAt: until,
	})
	require.NoError(t, err)
	row, text := w.use(made)
	w.accessTokens(1)
	require.NoError(t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.Consumer("c"), store.Item{store.AttrType: "consumer", "id": "c"}),
		store.Update(store.AccessToken("00000000000000000000000000000000")).Set(store.AttrTTL, until.Unix())))
	w.follow()
	require.True(t, w.live(text))

	w.offset.Add(int64(time.Until(until)) + int64(time.Second))
	assert.False(t, w.live(text), "dead by the clock, though nothing was removed")
	removed, err := w.engine.SweepNow(w.ctx)
	require.NoError(t, err)
	assert.Positive(t, removed)
	items, err := w.engine.Read(w.ctx, store.AccessToken("00000000000000000000000000000000"))
	require.NoError(t, err)
	assert.Empty(t, items)

	w.offset.Add(int64(100 * 24 * time.Hour)) // past every retention
	_, err = w.engine.SweepNow(w.ctx)
	require.NoError(t, err)
	items, err = w.engine.Read(w.ctx, store.Trust(made.ID), store.Token(row.Audit.Hex()))
	require.NoError(t, err)
	assert.Empty(t, items)
	require.Zero(t, w.count(store.Prefixed(store.TrustOfTrustor(w.ada, ""))), "with what lists it")

	expired := 0
	for {
		e, last := w.batch(100)
		if len(e.Records) == 0 {
			break
		}
		for _, r := range e.Records {
			require.NotNil(t, r.UserIdentity, "only the engine wrote")
			expired++
		}
		require.Empty(t, w.deliver(e))
		w.after = last
	}
	assert.Greater(t, expired, 4)
	e, _ := w.batch(1)
	assert.Empty(t, e.Records, "and nothing was written in answer")
}
