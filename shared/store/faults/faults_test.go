package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/store/storetest"
)

func open(t *testing.T) *embedded.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func TestWithoutFaults(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Table { return faults.New(open(t), faults.Options{}) })
}

// TestLate: every write comes twice, which must not show.
func TestLate(t *testing.T) {
	k, below := store.User("1"), &counting{Table: open(t)}
	table := faults.New(below, faults.Options{Late: 1, LateBy: time.Millisecond})
	require.NoError(t, table.Write(t.Context(), "1", store.Upsert(k).Add("n", 1)))
	table.Wait()
	require.Equal(t, []store.RequestID{"1", "1"}, below.ids)
	items, err := table.Read(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, int64(1), items[k].Int("n"))
}

// counting remembers the ids of writes.
type counting struct {
	store.Table
	ids []store.RequestID
}

func (c *counting) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	c.ids = append(c.ids, id)
	return c.Table.Write(ctx, id, m...)
}

func TestFaults(t *testing.T) {
	below := open(t)
	k := store.User("1")
	next := faults.None
	table := faults.New(below, faults.Options{Choose: func(int, faults.Operation) faults.Fault { return next }})
	there := func() bool {
		items, err := below.Read(t.Context(), k)
		require.NoError(t, err)
		return items[k] != nil
	}

	next = faults.Throttle
	require.ErrorIs(t, table.Write(t.Context(), "1", store.Create(k, nil)), store.ErrUnavailable)
	require.False(t, there())
	next = faults.Contend
	err := table.Write(t.Context(), "1", store.Create(k, nil))
	require.ErrorIs(t, err, store.ErrContended)
	require.NotErrorIs(t, err, store.ErrUnavailable)
	require.False(t, there())
	next = faults.Deny
	err = table.Write(t.Context(), "1", store.Create(k, nil))
	require.EqualError(t, err, "Write is not allowed: injected")
	require.NotErrorIs(t, err, store.ErrUnavailable)
	require.False(t, there())
	next = faults.Lost
	require.ErrorIs(t, table.Write(t.Context(), "1", store.Create(k, nil)), store.ErrUnavailable)
	require.True(t, there())
	require.ErrorIs(t, table.Write(t.Context(), "2", store.Create(k, nil)), store.ErrUnavailable, "a lost refusal")
	require.ErrorIs(t, table.Write(t.Context(), ""), store.ErrInvalid)
	_, err = table.Read(t.Context(), k)
	require.ErrorIs(t, err, store.ErrUnavailable)
	_, err = table.Query(t.Context(), store.Range{PK: k.PK})
	require.ErrorIs(t, err, store.ErrUnavailable)
	next = faults.None
	require.NoError(t, table.Write(t.Context(), "1", store.Create(k, nil)))
	require.Equal(t, 5, table.Injected(faults.Lost))
}

func TestRates(t *testing.T) {
	below := open(t)
	draw := func(seed uint64) (pattern []bool, table *faults.Table) {
		table = faults.New(below, faults.Options{Seed: seed, Throttle: 0.2, Lost: 0.1, Contend: 0.5})
		for range 1000 {
			_, err := table.Read(t.Context(), store.User("1"))
			require.NotErrorIs(t, err, store.ErrContended, "reads are not contended")
			pattern = append(pattern, err != nil)
		}
		return pattern, table
	}
	first, table := draw(1)
	require.InDelta(t, 200, table.Injected(faults.Throttle), 60)
	require.InDelta(t, 100, table.Injected(faults.Lost), 45)
	again, _ := draw(1)
	other, _ := draw(2)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
}
