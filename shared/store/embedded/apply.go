package embedded

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"mandate/shared/store"
)

// holds reports whether a mutation's expectation and all its conditions hold for the item
// as it is, nil when it is absent.
func holds(m store.Mutation, item store.Item) bool {
	switch m.Kind {
	case store.KindCreate:
		if item != nil {
			return false
		}
	case store.KindUpdate, store.KindDelete, store.KindCheck:
		if item == nil {
			return false
		}
	}
	for _, c := range m.If {
		if !conditionHolds(c, item[c.Name]) {
			return false
		}
	}
	return true
}

func conditionHolds(c store.Condition, v store.Value) bool {
	switch c.Test {
	case store.TestEquals:
		return equal(c.Value, v)
	case store.TestAtLeast:
		n, ok := v.(int64)
		return ok && n >= c.Value.(int64)
	case store.TestContains, store.TestLacks:
		set, _ := v.(store.Set)
		return set.Has(c.Value.(string)) == (c.Test == store.TestContains)
	}
	return false
}

func equal(a, b store.Value) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && string(a) == string(b)
	case store.Set:
		b, ok := b.(store.Set)
		return ok && slices.Equal(a, b)
	}
	switch b.(type) {
	case []byte, store.Set:
		return false // not comparable by ==
	}
	return a == b
}

// applied is the item after a mutation, stamped with the request; nil when it is deleted.
// The item before is left as it is.
func applied(m store.Mutation, before store.Item, id store.RequestID) (store.Item, error) {
	if m.Kind == store.KindDelete {
		return nil, nil
	}
	var item store.Item
	if m.Kind == store.KindCreate {
		item = maps.Clone(m.Item)
		maps.DeleteFunc(item, func(_ string, v store.Value) bool { return absent(v) })
	} else {
		item = maps.Clone(before)
	}
	if item == nil {
		item = store.Item{}
	}
	for _, e := range m.Changes {
		v, err := edited(e, item[e.Name])
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", e.Name, m.Key, err)
		}
		if absent(v) {
			delete(item, e.Name)
		} else {
			item[e.Name] = v
		}
	}
	item[store.AttrRequest] = string(id)
	return item, nil
}

// absent reports whether writing a value leaves the attribute absent.
func absent(v store.Value) bool {
	set, isSet := v.(store.Set)
	return v == nil || isSet && len(set) == 0
}

// edited is an attribute's value after a change.
func edited(e store.Edit, before store.Value) (store.Value, error) {
	switch e.Verb {
	case store.VerbAdd:
		n, ok := before.(int64)
		if before != nil && !ok {
			return nil, fmt.Errorf("%w: added to a %T", store.ErrInvalid, before)
		}
		add := e.Value.(int64)
		if add > 0 && n > math.MaxInt64-add || add < 0 && n < math.MinInt64-add {
			return nil, fmt.Errorf("%w: %d + %d overflows", store.ErrInvalid, n, add)
		}
		return n + add, nil
	case store.VerbInsert, store.VerbTake:
		set, ok := before.(store.Set)
		if before != nil && !ok {
			return nil, fmt.Errorf("%w: set change of a %T", store.ErrInvalid, before)
		}
		members := e.Value.(store.Set)
		if e.Verb == store.VerbInsert {
			return store.NewSet(append(slices.Clone(set), members...)...), nil
		}
		return store.Set(slices.DeleteFunc(slices.Clone(set), members.Has)), nil
	default:
		return e.Value, nil
	}
}
