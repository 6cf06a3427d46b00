// Package author notes in whose name a write was made, so that whoever tells of a
// revocation later can say by whom. It costs no trip: what changes an item that tokens
// stand on changes its author by the same update, and a deletion, whose image in the
// change log cannot say who made it, has a small item beside it in its transaction.
//
//	ctx = author.With(ctx, author.Of{UserID: caller.UserID, RequestID: id})
//	err := table.Write(ctx, …) // a table of author.New
//
// Nothing decides by it. A write under no author (a cascade's, a sweeper's) takes the
// author of the write before away.
package author

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"mandate/shared/store"
)

// Of is in whose name, in which request and when something was written.
type Of struct {
	UserID    string // who acts: with impersonation the trustor
	RequestID string // x-openstack-request-id
	At        time.Time
}

// attr is the attribute of an item: microseconds since 1970, request id and user id,
// separated by spaces.
const attr = "by"

// keepDeletions is how long it is known who deleted something. A stream keeps a change
// for a day.
const keepDeletions = 48 * time.Hour

type contextKey struct{}

// With returns a context under which writes are made in this name.
func With(ctx context.Context, by Of) context.Context {
	return context.WithValue(ctx, contextKey{}, by)
}

// From is the author in a context; false under none.
func From(ctx context.Context) (Of, bool) {
	by, ok := ctx.Value(contextKey{}).(Of)
	return by, ok
}

// Read is the author in an item's image; false when the last write had none.
func Read(i store.Item) (Of, bool) {
	parts := strings.SplitN(i.Str(attr), " ", 3)
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) != 3 {
		return Of{}, false
	}
	return Of{At: time.UnixMicro(micros).UTC(), RequestID: parts[1], UserID: parts[2]}, true
}

func (o Of) text() string { return fmt.Sprintf("%d %s %s", o.At.UnixMicro(), o.RequestID, o.UserID) }

// Table is a table that notes authors.
type Table struct {
	store.Table
	now func() time.Time
}

// New puts authors into the writes of a table.
func New(t store.Table, now func() time.Time) Table { return Table{t, now} }

// Write adds the author under which ctx is. A repeated write must be repeated below.
func (t Table) Write(ctx context.Context, id store.RequestID, write ...store.Mutation) error {
	by, authored := From(ctx)
	by.At = t.now()
	return t.Table.Write(ctx, id, sign(write, by, authored)...)
}

func sign(write []store.Mutation, by Of, authored bool) []store.Mutation {
	signed := make([]store.Mutation, 0, len(write)+1)
	var deletions []store.Mutation
	for _, m := range write {
		switch {
		case m.Kind == store.KindUpdate && m.Key.Evidence() && authored:
			m = m.Set(attr, by.text())
		case m.Kind == store.KindUpdate && m.Key.Evidence():
			m = m.Remove(attr)
		case m.Kind == store.KindCreate && m.Key.OAuth1() && authored:
			m.Item = maps.Clone(m.Item)
			m.Item[attr] = by.text()
		case m.Kind == store.KindDelete && m.Key.Evidence() && authored:
			if k := store.Author(m.Key); k.Storable() {
				deletions = append(deletions, store.Upsert(k).Set(store.AttrType, "author").Set(attr, by.text()).
					Set(store.AttrTTL, by.At.Add(keepDeletions).Unix()))
			}
		}
		signed = append(signed, m)
	}
	if len(signed)+len(deletions) > store.MaxMutations {
		return signed // who did it is worth less than that it is done
	}
	return append(signed, deletions...)
}
