// Package dry lets a request run to its end without writing anything: under its context a
// table takes writes, notes what they would have changed, and does nothing. What the request
// was refused for it is refused for, because everything before the write is the same.
package dry

import (
	"context"
	"maps"
	"sync"
	"time"

	"mandate/shared/store"
)

// A Run notes what would have been written.
type Run struct {
	mu      sync.Mutex
	changes []store.Change
}

// Changes are what the writes of the run would have changed.
func (r *Run) Changes() []store.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

type contextKey struct{}

// With returns a context under which nothing is written.
func With(ctx context.Context) (context.Context, *Run) {
	r := &Run{}
	return context.WithValue(ctx, contextKey{}, r), r
}

type table struct{ store.Table }

// New makes a table that heeds [With].
func New(t store.Table) store.Table { return table{t} }

// Write implements [store.Table]. In a dry run it is refused, as it would be, when an item
// is missing or in the way; its conditions were decided from what was just read.
func (t table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	run, ok := ctx.Value(contextKey{}).(*Run)
	if !ok {
		return t.Table.Write(ctx, id, m...)
	}
	if err := store.CheckWrite(id, m); err != nil {
		return err
	}
	keys := make([]store.Key, 0, len(m))
	for _, one := range m {
		keys = append(keys, one.Key)
	}
	items, err := t.Read(ctx, keys...)
	if err != nil {
		return err
	}
	now := time.Now()
	var changes []store.Change
	for n, one := range m {
		old := items[one.Key]
		if one.Kind != store.KindUpsert && (old == nil) != (one.Kind == store.KindCreate) {
			return &store.Refused{Index: n, Key: one.Key, Item: old}
		}
		if one.Kind != store.KindCheck {
			changes = append(changes, store.Change{Key: one.Key, Old: old, New: after(one, old), At: now})
		}
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	run.changes = append(run.changes, changes...)
	return nil
}

// after is the item that a mutation would leave, as far as numbers, texts and flags go.
func after(m store.Mutation, old store.Item) store.Item {
	switch m.Kind {
	case store.KindDelete:
		return nil
	case store.KindCreate:
		return m.Item
	}
	i := maps.Clone(old)
	if i == nil {
		i = store.Item{}
	}
	for _, e := range m.Changes {
		switch e.Verb {
		case store.VerbSet:
			if i[e.Name] = e.Value; e.Value == nil {
				delete(i, e.Name)
			}
		case store.VerbAdd:
			n, _ := e.Value.(int64)
			i[e.Name] = i.Int(e.Name) + n
		}
	}
	return i
}
