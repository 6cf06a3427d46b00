package tear_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/storetest"
	"mandate/shared/store/tear"
)

func open(t *testing.T) *embedded.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Table {
		return tear.New(open(t), tear.Options{Seed: 1, Pause: time.Microsecond})
	})
}

// TestParts: a read in two parts is two reads, of all its items together.
func TestParts(t *testing.T) {
	table := &reads{Table: open(t)}
	keys := make([]store.Key, 0, 9)
	for _, id := range "abcdefghi" {
		keys = append(keys, store.User(string(id)))
	}
	sizes := map[int]bool{}
	torn := tear.New(table, tear.Options{Seed: 1, Pause: time.Microsecond, Parts: 2})
	for range 50 {
		table.asked = nil
		_, err := torn.Read(t.Context(), keys...)
		require.NoError(t, err)
		require.Len(t, table.asked, 2)
		require.ElementsMatch(t, keys, slices.Concat(table.asked...))
		sizes[len(table.asked[0])] = true
	}
	require.Len(t, sizes, 8, "any number of items may be the first part")
}

// reads remembers what it was asked for.
type reads struct {
	store.Table
	asked [][]store.Key
}

func (r *reads) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	r.asked = append(r.asked, keys)
	return r.Table.Read(ctx, keys...)
}

// Two items are always written together. A torn read must come to see them apart, which
// the engine alone never shows, and in both orders.
func TestTearsReads(t *testing.T) {
	table := open(t)
	a, b := store.User("a"), store.User("b")
	write := func() error {
		return table.Write(context.Background(), store.NewRequestID(), store.Upsert(a).Add("n", 1), store.Upsert(b).Add("n", 1))
	}
	require.NoError(t, write())
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := write(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	torn := tear.New(table, tear.Options{Seed: 1})
	aFirst, bFirst := false, false
	for began := time.Now(); !aFirst || !bFirst; {
		require.Less(t, time.Since(began), 20*time.Second, "never torn")
		items, err := torn.Read(t.Context(), a, b)
		require.NoError(t, err)
		aFirst = aFirst || items[a].Int("n") < items[b].Int("n")
		bFirst = bFirst || items[a].Int("n") > items[b].Int("n")
		items, err = table.Read(t.Context(), a, b)
		require.NoError(t, err)
		require.Equal(t, items[a].Int("n"), items[b].Int("n"), "the engine's own reads are snapshots")
	}
	close(stop)
	writer.Wait()
}
