package embedded

import (
	"context"
	"encoding/base64"
	"fmt"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// maxPageBytes ends a page, as DynamoDB's Query does.
const maxPageBytes = 1 << 20

// view runs a read in a snapshot of what has been committed.
func (t *Table) view(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	tx, err := t.db.Begin(false)
	if err != nil {
		return unavailable(err)
	}
	defer tx.Rollback() //nolint:errcheck // the way to end a read
	return f(tx)
}

// Read implements [store.Table].
func (t *Table) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if err := store.CheckRead(keys); err != nil {
		return nil, err
	}
	found := make(store.Items, len(keys))
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		items := tx.Bucket(bucketItems)
		for _, k := range keys {
			key := keyBytes(k)
			raw := items.Get(key)
			if raw == nil {
				continue
			}
			item, err := t.cache.get(key, raw, worthKeeping(len(keys)))
			if err != nil {
				return fmt.Errorf("read %s: %w", k, err)
			}
			found[k] = item
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Query implements [store.Table].
func (t *Table) Query(ctx context.Context, r store.Range) (store.Page, error) {
	if err := store.CheckRange(r); err != nil {
		return store.Page{}, err
	}
	s, err := spanOf(r)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	err = t.view(ctx, func(tx *bbolt.Tx) error {
		switch {
		case r.Index == store.Base:
			page, err = cut(t.baseRows(tx, s, keyBytes(store.Key{PK: r.PK, SK: headOf(r.PK)})), r.Limit)
		case t.delay == 0:
			page, err = cut(t.indexRows(tx, s, r.Index), r.Limit)
		default:
			page, err = cut(t.lateRows(tx, s, r.Index), r.Limit)
		}
		return err
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("query %s: %w", r.PK, err)
	}
	return page, nil
}

// A span is a run of bucket keys: from low, before high, within one partition.
type span struct {
	partition  []byte
	low, high  []byte
	descending bool
}

// spanOf finds the bucket keys that a range covers after its last page.
func spanOf(r store.Range) (span, error) {
	s := span{partition: partitionBytes(r.PK, 0), descending: r.Descending}
	sortKey := func(sk string) []byte { return []byte(sk) }
	end := []byte{0} // what follows a sort key and only it
	if r.Index != store.Base {
		sortKey, end = escaped, []byte{0, 2}
	}
	s.low = join(s.partition, sortKey(r.Prefix+r.From))
	switch {
	case r.To != "":
		s.high = join(s.partition, sortKey(r.To), end)
	default:
		s.high = successor(join(s.partition, sortKey(r.Prefix)))
	}
	if r.After == "" {
		return s, nil
	}
	after, err := base64.RawURLEncoding.DecodeString(r.After)
	if err != nil {
		return span{}, fmt.Errorf("%w: page after %q", store.ErrInvalid, r.After)
	}
	switch at := join(s.partition, after); {
	case r.Descending && string(at) < string(s.high):
		s.high = at
	case !r.Descending && string(at) >= string(s.low):
		s.low = append(at, 0)
	}
	return s, nil
}

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// successor is the first key after all that start with prefix. A partition's length
// comes first, so it is never all 0xff.
func successor(prefix []byte) []byte {
	b := join(prefix)
	for b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	b[len(b)-1]++
	return b
}

// A row is an entry and where it stands in its partition.
type row struct {
	at    []byte
	entry store.Entry
}

// rows gives rows in order, until yield returns false.
type rows func(yield func(row, error) bool)

// walk gives a bucket's keys in a span.
func (s span) walk(b *bbolt.Bucket, yield func(k, v []byte) bool) {
	c := b.Cursor()
	if !s.descending {
		for k, v := c.Seek(s.low); k != nil && string(k) < string(s.high); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
		return
	}
	k, v := c.Seek(s.high)
	if k == nil {
		k, v = c.Last()
	}
	for ; k != nil && string(k) >= string(s.low); k, v = c.Prev() {
		if string(k) < string(s.high) && !yield(k, v) {
			return
		}
	}
}

// baseRows reads a partition, its head in the place that its sort key has among the others.
func (t *Table) baseRows(tx *bbolt.Tx, s span, head []byte) rows {
	return func(yield func(row, error) bool) {
		items := tx.Bucket(bucketItems)
		sortKey := func(key []byte) []byte { return key[len(s.partition):] }
		first := items.Get(head) // nil once it has been given, or is not in the span
		if at := string(join(s.partition, sortKey(head))); at < string(s.low) || at >= string(s.high) {
			first = nil
		}
		going := true
		giveHead := func() {
			value := first
			first, going = nil, yield(t.row(sortKey(head), head, value))
		}
		s.walk(items, func(k, v []byte) bool {
			if first != nil && (string(sortKey(k)) > string(sortKey(head))) != s.descending {
				giveHead()
			}
			going = going && yield(t.row(sortKey(k), k, v))
			return going
		})
		if going && first != nil {
			giveHead()
		}
	}
}

func (t *Table) row(at, key, sealed []byte) (row, error) {
	k, err := keyFrom(key)
	if err != nil {
		return row{}, err
	}
	item, err := t.cache.get(key, sealed, false)
	return row{at, store.Entry{Key: k, Item: item}}, err
}

// cut makes a page of rows.
func cut(all rows, limit int) (store.Page, error) {
	if limit == 0 {
		limit = store.MaxPageItems
	}
	var page store.Page
	var last []byte
	var failed error
	size := 0
	all(func(r row, err error) bool {
		if err != nil {
			failed = err
			return false
		}
		size += store.Size(r.entry.Key, r.entry.Item)
		if len(page.Entries) == limit || size > maxPageBytes && len(page.Entries) > 0 {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			return false
		}
		page.Entries = append(page.Entries, r.entry)
		last = append(last[:0], r.at...)
		return true
	})
	return page, failed
}
