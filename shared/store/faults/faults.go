// Package faults makes a table fail as DynamoDB does now and then, for tests: throttled
// before anything happened, an answer lost after it happened, a conflict of transactions.
// Faults are drawn from a seed, or chosen call by call.
//
// A real Read may also come back in part. No engine shows that: it asks for the rest or
// fails, and that is how it looks here.
package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"mandate/shared/store"
)

// A Fault is what goes wrong in one call.
type Fault int

// Faults.
const (
	None     Fault = iota
	Throttle       // ErrUnavailable, and nothing was done
	Lost           // it was done, and the answer is ErrUnavailable; a write that was refused stays refused, unknown to the caller
	Contend        // a Write only: ErrContended, and nothing was written
	Deny           // the role does not allow it: nothing was done, and nothing will be by asking again
)

// Operation is a method of a table.
type Operation string

// Operations.
const (
	Read  Operation = "Read"
	Query Operation = "Query"
	Write Operation = "Write"
)

// Options say how often which fault happens, each from 0 to 1.
type Options struct {
	Seed                    uint64
	Throttle, Lost, Contend float64
	// Choose, when not nil, is asked first, with the number of the call from 1. When it
	// says None, the rates decide.
	Choose func(n int, op Operation) Fault

	// Late is how often a write that was made comes once more, with its id, up to LateBy
	// after its answer: as a request does that was held up on its way and repeated meanwhile.
	Late   float64
	LateBy time.Duration
}

var errInjected = errors.New("injected")

// Table is a table that fails.
type Table struct {
	table store.Table
	o     Options

	mu       sync.Mutex
	random   *rand.Rand
	calls    int
	injected map[Fault]int
	late     sync.WaitGroup
}

// New makes a table fail.
func New(t store.Table, o Options) *Table {
	return &Table{table: t, o: o, random: rand.New(rand.NewPCG(o.Seed, 1)), injected: map[Fault]int{}} //nolint:gosec // G404: a test's choice
}

// Injected is how many faults of a kind there were, so that a test can see that it met some.
func (t *Table) Injected(f Fault) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.injected[f]
}

func (t *Table) next(op Operation) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	f := None
	if t.o.Choose != nil {
		f = t.o.Choose(t.calls, op)
	}
	draw := t.random.Float64()
	switch {
	case f != None:
	case draw < t.o.Throttle:
		f = Throttle
	case draw < t.o.Throttle+t.o.Lost:
		f = Lost
	case op == Write && draw < t.o.Throttle+t.o.Lost+t.o.Contend:
		f = Contend
	}
	t.injected[f]++
	return f
}

// around does a call, or not, as its fault wants it.
func (t *Table) around(op Operation, call func() error) error {
	switch t.next(op) {
	case Throttle:
		return fmt.Errorf("%w: throttled: %w", store.ErrUnavailable, errInjected)
	case Contend:
		return fmt.Errorf("%w: %w", store.ErrContended, errInjected)
	case Deny:
		return fmt.Errorf("%s is not allowed: %w", op, errInjected)
	case Lost:
		if err := call(); errors.Is(err, store.ErrInvalid) {
			return err // never sent, so no answer to lose
		}
		return fmt.Errorf("%w: answer lost: %w", store.ErrUnavailable, errInjected)
	default:
		return call()
	}
}

// Read implements [store.Table].
func (t *Table) Read(ctx context.Context, keys ...store.Key) (items store.Items, err error) {
	err = t.around(Read, func() error { items, err = t.table.Read(ctx, keys...); return err })
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Query implements [store.Table].
func (t *Table) Query(ctx context.Context, r store.Range) (page store.Page, err error) {
	err = t.around(Query, func() error { page, err = t.table.Query(ctx, r); return err })
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// Write implements [store.Table].
func (t *Table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	err := t.around(Write, func() error { return t.table.Write(ctx, id, m...) })
	if held := t.held(); err == nil && held > 0 {
		t.late.Go(func() {
			time.Sleep(held)
			_ = t.table.Write(context.WithoutCancel(ctx), id, m...) // nobody hears the answer
		})
	}
	return err
}

// held is for how long a repetition of the next write is held up; 0 when there is none.
func (t *Table) held() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.o.Late == 0 || t.random.Float64() >= t.o.Late {
		return 0
	}
	return 1 + time.Duration(t.random.Int64N(int64(t.o.LateBy)))
}

// Wait returns when no write is on its way any more.
func (t *Table) Wait() { t.late.Wait() }
