// Package tear takes reads apart, for tests. The embedded engine answers a Read from one
// snapshot, which DynamoDB does not: there, writes come between the items of a batch. Rules
// that are tested over a torn table have met that (design.md section 8).
package tear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"mandate/shared/store"
)

// Options say how reads are torn.
type Options struct {
	Seed  uint64
	Pause time.Duration // longest pause before each item; 200 µs when 0

	// Drop is how often, from 0 to 1, an item is left out at first, as an unprocessed key of
	// DynamoDB is, and read after all others and another pause of up to DropPause.
	Drop      float64
	DropPause time.Duration // 5 ms when 0
}

type table struct {
	store.Table
	o      Options
	mu     sync.Mutex
	random *rand.Rand
}

// New reads the items of each Read one by one, in an order drawn from the seed, with a
// pause before each.
func New(t store.Table, o Options) store.Table {
	if o.Pause == 0 {
		o.Pause = 200 * time.Microsecond
	}
	if o.DropPause == 0 {
		o.DropPause = 5 * time.Millisecond
	}
	return &table{Table: t, o: o, random: rand.New(rand.NewPCG(o.Seed, 2))} //nolint:gosec // G404: a test's choice
}

// Read implements [store.Table].
func (t *table) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if err := store.CheckRead(keys); err != nil {
		return nil, err
	}
	order, pauses := t.draw(len(keys))
	found := make(store.Items, len(keys))
	for i, n := range order {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
		case <-time.After(pauses[i]):
		}
		items, err := t.Table.Read(ctx, keys[n])
		if err != nil {
			return nil, err
		}
		if item, ok := items[keys[n]]; ok {
			found[keys[n]] = item
		}
	}
	return found, nil
}

// draw says in which order items are read, and how long to pause before each.
func (t *table) draw(n int) (order []int, pauses []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pauses = make([]time.Duration, 0, n)
	var dropped []int
	for _, i := range t.random.Perm(n) {
		if t.random.Float64() < t.o.Drop {
			dropped = append(dropped, i)
			continue
		}
		order, pauses = append(order, i), append(pauses, t.pause(t.o.Pause))
	}
	for range dropped {
		pauses = append(pauses, t.pause(t.o.DropPause))
	}
	return append(order, dropped...), pauses
}

func (t *table) pause(longest time.Duration) time.Duration {
	return time.Duration(t.random.Int64N(int64(longest)))
}
