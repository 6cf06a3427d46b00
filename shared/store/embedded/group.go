package embedded

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// A group is the transaction that several writes share.
type group struct {
	t       *Table
	tx      *bbolt.Tx
	at      time.Time
	changed bool   // there is something to commit
	last    uint64 // sequence of the last change in the log, 0 when there was none

	items, index1, index2, ttl, log *bbolt.Bucket
	periods                         []*bbolt.Bucket // of request ids; loaded when first wanted
}

func (t *Table) newGroup(tx *bbolt.Tx) *group {
	g := &group{
		t: t, tx: tx, at: t.now(),
		items: tx.Bucket(bucketItems), index1: tx.Bucket(bucketIndex1), index2: tx.Bucket(bucketIndex2),
		ttl: tx.Bucket(bucketTTL), log: tx.Bucket(bucketLog),
	}
	g.log.FillPercent = 1 // only appended to
	return g
}

// A step is what a mutation that passed will do to its item.
type step struct {
	key      []byte
	old, new store.Item // nil: absent
}

// write applies one write. It looks at everything before it changes anything, so that a
// refused write leaves no trace in the group. The id of one that may come again is not kept: it
// would be another page in every commit, and the item's own stamp is enough.
func (g *group) write(id store.RequestID, sum []byte, m []store.Mutation) error {
	plain := store.Plain(m)
	if !plain {
		if again, err := g.repeated(id, sum); again || err != nil {
			return err
		}
	}
	steps := make([]step, 0, len(m))
	total := 0
	for i := range m {
		key := keyBytes(m[i].Key)
		old, err := g.load(key)
		if err != nil {
			return err
		}
		if !holds(m[i], old) {
			if old.Str(store.AttrRequest) == string(id) {
				return nil // our own first attempt, older than the request ids that are kept
			}
			return &store.Refused{Index: i, Key: m[i].Key, Item: old}
		}
		if m[i].Kind == store.KindCheck {
			continue
		}
		next, err := applied(m[i], old, id)
		if err != nil {
			return err
		}
		total += store.Size(m[i].Key, next)
		if size := store.Size(m[i].Key, next); size > store.MaxItemBytes || total > store.MaxWriteBytes {
			return fmt.Errorf("%w: %s would have %d bytes, the write %d", store.ErrInvalid, m[i].Key, size, total)
		}
		steps = append(steps, step{key, old, next})
	}
	for _, s := range steps {
		if err := g.put(s, false); err != nil {
			return err
		}
	}
	g.changed = true
	if plain {
		return nil
	}
	return g.remember(id, sum)
}

func (g *group) load(key []byte) (store.Item, error) {
	raw := g.items.Get(key)
	if raw == nil {
		return nil, nil
	}
	return g.t.cache.get(key, raw, true)
}

// put makes a step true in the items, the indexes and the log.
func (g *group) put(s step, expired bool) error {
	g.changed = true
	sequence, err := g.log.NextSequence()
	if err != nil {
		return err
	}
	var after []byte
	if s.new != nil {
		if after, err = encoder.Marshal(s.new); err != nil {
			return err
		}
	}
	// The log first: it copies the old item, whose bytes are bbolt's.
	if err := g.keep(sequence, s, after, expired); err != nil {
		return err
	}
	if s.new == nil {
		err = g.items.Delete(s.key)
	} else {
		err = g.items.Put(s.key, versionBytes(s.key, sequence, after))
	}
	if err != nil {
		return err
	}
	return g.reindex(s)
}

// keep puts a step into the log when a reader wants it.
func (g *group) keep(sequence uint64, s step, after []byte, expired bool) error {
	if g.t.logged != nil {
		key, err := keyFrom(s.key)
		if err != nil {
			return err
		}
		at := store.Change{Position: positionText(sequence), At: g.at, Key: key, Old: s.old, New: s.new, Expired: expired}
		if !g.t.logged(at) {
			return nil
		}
	}
	c := change{Key: s.key, New: after, Expired: expired}
	if s.old != nil {
		v, err := versionFrom(s.key, g.items.Get(s.key))
		if err != nil {
			return err
		}
		c.Old = v.body
	}
	logged, err := c.bytes(sequence, g.at)
	if err != nil {
		return err
	}
	g.last = sequence
	return g.log.Put(sequenceBytes(sequence), logged)
}

// reindex moves an item's entries in both indexes and among those that expire.
func (g *group) reindex(s step) error {
	for _, i := range []struct {
		bucket   *bbolt.Bucket
		old, new []byte
	}{
		{g.index1, indexBytes(store.AttrIndex1, s.old, s.key), indexBytes(store.AttrIndex1, s.new, s.key)},
		{g.index2, indexBytes(store.AttrIndex2, s.old, s.key), indexBytes(store.AttrIndex2, s.new, s.key)},
		{g.ttl, ttlBytes(s.old, s.key), ttlBytes(s.new, s.key)},
	} {
		if string(i.old) == string(i.new) {
			continue
		}
		if i.old != nil {
			if err := i.bucket.Delete(i.old); err != nil {
				return err
			}
		}
		if i.new != nil {
			if err := i.bucket.Put(i.new, s.key); err != nil {
				return err
			}
		}
	}
	return nil
}
