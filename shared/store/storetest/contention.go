package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

func testContention(t *testing.T, table store.Table) {
	t.Run("64 take from 40", func(t *testing.T) {
		k := key()
		write(t, table, store.Create(k, store.Item{"left": int64(40)}))
		var taken, refused atomic.Int64
		together(64, func(int) {
			err := settle(table, store.NewRequestID(), store.Update(k).Add("left", -1).Where(store.AtLeast("left", 1)))
			if _, ok := store.AsRefused(err); ok {
				refused.Add(1)
			} else if assert.NoError(t, err) {
				taken.Add(1)
			}
		})
		require.Equal(t, int64(40), taken.Load())
		require.Equal(t, int64(24), refused.Load())
		require.Equal(t, int64(0), stored(t, table, k).Int("left"))
	})
	t.Run("64 take from 10 and leave a receipt", func(t *testing.T) {
		pk := partition()
		uses := in(pk, "uses")
		write(t, table, store.Create(uses, store.Item{"left": int64(10)}))
		var taken atomic.Int64
		together(64, func(n int) {
			err := settle(table, store.NewRequestID(),
				store.Update(uses).Add("left", -1).Where(store.AtLeast("left", 1)),
				store.Create(in(pk, fmt.Sprintf("receipt-%02d", n)), nil))
			if r, ok := store.AsRefused(err); ok {
				assert.Equal(t, 0, r.Index)
			} else if assert.NoError(t, err) {
				taken.Add(1)
			}
		})
		require.Equal(t, int64(10), taken.Load())
		require.Len(t, all(t, table, store.Range{PK: pk, Prefix: "receipt-"}), 10)
	})
	t.Run("transfers keep the sum", func(t *testing.T) {
		const accounts, start = 6, int64(100)
		pk := partition()
		account := func(n int) store.Key { return in(pk, fmt.Sprintf("account-%d", n)) }
		var keys []store.Key
		for n := range accounts {
			write(t, table, store.Create(account(n), store.Item{"balance": start}))
			keys = append(keys, account(n))
		}
		moved := [accounts]atomic.Int64{}
		together(16, func(seed int) {
			r := rand.New(rand.NewPCG(uint64(seed), 7)) //nolint:gosec // G404, G115: a test's choice
			for range 10 {
				from := r.IntN(accounts)
				to := (from + 1 + r.IntN(accounts-1)) % accounts
				sum := 1 + r.Int64N(60)
				err := settle(table, store.NewRequestID(),
					store.Update(account(from)).Add("balance", -sum).Where(store.AtLeast("balance", sum)),
					store.Update(account(to)).Add("balance", sum))
				if _, refused := store.AsRefused(err); !refused && assert.NoError(t, err) {
					moved[from].Add(-sum)
					moved[to].Add(sum)
				}
			}
		})
		items, err := table.Read(t.Context(), keys...)
		require.NoError(t, err)
		total := int64(0)
		for n, k := range keys {
			balance := items[k].Int("balance")
			assert.Equal(t, start+moved[n].Load(), balance, "account %d", n)
			assert.GreaterOrEqual(t, balance, int64(0))
			total += balance
		}
		require.Equal(t, accounts*start, total)
	})
	t.Run("of 200 creates one wins", func(t *testing.T) {
		k := key()
		var won atomic.Int64
		together(200, func(n int) {
			err := settle(table, store.NewRequestID(), store.Create(k, store.Item{"by": int64(n)}))
			if r, refused := store.AsRefused(err); refused {
				assert.Equal(t, stored(t, table, k), r.Item)
			} else if assert.NoError(t, err) {
				won.Add(1)
				assert.Equal(t, int64(n), stored(t, table, k).Int("by"))
			}
		})
		require.Equal(t, int64(1), won.Load())
	})
	t.Run("one write sent many times at once happens once", func(t *testing.T) {
		pk, id := partition(), store.NewRequestID()
		a, b := in(pk, "a"), in(pk, "b")
		write(t, table, store.Create(a, store.Item{"n": int64(0)}), store.Create(b, store.Item{"n": int64(0)}))
		together(16, func(int) {
			assert.NoError(t, settle(table, id, store.Update(a).Add("n", 1), store.Update(b).Add("n", -1)))
		})
		require.Equal(t, int64(1), stored(t, table, a).Int("n"))
		require.Equal(t, int64(-1), stored(t, table, b).Int("n"))
	})
}

// together runs n goroutines that start at once.
func together(n int, f func(int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() { <-start; f(i) })
	}
	close(start)
	group.Wait()
}
