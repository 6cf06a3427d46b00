package store

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// ErrInvalid says that a call broke one of the table's rules: a limit, an empty key, two
// mutations of one key, a value of a type that a table does not hold. Nothing was read or
// written, and repeating does not help. It is a mistake of the calling code, so a 500.
var ErrInvalid = errors.New("invalid call of the table")

// Attributes that hold an item's key in an engine. An [Item] never carries them.
const (
	AttrPK = "pk"
	AttrSK = "sk"
)

const maxRequestIDBytes = 36

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// CheckRead says whether a Read may ask for these keys. Every engine calls it first, as it
// does [CheckRange] and [CheckWrite], so that what one refuses all refuse.
func CheckRead(keys []Key) error {
	if len(keys) > MaxReadKeys {
		return invalid("read of %d keys, %d at most", len(keys), MaxReadKeys)
	}
	for i, k := range keys {
		if err := checkKey(k); err != nil {
			return err
		}
		if slices.Contains(keys[:i], k) {
			return invalid("%s twice in one read", k)
		}
	}
	return nil
}

// CheckRange says whether a Query may ask for this range.
func CheckRange(r Range) error {
	switch {
	case r.PK == "" || len(r.PK) > MaxPKBytes:
		return invalid("partition key of %d bytes", len(r.PK))
	case max(len(r.From), len(r.To), len(r.Prefix)) > MaxSKBytes:
		return invalid("bound of a range longer than a sort key")
	case !utf8.ValidString(r.PK + r.From + r.To + r.Prefix):
		return invalid("range is not UTF-8: %q", r.PK)
	case r.Prefix != "" && (r.From != "" || r.To != ""):
		return invalid("range with both a prefix and bounds")
	case r.To != "" && r.From > r.To:
		return invalid("range from %q to %q", r.From, r.To)
	case r.Limit < 0 || r.Limit > MaxPageItems:
		return invalid("page of %d items", r.Limit)
	case r.Index < Base || r.Index > Index2:
		return invalid("no index %d", r.Index)
	}
	return nil
}

// CheckWrite says whether a Write may carry these mutations. What depends on the items
// before, such as the size of an updated one, only the engine can check.
func CheckWrite(id RequestID, mutations []Mutation) error {
	if id == "" || len(id) > maxRequestIDBytes {
		return invalid("request id of %d bytes", len(id))
	}
	if len(mutations) == 0 || len(mutations) > MaxMutations {
		return invalid("write of %d mutations, 1 to %d", len(mutations), MaxMutations)
	}
	keys := make(map[Key]bool, len(mutations))
	total := 0
	for _, m := range mutations {
		if err := checkMutation(m); err != nil {
			return fmt.Errorf("%s: %w", m.Key, err)
		}
		if keys[m.Key] {
			return invalid("two mutations of %s", m.Key)
		}
		keys[m.Key] = true
		size := Size(m.Key, m.Item)
		if size > MaxItemBytes {
			return invalid("%s: item of %d bytes", m.Key, size)
		}
		total += size
	}
	if total > MaxWriteBytes {
		return invalid("write of %d bytes", total)
	}
	return nil
}

func checkKey(k Key) error {
	switch {
	case k.PK == "" || k.SK == "":
		return invalid("empty key: %q, %q", k.PK, k.SK)
	case len(k.PK) > MaxPKBytes || len(k.SK) > MaxSKBytes:
		return invalid("key of %d and %d bytes", len(k.PK), len(k.SK))
	case !utf8.ValidString(k.PK) || !utf8.ValidString(k.SK):
		return invalid("key is not UTF-8: %q, %q", k.PK, k.SK)
	}
	return nil
}

func checkMutation(m Mutation) error {
	if err := checkKey(m.Key); err != nil {
		return err
	}
	switch m.Kind {
	case KindCreate:
		if len(m.Changes) > 0 {
			return invalid("create with changes")
		}
	case KindUpdate, KindUpsert:
		if m.Item != nil {
			return invalid("update with an item")
		}
	case KindDelete, KindCheck:
		if m.Item != nil || len(m.Changes) > 0 {
			return invalid("delete or check with changes")
		}
	default:
		return invalid("no kind of mutation: %d", m.Kind)
	}
	for name, v := range m.Item {
		if err := checkAttribute(name, v); err != nil {
			return err
		}
	}
	for i, e := range m.Changes {
		if err := checkEdit(e); err != nil {
			return err
		}
		if slices.ContainsFunc(m.Changes[:i], func(f Edit) bool { return f.Name == e.Name }) {
			return invalid("two changes of %s", e.Name)
		}
	}
	for _, c := range m.If {
		if err := checkCondition(c); err != nil {
			return err
		}
	}
	return nil
}

func checkEdit(e Edit) error {
	if err := checkAttribute(e.Name, e.Value); err != nil {
		return err
	}
	ok := false
	switch e.Verb {
	case VerbSet:
		ok = true
	case VerbAdd:
		_, ok = e.Value.(int64)
		ok = ok && !isIndexKey(e.Name)
	case VerbInsert, VerbTake:
		members, isSet := e.Value.(Set)
		ok = isSet && len(members) > 0 && !isIndexKey(e.Name)
	}
	if !ok {
		return invalid("change %d of %s by %T", e.Verb, e.Name, e.Value)
	}
	return nil
}

func isIndexKey(name string) bool {
	return name == AttrIndex1 || name == AttrIndex2 || name == AttrAudit
}

// checkAttribute checks an attribute that is to be written. nil and an empty Set are
// absent attributes.
func checkAttribute(name string, v Value) error {
	switch name {
	case "", AttrPK, AttrSK, AttrRequest:
		return invalid("attribute name %q", name)
	}
	if v == nil {
		return nil
	}
	if isIndexKey(name) {
		limit := MaxPKBytes
		if name == AttrAudit {
			limit = MaxSKBytes
		}
		if s, ok := v.(string); !ok || s == "" || len(s) > limit {
			return invalid("%s must be a text of 1 to %d bytes", name, limit)
		}
	}
	if _, ok := v.(int64); name == AttrTTL && !ok {
		return invalid("%s must be a number", name)
	}
	return checkValue(name, v)
}

func checkValue(name string, v Value) error {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return invalid("%s is not UTF-8", name)
		}
	case int64, bool, []byte:
	case Set:
		for i, member := range v {
			if !utf8.ValidString(member) {
				return invalid("%s has a member that is not UTF-8", name)
			}
			if i > 0 && v[i-1] >= member {
				return invalid("%s is not a sorted set", name)
			}
		}
	default:
		return invalid("%s has a value of type %T", name, v)
	}
	return nil
}

func checkCondition(c Condition) error {
	if c.Name == "" || c.Name == AttrPK || c.Name == AttrSK {
		return invalid("condition on %q", c.Name)
	}
	ok := false
	switch c.Test {
	case TestEquals:
		if c.Value == nil {
			return nil
		}
		if s, isSet := c.Value.(Set); isSet && len(s) == 0 {
			return invalid("%s compared with an empty set; say Absent", c.Name)
		}
		return checkValue(c.Name, c.Value)
	case TestAtLeast:
		_, ok = c.Value.(int64)
	case TestContains, TestLacks:
		_, ok = c.Value.(string)
	}
	if !ok {
		return invalid("test %d of %s by %T", c.Test, c.Name, c.Value)
	}
	return nil
}

// Size is what an item counts towards limits and units, in bytes: names and values with
// the key, by DynamoDB's rules ("item sizes and formats" in its developer guide).
func Size(k Key, i Item) int {
	n := len(AttrPK) + len(k.PK) + len(AttrSK) + len(k.SK)
	for name, v := range i {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v Value) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case bool:
		return 1
	case int64:
		return numberSize(v)
	case Set:
		n := 0
		for _, member := range v {
			n += len(member)
		}
		return n
	}
	return 0
}

// numberSize is a byte for each two significant digits, one more, and one for a sign.
// Trailing zeros are not significant.
func numberSize(n int64) int {
	size := 1
	if n < 0 {
		size++
	}
	for n != 0 && n%10 == 0 {
		n /= 10
	}
	digits := 0
	for ; n != 0; n /= 10 {
		digits++
	}
	return size + (digits+1)/2
}
