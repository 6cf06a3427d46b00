// Package embedded is the table on one machine: an engine on bbolt, in process, in a file
// or in memory. It promises what DynamoDB promises and refuses what DynamoDB refuses
// (store/storetest holds it to that), so that rules written against it hold in the cloud.
//
// One goroutine writes. It takes up to some hundred waiting writes, checks and applies
// each against what the ones before it left, and commits them together with one fsync; a
// refused write leaves no trace and does not disturb its neighbours. Nobody hears of a
// result before the commit, so what was acknowledged survives kill -9. Items, indexes,
// request ids and the change log change in one transaction. Reads run beside the writer on
// bbolt's snapshots.
//
//	t, err := embedded.Open(embedded.Options{Path: ".mandate/table.db"})
//	defer t.Close()
//	err = t.Write(ctx, store.NewRequestID(), store.Create(store.User(id), user))
package embedded

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// Options say where a table is and how it behaves. The zero value is a table in memory.
type Options struct {
	Path string           // the data file; its folder is created. "" keeps nothing
	Now  func() time.Time // time.Now when nil

	// IndexDelay makes index reads show the table as it was this long ago, as DynamoDB's
	// may, so that tests meet the delay.
	IndexDelay time.Duration

	// SweepEvery is how often items whose ttl has passed are removed and the change log is
	// trimmed; a minute when 0.
	SweepEvery time.Duration

	// Logged says which changes are kept for readers of the log; all when nil. A change that
	// no reader wants costs a page of each commit, another when the log is trimmed, and the
	// reading of it. It is asked by the writer, and must not use the table.
	Logged func(store.Change) bool
}

const defaultSweepEvery = time.Minute

// Table implements [store.Table] and [store.Log]. It is safe for concurrent use.
type Table struct {
	db     *bbolt.DB
	now    func() time.Time
	delay  time.Duration
	logged func(store.Change) bool // nil: all
	cache  cache

	jobs    chan *job
	quit    chan struct{} // closed when Close begins
	stopped chan struct{} // closed when the writer has left
	sweeper sync.WaitGroup
	closing sync.Once
	closed  error

	last atomic.Uint64 // sequence of the last committed change in the log
	wake bell          // rung when last has grown
}

var (
	_ store.Table = (*Table)(nil)
	_ store.Log   = (*Table)(nil)
)

// Open opens the table, creating it when there is none. It fails within about a second
// with [ErrLocked] when another process has it open, and with [ErrDamaged] or [ErrFormat]
// when the file cannot be used; such a file is never written to.
func Open(o Options) (*Table, error) {
	db, err := openFile(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", o.name(), err)
	}
	t := &Table{
		db: db, now: o.Now, delay: o.IndexDelay, logged: o.Logged,
		jobs: make(chan *job, maxGroup), quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.delay > 0 {
		t.logged = nil // a late index is made of the log
	}
	last, err := t.lastLogged()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open table %s: %w", o.name(), err), db.Close())
	}
	t.last.Store(last)
	every := o.SweepEvery
	if every == 0 {
		every = defaultSweepEvery
	}
	go t.writeGroups()
	t.sweeper.Go(func() { t.sweepEvery(every) })
	return t, nil
}

func (o Options) name() string {
	if o.Path == "" {
		return "in memory"
	}
	return o.Path
}

// Close finishes the group of writes under way, refuses those that wait with
// [store.ErrUnavailable], and releases the file. Closing again does nothing.
func (t *Table) Close() error {
	t.closing.Do(func() {
		close(t.quit)
		t.sweeper.Wait()
		<-t.stopped
		if err := closeBolt(t.db); err != nil {
			t.closed = fmt.Errorf("close table: %w", err)
		}
	})
	return t.closed
}

var errClosed = errors.New("table is closed")

func unavailable(cause error) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
}

// A bell wakes everybody who waits on it, each time it is rung.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}
