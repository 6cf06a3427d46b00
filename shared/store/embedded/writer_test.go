package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// A clock that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func openTest(t *testing.T, o Options) *Table {
	t.Helper()
	table, err := Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

// hold keeps the writer busy until release is called, and returns once it is.
func hold(t *testing.T, table *Table) (release func()) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- table.submit(context.Background(), func(*group) error { close(busy); <-free; return nil })
	}()
	<-busy
	return func() { close(free); require.NoError(t, <-done) }
}

func TestWriteWaitsNoLongerThanItsContext(t *testing.T) {
	table := openTest(t, Options{})
	k := store.User("1")
	release := hold(t, table)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(table.jobs) == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	err := table.Write(ctx, store.NewRequestID(), store.Create(k, nil))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
	release()
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(k, nil)), "what nobody waits for any more is not begun")
}

// group submits jobs that the writer must take together.
func submitTogether(t *testing.T, table *Table, jobs ...func(*group) error) []error {
	t.Helper()
	release := hold(t, table)
	results := make([]chan error, len(jobs))
	for i, apply := range jobs {
		results[i] = make(chan error, 1)
		table.jobs <- &job{ctx: t.Context(), apply: apply, done: results[i]}
	}
	release()
	errs := make([]error, len(jobs))
	for i := range results {
		errs[i] = <-results[i]
	}
	return errs
}

func writeJob(id store.RequestID, m ...store.Mutation) func(*group) error {
	return func(g *group) error {
		sum, err := digest(m)
		if err != nil {
			return err
		}
		return g.write(id, sum, m)
	}
}

func TestNeighboursInAGroup(t *testing.T) {
	table := openTest(t, Options{})
	a, b, c := store.User("a"), store.User("b"), store.User("c")
	errs := submitTogether(t, table,
		writeJob("1", store.Create(a, store.Item{"n": int64(1)})),
		writeJob("2", store.Create(b, nil), store.Create(a, nil)), // refused by the one before
		writeJob("3", store.Update(a).Add("n", 1).Where(store.AtLeast("n", 1))),
		writeJob("4", store.Create(c, nil), store.Update(a).Insert("n", "x")),   // invalid
		writeJob("3", store.Update(a).Add("n", 1).Where(store.AtLeast("n", 1))), // again
	)
	require.NoError(t, errs[0])
	r, ok := store.AsRefused(errs[1])
	require.True(t, ok)
	require.Equal(t, store.Item{"n": int64(1), store.AttrRequest: "1"}, r.Item)
	require.NoError(t, errs[2])
	require.ErrorIs(t, errs[3], store.ErrInvalid)
	require.NoError(t, errs[4])
	got, err := table.Read(t.Context(), a, b, c)
	require.NoError(t, err)
	require.Equal(t, store.Items{a: {"n": int64(2), store.AttrRequest: "3"}}, got)
}

func TestAFailedGroupWritesNothing(t *testing.T) {
	for name, failure := range map[string]func(*group) error{
		"error": func(*group) error { return errors.New("disk is gone") },
		"panic": func(*group) error { panic("page is gone") },
	} {
		t.Run(name, func(t *testing.T) {
			table := openTest(t, Options{})
			k := store.User("1")
			errs := submitTogether(t, table, writeJob("1", store.Create(k, nil)), writeJob("2", store.Create(k, nil)), failure)
			for _, err := range errs {
				require.ErrorIs(t, err, store.ErrUnavailable)
				require.ErrorContains(t, err, "is gone")
			}
			require.ErrorIs(t, table.Write(t.Context(), "3", store.Create(k, nil)), store.ErrUnavailable, "a table that failed to commit takes no more writes")
			got, err := table.Read(t.Context(), k)
			require.NoError(t, err)
			require.Empty(t, got)
		})
	}
}

func TestCloseWhileWritesWait(t *testing.T) {
	table, err := Open(Options{})
	require.NoError(t, err)
	release := hold(t, table)
	waiting := make(chan error, 1)
	go func() {
		waiting <- table.Write(context.Background(), "1", store.Create(store.User("1"), nil))
	}()
	closed := make(chan error, 1)
	go func() { closed <- table.Close() }()
	<-table.quit
	release()
	if err := <-waiting; err != nil { // it may have been in the last group
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	require.NoError(t, <-closed)
}

func TestRequestIDsAreKept(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 12, 9, 59, 0, time.UTC)}
	table := openTest(t, Options{Now: c.Now})
	k := store.User("1")
	add := func() int64 {
		require.NoError(t, table.Write(t.Context(), "repeated", store.Upsert(k).Add("n", 1)))
		items, err := table.Read(t.Context(), k)
		require.NoError(t, err)
		return items[k].Int("n")
	}
	require.Equal(t, int64(1), add())
	c.now = c.now.Add(10 * time.Minute)
	require.Equal(t, int64(1), add(), "known for ten minutes at least")
	c.now = c.now.Add(11 * time.Minute)
	require.Equal(t, int64(2), add(), "forgotten some time after")
	periods := 0
	require.NoError(t, table.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRequests).ForEachBucket(func([]byte) error { periods++; return nil })
	}))
	require.Equal(t, 1, periods, "what is over is dropped")
}

// A write repeated after its id was forgotten is still known by the stamp on what it made.
func TestOwnFirstSuccess(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	table := openTest(t, Options{Now: c.Now})
	m := []store.Mutation{store.Create(store.User("1"), nil), store.Upsert(store.User("2")).Add("n", 1)}
	require.NoError(t, table.Write(t.Context(), "mine", m...))
	c.now = c.now.Add(time.Hour)
	require.NoError(t, table.Write(t.Context(), "mine", m...))
	items, err := table.Read(t.Context(), store.User("2"))
	require.NoError(t, err)
	require.Equal(t, int64(1), items[store.User("2")].Int("n"))
	_, refused := store.AsRefused(table.Write(t.Context(), "other", m...))
	require.True(t, refused)
}

func TestIndexDelay(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	table := openTest(t, Options{Now: c.Now, IndexDelay: time.Second})
	row := func(sk string) store.Key { return store.Key{PK: "ROW", SK: sk} }
	shows := func(want ...string) {
		t.Helper()
		page, err := table.Query(t.Context(), store.Range{PK: "U", Index: store.Index1})
		require.NoError(t, err)
		got := []string{}
		for _, e := range page.Entries {
			got = append(got, e.Key.SK+fmt.Sprint(e.Item.Int("n")))
		}
		require.Equal(t, append([]string{}, want...), got)
	}
	at := func(ms int, m ...store.Mutation) {
		c.now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
		if len(m) > 0 {
			require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m...))
		}
	}
	at(0, store.Create(row("a"), store.Item{store.AttrIndex1: "U", store.AttrAudit: "1"}), store.Create(row("b"), store.Item{store.AttrIndex1: "U", store.AttrAudit: "2"}))
	shows()
	at(500, store.Update(row("a")).Add("n", 7))
	at(600, store.Delete(row("b")))
	at(999)
	shows()
	at(1000)
	shows("a0", "b0")
	at(1500)
	shows("a7", "b0")
	require.NoError(t, table.Acknowledge(t.Context(), "reader", positionText(table.last.Load())))
	_, err := table.SweepNow(t.Context()) // which must leave the log that the delay needs
	require.NoError(t, err)
	shows("a7", "b0")
	at(1600)
	shows("a7")
}

func TestLogIsTrimmed(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	table := openTest(t, Options{Now: c.Now})
	length := func() (n int) {
		t.Helper()
		_, err := table.SweepNow(t.Context())
		require.NoError(t, err)
		require.NoError(t, table.db.View(func(tx *bbolt.Tx) error { n = tx.Bucket(bucketLog).Stats().KeyN; return nil }))
		return n
	}
	for n := range 500 {
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(store.User(fmt.Sprint(n)), nil)))
	}
	c.now = c.now.Add(23 * time.Hour)
	require.Equal(t, 500, length(), "nobody reads it, so it is kept for a day")
	require.NoError(t, table.Acknowledge(t.Context(), "slow", ""))
	require.NoError(t, table.Acknowledge(t.Context(), "fast", positionText(500)))
	require.Equal(t, 500, length(), "a reader that has seen nothing keeps it")
	require.NoError(t, table.Acknowledge(t.Context(), "slow", positionText(450)))
	require.Equal(t, 50, length())
	c.now = c.now.Add(2 * time.Hour)
	require.Equal(t, 0, length(), "after a day it goes, read or not")
	position, err := table.Position(t.Context(), "slow")
	require.NoError(t, err)
	require.Equal(t, positionText(450), position)
}

func TestSweepInBatches(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	table := openTest(t, Options{Now: c.Now})
	for start := range 5 {
		m := make([]store.Mutation, 100)
		for i := range m {
			m[i] = store.Create(store.User(fmt.Sprint(start*100+i)), store.Item{store.AttrTTL: c.now.Unix() + int64(start)})
		}
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m...))
	}
	removed, err := table.SweepNow(t.Context())
	require.NoError(t, err)
	require.Equal(t, 100, removed, "those whose second has come")
	c.now = c.now.Add(time.Minute)
	removed, err = table.SweepNow(t.Context())
	require.NoError(t, err)
	require.Equal(t, 400, removed)
}

// More versions than the cache has room for take each other's places.
func TestCacheIsNeverWrong(t *testing.T) {
	table := openTest(t, Options{})
	count := cacheSlots + 100
	number := func(n int) store.Key { return store.User(fmt.Sprint(n)) }
	for start := 0; start < count; start += store.MaxMutations {
		var m []store.Mutation
		for n := start; n < min(start+store.MaxMutations, count); n++ {
			m = append(m, store.Create(number(n), store.Item{"n": int64(n)}))
		}
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m...))
	}
	for _, n := range []int{0, cacheSlots, 0, 1, cacheSlots + 1, 1, cacheSlots + 1} {
		items, err := table.Read(t.Context(), number(n))
		require.NoError(t, err)
		require.Equal(t, int64(n), items[number(n)].Int("n"))
	}
}

// DynamoDB adds up the items of a transaction, not what it changes in them.
func TestSizeOfAWriteAfterUpdates(t *testing.T) {
	table := openTest(t, Options{})
	var updates []store.Mutation
	for n := range 11 {
		k := store.User(fmt.Sprint(n))
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(k, store.Item{"v": make([]byte, 390_000)})))
		updates = append(updates, store.Update(k).Set("a", "b"))
	}
	require.ErrorIs(t, table.Write(t.Context(), store.NewRequestID(), updates...), store.ErrInvalid)
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), updates[:10]...))
}
