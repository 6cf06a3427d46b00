// Package tear takes reads apart, for tests. The embedded engine answers a Read from one
// snapshot, which DynamoDB does not: there, writes come between the items of a batch. Rules
// that are tested over a torn table have met that (design.md section 8).
package tear

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"mandate/shared/store"
)

// Options say how reads are torn.
type Options struct {
	Seed  uint64
	Pause time.Duration // longest pause before each part; 200 µs when 0

	// Parts is into how many parts a Read is taken at most, at random; each item is one when
	// it is 0. Fewer are for an engine to which every read is a request.
	Parts int

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

// New reads the items of each Read part by part, in an order drawn from the seed, with a
// pause before each part.
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
	parts, pauses := t.draw(keys)
	found := make(store.Items, len(keys))
	for i, part := range parts {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
		case <-time.After(pauses[i]):
		}
		items, err := t.Table.Read(ctx, part...)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, items)
	}
	return found, nil
}

// draw says in which parts items are read, and how long to pause before each.
func (t *table) draw(keys []store.Key) (parts [][]store.Key, pauses []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var prompt, dropped []store.Key
	for _, i := range t.random.Perm(len(keys)) {
		if t.random.Float64() < t.o.Drop {
			dropped = append(dropped, keys[i])
		} else {
			prompt = append(prompt, keys[i])
		}
	}
	cut := func(keys []store.Key, longest time.Duration) {
		most := len(keys)
		if t.o.Parts > 0 {
			most = min(most, t.o.Parts)
		}
		for left := most; left > 0; left-- {
			n := 1
			if left == 1 {
				n = len(keys)
			} else if spare := len(keys) - left; spare > 0 {
				n += t.random.IntN(spare + 1)
			}
			parts, pauses = append(parts, keys[:n]), append(pauses, t.pause(longest))
			keys = keys[n:]
		}
	}
	cut(prompt, t.o.Pause)
	cut(dropped, t.o.DropPause)
	return parts, pauses
}

func (t *table) pause(longest time.Duration) time.Duration {
	return time.Duration(t.random.Int64N(int64(longest)))
}
