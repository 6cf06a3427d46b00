package meter

import (
	"slices"

	"mandate/shared/store"
)

// ridBytes is the attribute that engines stamp on what they write.
const ridBytes = len(store.AttrRequest) + 36

// readUnits is what reading so many bytes strongly costs; nothing costs one.
func readUnits(bytes int) int { return max(1, (bytes+4095)/4096) }

func writeUnits(bytes int) int { return max(1, (bytes+1023)/1024) }

// A footprint is what a write's price depends on.
type footprint struct {
	size                   int
	index1, index2, sorted bool // has the partition attribute of an index; has their sort key
}

func footprintOf(k store.Key, item store.Item) footprint {
	return footprint{
		size:   store.Size(k, item),
		index1: item.Has(store.AttrIndex1), index2: item.Has(store.AttrIndex2), sorted: item.Has(store.AttrAudit),
	}
}

// seen is what the Usage last saw of an item; nothing, when it did not.
func (u *Usage) seen(k store.Key) footprint {
	for _, items := range slices.Backward(u.read) {
		if item, ok := items[k]; ok {
			return footprintOf(k, item)
		}
	}
	return footprint{}
}

// writeUnits prices a write by what this Usage has seen of its items.
func (u *Usage) writeUnits(m []store.Mutation) int {
	units := 0
	for _, m := range m {
		units += price(m, u.seen(m.Key))
	}
	if !store.Plain(m) { // a transaction
		units *= 2
	}
	return units
}

func price(m store.Mutation, before footprint) int {
	after := before
	moved1, moved2 := false, false // an index key may be another one after
	switch m.Kind {
	case store.KindCreate:
		after = footprintOf(m.Key, m.Item)
		after.size += ridBytes
	case store.KindDelete:
		after = footprint{}
	case store.KindUpdate, store.KindUpsert:
		changed := store.Item{}
		for _, e := range m.Changes {
			changed[e.Name] = e.Value
			there := e.Value != nil
			switch e.Name {
			case store.AttrIndex1:
				after.index1, moved1 = there, true
			case store.AttrIndex2:
				after.index2, moved2 = there, true
			case store.AttrAudit:
				after.sorted, moved1, moved2 = there, true, true
			}
		}
		after.size = max(before.size, store.Size(m.Key, changed)+ridBytes)
	}
	units := writeUnits(max(before.size, after.size))
	if m.Kind == store.KindCheck {
		return units
	}
	return units * (1 + entries(before.index1 && before.sorted, after.index1 && after.sorted, moved1) +
		entries(before.index2 && before.sorted, after.index2 && after.sorted, moved2))
}

// entries is how many writes a change costs in one index: an entry whose key changes is
// removed and made again; one whose item changes is written, as it carries the whole item.
func entries(before, after, moved bool) int {
	switch {
	case before && after && moved:
		return 2
	case before || after:
		return 1
	}
	return 0
}
