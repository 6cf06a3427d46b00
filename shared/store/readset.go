package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// ErrPending is returned by a pass that asked a [ReadSet] for an item that has not been
// read yet. The pass is run again when it has.
var ErrPending = errors.New("not read yet")

// A ReadSet is everything one request has read. Rules are written as passes: functions
// that look at items and, where one has not been read, note that they want it and stop
// with ErrPending. [ReadSet.Settle] reads all that was wanted in one trip and runs the
// pass again, until nothing is missing. So several rules share a trip by being run in the
// same pass, a hint (an item wanted on suspicion) can save a trip but never change an
// answer, and there is no second way to come to a decision.
//
// A ReadSet belongs to one request and is not safe for concurrent use.
type ReadSet struct {
	table  Table
	head   Key
	read   map[Key]Item // nil Item: read and absent
	wanted []Key
	loads  map[string]func(context.Context) error
	trips  int
	memory *atomic.Int64 // nil: nothing is remembered
	since  int64         // the mark behind which everything was read

	watched *[]Key // what a pass looks at, while it is watched

	remembered, decided map[any]outcome
	pinned              any // see Pin
}

// outcome is what a function returned.
type outcome struct {
	value any
	err   error
}

// NewReadSet starts an empty read set that looks at one randomly drawn copy of the head
// of the directory.
func NewReadSet(t Table) *ReadSet {
	r := &ReadSet{table: t, head: Head(rand.IntN(HeadCopies)), read: make(map[Key]Item, 16)} //nolint:gosec // G404: spreads load, hides nothing
	if m, ok := t.(*marked); ok {
		r.memory, r.since = &m.mark, m.mark.Load()
	}
	return r
}

// marked is a table whose read sets share what they know of a mark.
type marked struct {
	Table
	mark atomic.Int64
}

// Marked lets all read sets of a process remember the highest mark that [ReadSet.Behind]
// was told, which saves each of them a trip.
func Marked(t Table) Table { return &marked{Table: t} }

// Behind is a pass: nil when everything else was read after the head had a mark, which
// only grows. One trip has no order: where the head says that others were changed before
// it, those may have been read earlier in the same trip. Then all but the head is dropped
// and wanted again, for now it will be read behind the mark. A mark that was seen before
// this read set began costs nothing.
func (r *ReadSet) Behind(mark int64) error {
	if mark <= r.since {
		return nil
	}
	r.since, r.decided = mark, nil
	for r.memory != nil {
		if known := r.memory.Load(); known >= mark || r.memory.CompareAndSwap(known, mark) {
			break
		}
	}
	for k := range r.read {
		if k != r.head {
			r.wanted = append(r.wanted, k)
			delete(r.read, k)
		}
	}
	if len(r.wanted) == 0 {
		return nil
	}
	return ErrPending
}

// Head is the copy of the directory's head that this read set looks at.
func (r *ReadSet) Head() Key { return r.head }

// Trips is the number of round trips made so far.
func (r *ReadSet) Trips() int { return r.trips }

// Want notes keys for the next trip. What has been read is not read again.
func (r *ReadSet) Want(keys ...Key) {
	for _, k := range keys {
		r.look(k)
		if _, ok := r.read[k]; !ok {
			r.wanted = append(r.wanted, k)
		}
	}
}

// WantLoad notes a look-up other than by key (a query, or a reload of something kept in
// memory) for the next trip; it runs beside the reads. Each name runs once a trip.
func (r *ReadSet) WantLoad(name string, load func(context.Context) error) {
	if r.loads == nil {
		r.loads = make(map[string]func(context.Context) error)
	}
	r.loads[name] = load
}

// Get returns an item (nil when it is absent from the table), or ErrPending when it has
// not been read, in which case it is now wanted.
func (r *ReadSet) Get(k Key) (Item, error) {
	r.look(k)
	item, ok := r.read[k]
	if !ok {
		r.wanted = append(r.wanted, k)
		return nil, ErrPending
	}
	return item, nil
}

// Known reports whether all keys have been read, and wants those that have not. Passes
// call it before a group of Gets so that the whole group comes in one trip.
func (r *ReadSet) Known(keys ...Key) bool {
	all := true
	for _, k := range keys {
		r.look(k)
		if _, ok := r.read[k]; !ok {
			all = false
			r.wanted = append(r.wanted, k)
		}
	}
	return all
}

func (r *ReadSet) look(k Key) {
	if r.watched != nil {
		*r.watched = append(*r.watched, k)
	}
}

// Watch runs a pass and lists what it looked at or wanted and that has been read, each item
// once, in the order in which it was first asked for; Item is nil for what is absent. The
// pass is run even where its outcome has been kept: what is listed is what decided.
func (r *ReadSet) Watch(pass func() error) ([]Entry, error) {
	var looked []Key
	r.watched, r.decided = &looked, nil
	err := pass()
	r.watched = nil
	seen := make([]Entry, 0, len(looked))
	listed := make(map[Key]bool, len(looked))
	for _, k := range looked {
		if item, read := r.read[k]; read && !listed[k] {
			listed[k] = true
			seen = append(seen, Entry{k, item})
		}
	}
	return seen, err
}

// Pin keeps something that lives outside the table and is replaced by other requests, so
// that all passes of this read set see the same of it.
func (r *ReadSet) Pin(v any) { r.pinned = v }

// Pinned is what was pinned last, nil for nothing.
func (r *ReadSet) Pinned() any { return r.pinned }

// Forget drops items so that they are read again: for evidence found torn, or overtaken
// by a write that was refused.
func (r *ReadSet) Forget(keys ...Key) {
	for _, k := range keys {
		delete(r.read, k)
	}
	r.decided = nil
}

// Remember keeps, under a key, the outcome of something that depends on the request alone,
// such as the opening of a token, for all passes of the request.
func Remember[T any](r *ReadSet, key any, do func() (T, error)) (T, error) {
	return keep(&r.remembered, key, do)
}

// Decide keeps, under a key, the outcome of a pass for as long as nothing more has been
// read: the same pass over the same items has the same outcome. It is never kept beyond
// the request, and never while it is pending.
func Decide[T any](r *ReadSet, key any, pass func() (T, error)) (T, error) {
	return keep(&r.decided, key, pass)
}

func keep[T any](in *map[any]outcome, key any, do func() (T, error)) (T, error) {
	if kept, ok := (*in)[key]; ok {
		return kept.value.(T), kept.err
	}
	value, err := do()
	if errors.Is(err, ErrPending) {
		return value, err
	}
	if *in == nil {
		*in = make(map[any]outcome, 2)
	}
	(*in)[key] = outcome{value, err}
	return value, err
}

// maxTrips bounds a Settle. Five are the most any operation needs today (names, items,
// sources behind them, ancestors, a re-read); more means passes that chase each other.
const maxTrips = 12

// Settle runs the pass until it no longer asks for what has not been read, and returns
// its result. A pass that has decided (any result but ErrPending) ends it, whatever else
// is still wanted.
func (r *ReadSet) Settle(ctx context.Context, pass func() error) error {
	for range maxTrips {
		err := pass()
		if !errors.Is(err, ErrPending) {
			return err
		}
		if len(r.wanted) == 0 && len(r.loads) == 0 {
			return errors.New("pass is pending but wants nothing")
		}
		if err := r.trip(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("read set not settled after %d trips", maxTrips)
}

func (r *ReadSet) trip(ctx context.Context) error {
	r.trips++
	r.decided = nil
	keys := make([]Key, 0, len(r.wanted))
	seen := make(map[Key]bool, len(r.wanted))
	for _, k := range r.wanted {
		if _, ok := r.read[k]; ok || seen[k] {
			continue
		}
		seen[k] = true
		if k.Storable() {
			keys = append(keys, k)
		} else {
			r.read[k] = nil
		}
	}
	loads := r.loads
	r.wanted, r.loads = r.wanted[:0], nil

	var group sync.WaitGroup
	errs := make([]error, 0, len(loads)+1)
	var mu sync.Mutex
	fail := func(err error) { mu.Lock(); errs = append(errs, err); mu.Unlock() }
	for _, load := range loads {
		group.Go(func() {
			if err := load(ctx); err != nil {
				fail(err)
			}
		})
	}
	for start := 0; start < len(keys); start += MaxReadKeys {
		chunk := keys[start:min(start+MaxReadKeys, len(keys))]
		items, err := r.table.Read(ctx, chunk...)
		if err != nil {
			fail(fmt.Errorf("read %d items: %w", len(chunk), err))
			break
		}
		for _, k := range chunk {
			r.read[k] = items[k]
		}
	}
	group.Wait()
	return errors.Join(errs...)
}
