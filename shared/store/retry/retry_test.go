package retry_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/store/retry"
	"mandate/shared/store/storetest"
)

// A table that fails every third call still is a table, to whoever asks through retries.
func TestTable(t *testing.T) {
	var injected [3]atomic.Int64
	kinds := []faults.Fault{faults.Throttle, faults.Lost, faults.Contend}
	t.Cleanup(func() {
		for n := range kinds {
			require.Positive(t, injected[n].Load())
		}
	})
	storetest.Run(t, func(t *testing.T) store.Table {
		table, err := embedded.Open(embedded.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, table.Close()) })
		failing := faults.New(table, faults.Options{Seed: 1, Throttle: 0.1, Lost: 0.1, Contend: 0.1})
		t.Cleanup(func() {
			for n, kind := range kinds {
				injected[n].Add(int64(failing.Injected(kind)))
			}
		})
		return retry.New(failing, retry.Options{Bound: time.Minute, First: time.Microsecond, Most: time.Millisecond})
	})
}

// inBubble runs a test in a bubble with a clock of its own, over a table whose first n
// calls fail; n < 0 is all of them.
func inBubble(t *testing.T, fault faults.Fault, n int, test func(t *testing.T, failing *faults.Table)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		table, err := embedded.Open(embedded.Options{})
		require.NoError(t, err)
		test(t, faults.New(table, faults.Options{Choose: func(call int, _ faults.Operation) faults.Fault {
			if n < 0 || call <= n {
				return fault
			}
			return faults.None
		}}))
		require.NoError(t, table.Close())
	})
}

func TestPassesOver(t *testing.T) {
	k := store.User("1")
	for name, fault := range map[string]faults.Fault{"throttled": faults.Throttle, "answer lost": faults.Lost, "contended": faults.Contend} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, fault, 4, func(t *testing.T, failing *faults.Table) {
				table := retry.New(failing, retry.Options{})
				began := time.Now()
				require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Upsert(k).Add("n", 1)))
				require.LessOrEqual(t, time.Since(began), (10+20+40+80)*time.Millisecond)
				items, err := table.Read(t.Context(), k)
				require.NoError(t, err)
				require.Equal(t, int64(1), items[k].Int("n"), "done once, however often tried")
			})
		})
	}
}

func TestGivesUp(t *testing.T) {
	k := store.User("1")
	within := func(t *testing.T, least, most time.Duration, call func() error) error {
		t.Helper()
		began := time.Now()
		err := call()
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.GreaterOrEqual(t, time.Since(began), least)
		require.LessOrEqual(t, time.Since(began), most)
		return err
	}
	t.Run("at the bound", func(t *testing.T) {
		inBubble(t, faults.Throttle, -1, func(t *testing.T, failing *faults.Table) {
			table := retry.New(failing, retry.Options{})
			for _, call := range []func() error{
				func() error { _, err := table.Read(t.Context(), k); return err },
				func() error { _, err := table.Query(t.Context(), store.Range{PK: "P"}); return err },
				func() error { return table.Write(t.Context(), store.NewRequestID(), store.Delete(k)) },
			} {
				require.ErrorContains(t, within(t, 3*time.Second, 3*time.Second, call), "throttled")
			}
		})
	})
	t.Run("of conflicts, as unavailable", func(t *testing.T) {
		inBubble(t, faults.Contend, -1, func(t *testing.T, failing *faults.Table) {
			table := retry.New(failing, retry.Options{Bound: time.Second})
			err := within(t, time.Second, time.Second, func() error {
				return table.Write(t.Context(), store.NewRequestID(), store.Delete(k))
			})
			require.ErrorIs(t, err, store.ErrContended, "the cause is kept")
		})
	})
	t.Run("later for the patient", func(t *testing.T) {
		inBubble(t, faults.Contend, -1, func(t *testing.T, failing *faults.Table) {
			table := retry.New(failing, retry.Options{})
			within(t, 20*time.Second, 20*time.Second, func() error { //nolint:errcheck // checked within
				return table.Write(retry.Patient(t.Context(), 20*time.Second), store.NewRequestID(), store.Delete(k))
			})
			require.Less(t, failing.Injected(faults.Contend), 250, "pauses grow")
			require.Greater(t, failing.Injected(faults.Contend), 40, "but not beyond half a second")
		})
	})
	t.Run("when the context ends", func(t *testing.T) {
		inBubble(t, faults.Throttle, -1, func(t *testing.T, failing *faults.Table) {
			table := retry.New(failing, retry.Options{})
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			within(t, 700*time.Millisecond, 700*time.Millisecond, func() error { //nolint:errcheck // checked within
				_, err := table.Read(ctx, k)
				return err
			})
		})
	})
}

func TestDoesNotRepeat(t *testing.T) {
	inBubble(t, faults.None, 0, func(t *testing.T, counted *faults.Table) {
		table, k := retry.New(counted, retry.Options{}), store.User("1")
		_, refused := store.AsRefused(table.Write(t.Context(), store.NewRequestID(), store.Delete(k)))
		require.True(t, refused)
		require.ErrorIs(t, table.Write(t.Context(), "", store.Delete(k)), store.ErrInvalid)
		require.Equal(t, 2, counted.Injected(faults.None))
	})
}
