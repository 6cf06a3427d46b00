package embedded

import (
	"context"
	"encoding/binary"
	"time"

	"mandate/shared/store"
)

// sweepBatch bounds how much of a group's transaction sweeping takes.
const sweepBatch = 200

// ttlBytes is an item's key among those that expire, nil when it does not.
func ttlBytes(item store.Item, key []byte) []byte {
	seconds, ok := item[store.AttrTTL].(int64)
	if !ok {
		return nil
	}
	// A negative time has passed; the smallest sorts first like any other past one.
	return join(sequenceBytes(uint64(max(seconds, 0))), key)
}

// sweepEvery is the sweeper.
func (t *Table) sweepEvery(every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-t.quit:
			return
		case <-ticker.C:
			// What fails now is tried again next time; a table that cannot write any
			// more tells its callers so.
			_, _ = t.sweep(ctx, true)
		}
	}
}

// SweepNow removes all items whose ttl has passed, in batches between which others write,
// trims the change log, and reports how many items it removed.
func (t *Table) SweepNow(ctx context.Context) (int, error) { return t.sweep(ctx, false) }

// sweep does what [Table.SweepNow] says, and when nobody waits for it rests after each batch for
// as long as that took.
func (t *Table) sweep(ctx context.Context, rest bool) (int, error) {
	removed := 0
	for {
		began := time.Now()
		var expired, trimmed int // of this batch; the writer's until it is done
		err := t.submit(ctx, func(g *group) error {
			var err error
			if expired, err = g.expire(sweepBatch); err != nil {
				return err
			}
			trimmed, err = g.trim(sweepBatch)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed += expired
		if expired < sweepBatch && trimmed < sweepBatch {
			return removed, nil
		}
		if rest && !t.pause(time.Since(began)) {
			return removed, nil
		}
	}
}

// pause reports whether the table is still open after a while.
func (t *Table) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.quit:
		return false
	case <-timer.C:
		return true
	}
}

// expire removes up to limit items whose ttl has passed.
func (g *group) expire(limit int) (int, error) {
	now := g.at.Unix()
	var steps []step
	c := g.ttl.Cursor()
	for k, key := c.First(); k != nil && len(steps) < limit; k, key = c.Next() {
		if int64(binary.BigEndian.Uint64(k)) > now { //nolint:gosec // G115: as written
			break
		}
		key = join(key)
		old, err := g.load(key)
		if err != nil {
			return 0, err
		}
		steps = append(steps, step{key: key, old: old})
	}
	for _, s := range steps {
		yield()
		if err := g.put(s, true); err != nil {
			return 0, err
		}
	}
	return len(steps), nil
}
