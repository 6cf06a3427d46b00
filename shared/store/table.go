// Package store is the narrow waist between Mandate's rules and the one table that
// holds everything: a key shape for every item (keys.go, under a drawing of the table),
// reads, queries and conditional writes as plain values, and the read set that joins
// what several rules want to know into one trip.
//
// It knows no engine. store/dynamodb and store/embedded implement [Table]; storetest
// holds both to the same behaviour, so that neither may do what the other cannot.
//
//	err := table.Write(ctx, store.NewRequestID(),
//		store.Update(store.User(id)).Set("enabled", false).Add("epoch", 1))
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Limits that hold on every engine. They are DynamoDB's (service quotas, 2026), and the
// embedded engine refuses what would exceed them, so that nothing works locally only.
const (
	MaxReadKeys   = 100     // distinct keys of one Read (BatchGetItem)
	MaxMutations  = 100     // mutations of one Write (TransactWriteItems)
	MaxItemBytes  = 400_000 // one item, names and values, 400 KB
	MaxWriteBytes = 4 << 20 // all items of one Write
	MaxPKBytes    = 2048    // partition key
	MaxSKBytes    = 1024    // sort key
	MaxPageItems  = 1000    // our own cap on Range.Limit; a page also ends at 1 MB
)

// Key names one item. Only keys.go makes keys.
type Key struct{ PK, SK string }

func (k Key) String() string { return k.PK + " / " + k.SK }

// Storable reports whether an item can have this key. Ids and names that clients send
// may be of any length, empty or no UTF-8; under a key that is not storable there is
// nothing.
func (k Key) Storable() bool {
	return checkKey(k) == nil
}

// Value is what an attribute can hold: string, int64, bool, []byte or [Set].
// Lists and maps are left out on purpose: what needs a condition is an attribute of its
// own, and what needs none can be bytes.
type Value any

// Set is a set of strings, sorted, without duplicates, never empty (an empty set is an
// absent attribute, as in DynamoDB).
type Set []string

// NewSet sorts its members and drops duplicates.
func NewSet(members ...string) Set {
	s := slices.Clone(members)
	slices.Sort(s)
	return Set(slices.Compact(s))
}

// Has reports whether the set holds a member.
func (s Set) Has(member string) bool {
	_, found := slices.BinarySearch(s, member)
	return found
}

// Item holds an item's attributes without its key. An Item that was read must not be
// changed: engines and read sets share it.
type Item map[string]Value

// Attribute names that mean the same in every item.
const (
	AttrType    = "type"  // kind of item, for people who look at the table
	AttrTTL     = "ttl"   // seconds since 1970; the engine removes the item some time after
	AttrRequest = "rid"   // RequestID of the write that last touched the item; set by engines
	AttrIndex1  = "i1"    // partition key of index 1
	AttrIndex2  = "i2"    // partition key of index 2
	AttrAudit   = "audit" // sort key of both indexes
)

// Str returns a string attribute, "" when absent.
func (i Item) Str(name string) string { s, _ := i[name].(string); return s }

// Int returns a number attribute, 0 when absent.
func (i Item) Int(name string) int64 { n, _ := i[name].(int64); return n }

// Bool returns a boolean attribute, false when absent.
func (i Item) Bool(name string) bool { b, _ := i[name].(bool); return b }

// Bytes returns a binary attribute, nil when absent. Not to be changed.
func (i Item) Bytes(name string) []byte { b, _ := i[name].([]byte); return b }

// Set returns a set attribute, nil when absent. Not to be changed.
func (i Item) Set(name string) Set { s, _ := i[name].(Set); return s }

// Has reports whether the attribute is present.
func (i Item) Has(name string) bool { _, ok := i[name]; return ok }

// Items is what a Read found: present items by key. A key that was asked for and is not
// here was absent.
type Items map[Key]Item

// Entry is an item with its key.
type Entry struct {
	Key  Key
	Item Item
}

// Index chooses where a Range looks.
type Index int

// The base table and its two sparse indexes, which hold token rows only (keys.go).
const (
	Base Index = iota
	Index1
	Index2
)

// Range is a contiguous run of one partition, by sort key. From and To are inclusive;
// "" leaves that side open. On an index the partition is the value of the index's
// partition attribute and the sort key is the audit id, and the answer may be late:
// index reads are never strongly consistent, on any engine.
type Range struct {
	PK         string
	From, To   string
	Prefix     string // instead of From and To
	Descending bool
	Limit      int    // items per page, 1 to MaxPageItems; 0 means MaxPageItems
	After      string // Page.Next of the page before
	Index      Index
}

// Page is one page of a Range. Next is "" on the last page; otherwise it is an opaque
// text, safe to show to clients only after sealing, that continues after the last entry.
type Page struct {
	Entries []Entry
	Next    string
}

// RequestID makes a write repeatable: the same id again changes nothing more. One id
// names one write, not one API request. At most 36 bytes (DynamoDB's client token).
type RequestID string

// NewRequestID draws a fresh id.
func NewRequestID() RequestID { return RequestID(uuid.NewString()) }

// Table is the one table. Every method may fail with [ErrUnavailable]; a Write that did
// may have happened or not, and repeating it with the same id settles which.
type Table interface {
	// Read returns the present items among at most MaxReadKeys distinct keys. Each read
	// is strongly consistent; together they have no order and are no snapshot.
	Read(ctx context.Context, keys ...Key) (Items, error)
	// Query returns one page of a range: strongly consistent on the base table, late on
	// an index.
	Query(ctx context.Context, r Range) (Page, error)
	// Write applies all mutations or none. At most MaxMutations, with distinct keys.
	// When a condition does not hold it fails with a *Refused; when another write is
	// in the way, with ErrContended.
	Write(ctx context.Context, id RequestID, m ...Mutation) error
}

// Pages goes through a whole table. No request does: it is for the reconciliation, which
// looks for what a lost change left behind, and takes its time.
type Pages interface {
	// Page returns up to limit items (1 to MaxPageItems) in an order of the engine's own,
	// after an earlier page's Next; "" begins. An item that is there all the time is in one
	// of the pages; what is written meanwhile may be.
	Page(ctx context.Context, after string, limit int) (Page, error)
}

// ErrUnavailable says that the engine did not answer, was throttled or lost the answer.
// It becomes 503 with Retry-After, never a 401, 404 or 200 (design.md section 4, law 9).
var ErrUnavailable = errors.New("table unavailable")

// ErrContended says that another write held an item of this one, so that nothing was
// written; the same write may succeed at once (DynamoDB: TransactionConflict).
var ErrContended = errors.New("write contended")

// ErrEnded says that a change log has ended: the shard was closed, and all of it was read.
var ErrEnded = errors.New("change log has ended")

// Refused says that a condition of a write did not hold, so that nothing was written.
type Refused struct {
	Index int  // which mutation, counted from 0; when several failed, one of them
	Key   Key  // its key
	Item  Item // the item that stood in the way as it was; nil when it was absent
}

func (r *Refused) Error() string {
	return fmt.Sprintf("mutation %d refused by %s", r.Index, r.Key.SK)
}

// AsRefused finds a *Refused in an error.
func AsRefused(err error) (*Refused, bool) {
	var r *Refused
	ok := errors.As(err, &r)
	return r, ok
}

// Change is one entry of the change log: what a write did to one item.
type Change struct {
	Position string    // where it stands in the log; sorts as it happened
	Key      Key       //
	Old, New Item      // nil Old: created; nil New: removed
	At       time.Time // when it was written, second precision is enough
	Expired  bool      // removed by the engine because its ttl had passed, not by a write
}

// Log is the change log of an engine that has one of its own. (DynamoDB's stream is
// delivered to functions by Lambda instead, or read shard by shard by its own poller.)
// Each change is given at least once and, per item, in order.
type Log interface {
	// Changes returns up to limit changes after a position; "" is the beginning. It fails
	// with [ErrEnded] where there will never be any more.
	Changes(ctx context.Context, after string, limit int) ([]Change, error)
	// Position returns the last position that a named reader acknowledged.
	Position(ctx context.Context, reader string) (string, error)
	// Acknowledge keeps the position of a named reader. Changes before the positions
	// of all readers may be forgotten.
	Acknowledge(ctx context.Context, reader, position string) error
	// Wait returns when there may be changes after a position, or the context ends.
	Wait(ctx context.Context, after string) error
}
