// Package meter counts what is asked of a table: calls, and the read and write units that
// DynamoDB would charge for them ("read and write operations" in its developer guide). Put
// a [Usage] into the context of a request to know what that request cost, whatever engine
// is below; the event log and the tests of the budgets in design.md section 5 do.
//
//	ctx, usage := meter.With(ctx)
//	... // the request, over a table from meter.New
//	log.Info("done", "reads", usage.Counts().Reads)
package meter

import (
	"context"
	"errors"
	"sync"

	"mandate/shared/store"
)

// Counts say what was asked of a table.
type Counts struct {
	Reads, Queries, Writes int // calls; each attempt counts when retries are above
	ReadUnits, WriteUnits  float64
}

// Trips is the number of calls.
func (c Counts) Trips() int { return c.Reads + c.Queries + c.Writes }

// A Usage adds up what is done under one context. It is safe for concurrent use.
type Usage struct {
	mu     sync.Mutex
	counts Counts
	read   []store.Items // looked at when something is written, which most requests do not
}

// Counts returns what was counted so far.
func (u *Usage) Counts() Counts {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.counts
}

type contextKey struct{}

// With returns a context under which all calls are counted in the Usage.
func With(ctx context.Context) (context.Context, *Usage) {
	u := &Usage{}
	return context.WithValue(ctx, contextKey{}, u), u
}

// Table is a table that counts.
type Table struct {
	store.Table
	total Usage
}

// New counts the calls of a table: in the Usage of their context, if there is one, and in
// the table's total.
func New(t store.Table) *Table { return &Table{Table: t} }

// Total returns what was counted under all contexts and none. Its write units are lower
// bounds, see [Table.Write].
func (t *Table) Total() Counts { return t.total.Counts() }

// usages calls f with each Usage that counts a call.
func (t *Table) usages(ctx context.Context, f func(*Usage)) {
	add := func(u *Usage) {
		u.mu.Lock()
		defer u.mu.Unlock()
		f(u)
	}
	add(&t.total)
	if u, ok := ctx.Value(contextKey{}).(*Usage); ok {
		add(u)
	}
}

// Read implements [store.Table]. A strong read is a unit for every 4 KB begun of each
// item, and one for an absent item.
func (t *Table) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	items, err := t.Table.Read(ctx, keys...)
	if len(keys) == 0 || errors.Is(err, store.ErrInvalid) {
		return items, err // nothing was asked
	}
	units := 0
	if err == nil {
		for _, k := range keys {
			units += readUnits(store.Size(k, items[k]))
		}
	}
	t.usages(ctx, func(u *Usage) {
		u.counts.Reads++
		u.counts.ReadUnits += float64(units)
		if u != &t.total {
			u.read = append(u.read, items)
		}
	})
	return items, err
}

// Query implements [store.Table]. The items of a page are added up and then charged as one
// read, at half the price on an index, where reads are not strong.
func (t *Table) Query(ctx context.Context, r store.Range) (store.Page, error) {
	page, err := t.Table.Query(ctx, r)
	if errors.Is(err, store.ErrInvalid) {
		return page, err
	}
	units := 0.0
	if err == nil {
		size := 0
		for _, e := range page.Entries {
			size += store.Size(e.Key, e.Item)
		}
		units = float64(readUnits(size))
		if r.Index != store.Base {
			units /= 2
		}
	}
	t.usages(ctx, func(u *Usage) {
		u.counts.Queries++
		u.counts.ReadUnits += units
		if u != &t.total {
			items := make(store.Items, len(page.Entries))
			for _, e := range page.Entries {
				items[e.Key] = e.Item
			}
			u.read = append(u.read, items)
		}
	})
	return page, err
}

// Write implements [store.Table]. A write is a unit for every 1 KB begun of the item,
// before or after, whichever is larger, and as much for each index entry that it makes,
// changes or removes; twice that for each item of a transaction, also for a check and for
// a write that was refused.
//
// What an update or deletion finds is known when the same Usage has seen the item read,
// which is nearly always so. Otherwise it counts as an item of what is changed and without
// index entries: a lower bound.
func (t *Table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	err := t.Table.Write(ctx, id, m...)
	if errors.Is(err, store.ErrInvalid) {
		return err
	}
	t.usages(ctx, func(u *Usage) {
		u.counts.Writes++
		u.counts.WriteUnits += float64(u.writeUnits(m))
	})
	return err
}
