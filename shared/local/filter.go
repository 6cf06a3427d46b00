package local

import (
	"slices"

	"mandate"
	"mandate/shared/gateway"
	"mandate/shared/sam"
	"mandate/shared/store"
)

// Wanted reports whether a filter lets a change through to its function. It looks at the
// change itself: making a record of it is the greater part of what a change costs here,
// and most are not let through.
func Wanted(f sam.Filter, c store.Change) bool {
	return len(f) == 0 || slices.ContainsFunc(f, func(p sam.Pattern) bool {
		return !slices.ContainsFunc(p, func(one sam.Condition) bool { return !met(one, c) })
	})
}

// Logged reports whether a change is for a reader of the stream that the template has. The
// others that there are read as one of those does ([Service.Webhook]).
func Logged() (func(store.Change) bool, error) {
	t, err := sam.Parse(mandate.Template)
	if err != nil {
		return nil, err
	}
	var filters []sam.Filter
	for _, f := range t.Functions {
		if f.Stream != nil {
			filters = append(filters, f.Stream.Filter)
		}
	}
	return func(c store.Change) bool {
		return slices.ContainsFunc(filters, func(f sam.Filter) bool { return Wanted(f, c) })
	}, nil
}

func met(one sam.Condition, c store.Change) bool {
	value, there := field(one.Field, c)
	switch {
	case !there:
		return false
	case one.Is != nil:
		return slices.Contains(one.Is, value)
	}
	return !slices.Contains(one.Not, value)
}

// field is what a record of a change has in a field: as text, "" for a BOOL.
func field(f sam.Field, c store.Change) (value string, there bool) {
	var of store.Item
	switch f.Of {
	case "eventName":
		return gateway.EventName(c), true
	case "NewImage":
		of = c.New
	case "OldImage":
		of = c.Old
	}
	if f.Of == "Keys" || of != nil { // an image has the keys, too
		switch {
		case f.Attribute == store.AttrPK && f.Type == "S":
			return c.Key.PK, true
		case f.Attribute == store.AttrSK && f.Type == "S":
			return c.Key.SK, true
		}
	}
	switch v := of[f.Attribute].(type) {
	case string:
		return v, f.Type == "S"
	case bool:
		return "", f.Type == "BOOL"
	}
	return "", false
}
