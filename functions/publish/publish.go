// Package publish tells what ended. It is the second reader of the table's stream, beside
// the cascade: it puts revocation events on the list that GET /v3/OS-REVOKE/events shows,
// and hands them, and what became of OAuth1 consumers and their tokens (O-150), to whoever
// listens (design.md section 6).
//
// No safety waits for it. What it tells is told at least once, under an id that is derived
// from the change, so that a batch given twice adds nothing.
package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"mandate/shared/app"
	"mandate/shared/notify"
	"mandate/shared/oauth1"
	"mandate/shared/revocation"
	"mandate/shared/store"
	"mandate/shared/store/author"
)

// Listener takes notices, and returns an error for each that it did not take, nil for the
// others, in their order.
type Listener interface {
	Tell(ctx context.Context, notices []notify.Notice) []error
}

// Publish follows the change log.
type Publish struct {
	table     store.Table
	events    *revocation.Log // nil: it keeps no list
	listeners []Listener
	log       *slog.Logger
}

// New makes a Publish of an app's parts, for those who listen besides the list of events.
func New(a *app.App, listeners ...Listener) *Publish {
	return &Publish{table: a.Table, events: a.Events, listeners: listeners, log: a.Log}
}

// Forward makes a Publish that keeps no list and only tells those who listen. As a reader of
// its own it holds up nothing else, however long they do not answer.
func Forward(a *app.App, listeners ...Listener) *Publish {
	return &Publish{table: a.Table, listeners: listeners, log: a.Log}
}

// told is what is to be told of a change.
type told struct {
	position string
	events   []revocation.Event
	notices  []notify.Notice
}

// Handle tells what follows from a batch of changes and returns the positions of those
// that could not be told, to be given again.
func (p *Publish) Handle(ctx context.Context, changes []store.Change) (failed []string) {
	deleters, err := p.deleters(ctx, changes)
	if err != nil {
		p.complain(ctx, changes[0].Position, err)
		return []string{changes[0].Position} // the batch is given again from there
	}
	var all []told
	for _, c := range changes {
		if t := consequences(c, deleters[c.Key]); len(t.notices) > 0 {
			all = append(all, t)
		}
	}
	errs := make([]error, len(all))
	if p.events != nil {
		p.list(ctx, all, errs)
	}
	for _, l := range p.listeners {
		tell(ctx, l, all, errs)
	}
	count := 0
	for n, t := range all {
		if errs[n] != nil {
			p.complain(ctx, t.position, errs[n])
			failed = append(failed, t.position)
			continue
		}
		count += len(t.notices)
		if p.events != nil {
			p.audit(ctx, t)
		}
	}
	if count > 0 {
		p.log.InfoContext(ctx, "published", "notices", count, "changes", len(changes))
	}
	return failed
}

func (p *Publish) complain(ctx context.Context, position string, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return // the process was told to stop, and the batch is given again
	}
	p.log.ErrorContext(ctx, "publish", "position", position, "cause", err.Error())
}

// audit writes what is told of OAuth1 to the log, where an auditor without a bus reads it.
func (p *Publish) audit(ctx context.Context, t told) {
	for _, n := range t.notices[len(t.events):] {
		p.log.InfoContext(ctx, "audit", "event", n.Type, "detail", n.Detail)
	}
}

func consequences(c store.Change, deleter *author.Of) told {
	t := told{position: c.Position, events: revocation.Consequences(c, deleter)}
	for _, e := range t.events {
		t.notices = append(t.notices, notify.Revocation(e))
	}
	a, audited := oauth1.Audited(c)
	if swept := c.New == nil && c.Key.Evidence() && deleter == nil; audited && !swept {
		t.notices = append(t.notices, notify.Audit(c, a, deleter))
	}
	return t
}

// deleters reads who deleted what was deleted, in one trip for all.
func (p *Publish) deleters(ctx context.Context, changes []store.Change) (map[store.Key]*author.Of, error) {
	var keys []store.Key
	for _, c := range changes {
		if k := store.Author(c.Key); c.New == nil && c.Key.Evidence() && !c.Expired && k.Storable() {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	rs := store.NewReadSet(p.table)
	found := make(map[store.Key]*author.Of, len(keys))
	err := rs.Settle(ctx, func() error {
		if !rs.Known(keys...) {
			return store.ErrPending
		}
		for _, c := range changes {
			i, err := rs.Get(store.Author(c.Key))
			if errors.Is(err, store.ErrPending) {
				continue // was not asked for
			}
			if by, ok := author.Read(i); ok {
				found[c.Key] = &by
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who deleted: %w", err)
	}
	return found, nil
}

// abreast is how many events are written side by side.
const abreast = 16

// list puts all events on the list, and notes at its change what was not taken.
func (p *Publish) list(ctx context.Context, all []told, errs []error) {
	var group sync.WaitGroup
	free := make(chan struct{}, abreast)
	for n, t := range all {
		if len(t.events) == 0 {
			continue
		}
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			for _, e := range t.events {
				errs[n] = errors.Join(errs[n], p.events.Add(ctx, e))
			}
		})
	}
	group.Wait()
}

// tell gives a listener all notices in the order of their changes.
func tell(ctx context.Context, l Listener, all []told, errs []error) {
	var notices []notify.Notice
	var of []int
	for n, t := range all {
		for _, notice := range t.notices {
			notices, of = append(notices, notice), append(of, n)
		}
	}
	if len(notices) == 0 {
		return
	}
	for n, err := range l.Tell(ctx, notices) {
		if err != nil {
			errs[of[n]] = errors.Join(errs[of[n]], err)
		}
	}
}
