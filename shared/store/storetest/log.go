package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// Logged is an open engine that keeps a change log.
type Logged struct {
	Table store.Table
	Log   store.Log
	// Reopen closes the engine and opens what it kept.
	Reopen func() Logged
	// Sweep removes items whose ttl has passed, as the engine does from time to time.
	Sweep func(context.Context) error
}

// RunLog holds an engine to the contract of [store.Log]. open is called for each test.
func RunLog(t *testing.T, open func(t *testing.T) Logged) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Logged)
	}{
		{"images", testImages},
		{"order and batches", testLogOrder},
		{"a refused or repeated write leaves no change", testLogSilence},
		{"positions are kept", testPositions},
		{"what all readers have seen may be forgotten, nothing else", testAcknowledged},
		{"waiting", testWait},
		{"expired", testExpired},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// changes reads the log from a position to its end, a few at a time.
func changes(t *testing.T, log store.Log, after string) []store.Change {
	t.Helper()
	var got []store.Change
	for {
		batch, err := log.Changes(t.Context(), after, 7)
		require.NoError(t, err)
		require.LessOrEqual(t, len(batch), 7)
		if len(batch) == 0 {
			return got
		}
		got = append(got, batch...)
		after = batch[len(batch)-1].Position
	}
}

func testImages(t *testing.T, e Logged) {
	k := key()
	began := time.Now().Add(-2 * time.Second)
	first := write(t, e.Table, store.Create(k, sample()))
	second := write(t, e.Table, store.Update(k).Add("number", 1).Remove("text"))
	write(t, e.Table, store.Check(k))
	write(t, e.Table, store.Delete(k))
	got := changes(t, e.Log, "")
	require.Len(t, got, 3)

	created, updated := stamped(sample(), first), stamped(sample(), second)
	updated["number"] = int64(6)
	delete(updated, "text")
	for i, want := range []struct{ old, new store.Item }{{nil, created}, {created, updated}, {updated, nil}} {
		assert.Equal(t, k, got[i].Key)
		assert.Equal(t, want.old, got[i].Old)
		assert.Equal(t, want.new, got[i].New)
		assert.False(t, got[i].Expired)
		assert.WithinRange(t, got[i].At, began, time.Now().Add(2*time.Second))
	}
}

func testLogOrder(t *testing.T, e Logged) {
	pk := partition()
	together(8, func(n int) {
		k := in(pk, fmt.Sprint(n))
		assert.NoError(t, settle(e.Table, store.NewRequestID(), store.Create(k, store.Item{"n": int64(0)})))
		for range 10 {
			assert.NoError(t, settle(e.Table, store.NewRequestID(), store.Update(k).Add("n", 1), store.Upsert(in(pk, "all")).Add("n", 1)))
		}
	})
	got := changes(t, e.Log, "")
	last, seen := "", map[store.Key]int64{}
	for _, c := range got {
		assert.Greater(t, c.Position, last)
		last = c.Position
		before, ok := seen[c.Key]
		require.Equal(t, ok, c.Old != nil, "%s", c.Key)
		require.Equal(t, before, c.Old.Int("n"), "each change of an item starts where the one before ended")
		seen[c.Key] = c.New.Int("n")
	}
	require.Len(t, got, 8+8*10*2)
	require.Equal(t, int64(80), seen[in(pk, "all")])
	require.Equal(t, got[100:], changes(t, e.Log, got[99].Position), "the log can be read again from anywhere")
}

func testLogSilence(t *testing.T, e Logged) {
	k, id := key(), store.NewRequestID()
	require.NoError(t, settle(e.Table, id, store.Create(k, nil)))
	require.NoError(t, settle(e.Table, id, store.Create(k, nil)))
	requireRefused(t, settle(e.Table, store.NewRequestID(), store.Create(in(k.PK, "other"), nil), store.Create(k, nil)), 1, k, stamped(nil, id))
	require.Len(t, changes(t, e.Log, ""), 1)
}

func testPositions(t *testing.T, e Logged) {
	for _, reader := range []string{"cascade", "publish"} {
		position, err := e.Log.Position(t.Context(), reader)
		require.NoError(t, err)
		require.Empty(t, position)
	}
	pk := partition()
	for n := range 5 {
		write(t, e.Table, store.Create(in(pk, fmt.Sprint(n)), nil))
	}
	got := changes(t, e.Log, "")
	require.NoError(t, e.Log.Acknowledge(t.Context(), "cascade", got[2].Position))
	require.NoError(t, e.Log.Acknowledge(t.Context(), "publish", got[0].Position))

	e = e.Reopen()
	position, err := e.Log.Position(t.Context(), "cascade")
	require.NoError(t, err)
	require.Equal(t, got[2].Position, position)
	require.Equal(t, got[3:], changes(t, e.Log, position))
	position, err = e.Log.Position(t.Context(), "publish")
	require.NoError(t, err)
	require.Equal(t, got[1:], changes(t, e.Log, position))

	write(t, e.Table, store.Create(in(pk, "after"), nil))
	more := changes(t, e.Log, got[4].Position)
	require.Len(t, more, 1)
	require.Greater(t, more[0].Position, got[4].Position)

	_, err = e.Log.Changes(t.Context(), "not a position", 1)
	require.ErrorIs(t, err, store.ErrInvalid)
	require.ErrorIs(t, e.Log.Acknowledge(t.Context(), "cascade", "not a position"), store.ErrInvalid)
}

func testAcknowledged(t *testing.T, e Logged) {
	pk := partition()
	for n := range 6 {
		write(t, e.Table, store.Create(in(pk, fmt.Sprint(n)), nil))
	}
	got := changes(t, e.Log, "")
	require.NoError(t, e.Log.Acknowledge(t.Context(), "fast", got[5].Position))
	require.NoError(t, e.Log.Acknowledge(t.Context(), "slow", got[1].Position))
	require.NoError(t, e.Sweep(t.Context()))
	require.Equal(t, got[2:], changes(t, e.Log, got[1].Position))
	require.NoError(t, e.Log.Acknowledge(t.Context(), "slow", got[5].Position))
	require.NoError(t, e.Sweep(t.Context()))
	require.Empty(t, changes(t, e.Log, got[5].Position))

	e = e.Reopen()
	write(t, e.Table, store.Create(in(pk, "next"), nil))
	next := changes(t, e.Log, got[5].Position)
	require.Len(t, next, 1, "positions go on where they were")
}

func testWait(t *testing.T, e Logged) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	k := key()
	woken := make(chan error, 1)
	go func() { woken <- e.Log.Wait(ctx, "") }()
	write(t, e.Table, store.Create(k, nil))
	require.NoError(t, <-woken)
	require.NoError(t, e.Log.Wait(ctx, ""), "what is already there is not waited for")

	end := changes(t, e.Log, "")[0].Position
	go func() { woken <- e.Log.Wait(ctx, end) }()
	write(t, e.Table, store.Update(k).Set("a", "b"))
	require.NoError(t, <-woken)

	end = changes(t, e.Log, end)[0].Position
	ended, stop := context.WithCancel(ctx)
	go func() { woken <- e.Log.Wait(ended, end) }()
	stop()
	require.ErrorIs(t, <-woken, context.Canceled)
}

func testExpired(t *testing.T, e Logged) {
	pk, now := partition(), time.Now().Unix()
	row := func(ttl int64) store.Item {
		return store.Item{store.AttrTTL: ttl, store.AttrIndex1: pk, store.AttrAudit: "a"}
	}
	write(t, e.Table, store.Create(in(pk, "past"), row(now-10)), store.Create(in(pk, "kept"), row(now-10)), store.Create(in(pk, "future"), row(now+3600)), store.Create(in(pk, "none"), nil))
	write(t, e.Table, store.Update(in(pk, "kept")).Set(store.AttrTTL, now+3600))
	past := stored(t, e.Table, in(pk, "past"))
	before := changes(t, e.Log, "")
	require.NoError(t, e.Sweep(t.Context()))
	got := changes(t, e.Log, before[len(before)-1].Position)
	require.Len(t, got, 1)
	assert.True(t, got[0].Expired)
	assert.Equal(t, in(pk, "past"), got[0].Key)
	assert.Equal(t, past, got[0].Old)
	assert.Nil(t, got[0].New)
	require.Equal(t, []string{"future", "kept", "none"}, all(t, e.Table, store.Range{PK: pk}))
	require.Eventually(t, func() bool {
		return len(all(t, e.Table, store.Range{PK: pk, Index: store.Index1})) == 2
	}, patience, 5*time.Millisecond)
	write(t, e.Table, store.Create(in(pk, "past"), nil))
}
