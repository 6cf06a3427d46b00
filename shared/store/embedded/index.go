package embedded

import (
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

func indexOf(i store.Index) (bucket []byte, attribute string) {
	if i == store.Index1 {
		return bucketIndex1, store.AttrIndex1
	}
	return bucketIndex2, store.AttrIndex2
}

// indexRows reads an index as it is.
func (t *Table) indexRows(tx *bbolt.Tx, s span, i store.Index) rows {
	bucket, _ := indexOf(i)
	items := tx.Bucket(bucketItems)
	return func(yield func(row, error) bool) {
		s.walk(tx.Bucket(bucket), func(k, key []byte) bool {
			return yield(t.row(k[len(s.partition):], key, items.Get(key)))
		})
	}
}

// lateRows reads an index as it was before the delay, by taking back what the log says
// happened since. It reads the whole partition, which is fine for the tests it is for.
func (t *Table) lateRows(tx *bbolt.Tx, s span, i store.Index) rows {
	return func(yield func(row, error) bool) {
		whole := span{partition: s.partition, low: s.partition, high: successor(s.partition)}
		late := map[string]row{}
		var failed error
		t.indexRows(tx, whole, i)(func(r row, err error) bool {
			late[string(r.at)], failed = r, err
			return err == nil
		})
		if failed == nil {
			failed = t.takeBack(tx, i, s.partition, late)
		}
		if failed != nil {
			yield(row{}, failed)
			return
		}
		order := slices.Sorted(maps.Keys(late))
		if s.descending {
			slices.Reverse(order)
		}
		for _, at := range order {
			k := string(s.partition) + at
			if k >= string(s.low) && k < string(s.high) && !yield(late[at], nil) {
				return
			}
		}
	}
}

func (t *Table) takeBack(tx *bbolt.Tx, i store.Index, partition []byte, late map[string]row) error {
	_, attribute := indexOf(i)
	since := t.now().Add(-t.delay)
	at := func(item store.Item, key []byte) (string, bool) {
		k := string(indexBytes(attribute, item, key))
		if len(k) < len(partition) || k[:len(partition)] != string(partition) {
			return "", false
		}
		return k[len(partition):], true
	}
	c := tx.Bucket(bucketLog).Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		ch, when, err := changeFrom(k, v)
		if err != nil {
			return err
		}
		if !when.After(since) {
			return nil
		}
		before, after, err := ch.items()
		if err != nil {
			return err
		}
		if place, ok := at(after, ch.Key); ok {
			delete(late, place)
		}
		if place, ok := at(before, ch.Key); ok {
			key, err := keyFrom(ch.Key)
			if err != nil {
				return err
			}
			late[place] = row{[]byte(place), store.Entry{Key: key, Item: before}}
		}
	}
	return nil
}
