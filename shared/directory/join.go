package directory

import (
	"reflect"

	"mandate/shared/store"
)

// A batch is a transaction that several writes share. Each was planned by itself against
// what is in the table; where two of them touch one item, their mutations become one, if
// that means the same as doing both.
type batch struct {
	m    []store.Mutation
	at   map[store.Key]int
	size int
	full bool
}

// maxBatchBytes keeps a batch well below what a write may carry.
const maxBatchBytes = store.MaxWriteBytes / 4

// add takes a write into the batch, or leaves the batch as it was and says false.
func (b *batch) add(more []store.Mutation) bool {
	joined := make(map[store.Key]store.Mutation, len(more))
	fresh, size := 0, 0
	for _, m := range more {
		before, ok := joined[m.Key]
		if i, in := b.at[m.Key]; in && !ok {
			before, ok = b.m[i], true
		} else if !ok {
			fresh++
		}
		if ok {
			if m, ok = join(before, m); !ok {
				return false
			}
		}
		joined[m.Key] = m
		size += store.Size(m.Key, m.Item)
	}
	if len(b.m)+fresh > store.MaxMutations || len(b.m) > 0 && b.size+size > maxBatchBytes {
		b.full = true
		return false
	}
	if b.at == nil {
		b.at = make(map[store.Key]int, store.MaxMutations)
	}
	for _, m := range more {
		if i, in := b.at[m.Key]; in {
			b.m[i] = joined[m.Key]
		} else {
			b.at[m.Key] = len(b.m)
			b.m = append(b.m, joined[m.Key])
		}
	}
	b.size += size
	return true
}

// join makes one mutation of two of the same item. What creates or deletes an item stands
// alone, and so do changes of one attribute that do not add up.
func join(a, b store.Mutation) (store.Mutation, bool) {
	m := store.Mutation{Key: a.Key}
	switch kinds := [2]store.Kind{min(a.Kind, b.Kind), max(a.Kind, b.Kind)}; kinds {
	case [2]store.Kind{store.KindCheck, store.KindCheck}:
		m.Kind = store.KindCheck
	case [2]store.Kind{store.KindUpsert, store.KindUpsert}:
		m.Kind = store.KindUpsert
	case [2]store.Kind{store.KindUpdate, store.KindUpdate}, [2]store.Kind{store.KindUpdate, store.KindUpsert},
		[2]store.Kind{store.KindUpdate, store.KindCheck}, [2]store.Kind{store.KindUpsert, store.KindCheck}:
		m.Kind = store.KindUpdate
	default:
		return m, false
	}
	m = m.Where(a.If...)
	for _, c := range b.If {
		if !has(m.If, c) {
			m = m.Where(c)
		}
	}
	m.Changes = append(m.Changes, a.Changes...)
	for _, e := range b.Changes {
		var ok bool
		if m.Changes, ok = addEdit(m.Changes, e); !ok {
			return m, false
		}
	}
	return m, true
}

func has(conditions []store.Condition, c store.Condition) bool {
	for _, have := range conditions {
		if reflect.DeepEqual(have, c) {
			return true
		}
	}
	return false
}

func addEdit(edits []store.Edit, e store.Edit) ([]store.Edit, bool) {
	for i, have := range edits {
		if have.Name != e.Name {
			continue
		}
		switch {
		case reflect.DeepEqual(have, e) && e.Verb != store.VerbAdd:
			return edits, true
		case have.Verb != e.Verb:
			return edits, false
		}
		switch e.Verb {
		case store.VerbInsert:
			both := append(store.Set{}, have.Value.(store.Set)...)
			edits[i].Value = store.NewSet(append(both, e.Value.(store.Set)...)...)
		case store.VerbAdd:
			edits[i].Value = have.Value.(int64) + e.Value.(int64)
		default:
			return edits, false
		}
		return edits, true
	}
	return append(edits, e), true
}
