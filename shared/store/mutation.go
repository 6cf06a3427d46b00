package store

import "slices"

// Mutation is one item's part of a write, as a value: dynamodb renders it, embedded
// applies it, and each rule about races is written once, above both.
//
// Use [Create], [Update], [Upsert], [Delete] and [Check]; methods add changes and
// conditions and return the mutation for chaining.
type Mutation struct {
	Kind    Kind
	Key     Key
	Item    Item   // Create: the whole item
	Changes []Edit // Update, Upsert
	If      []Condition
	Lasts   bool // see Lasting
}

// Kind says what a mutation does, and what it expects of the item before.
type Kind int

// Kinds of mutation.
const (
	KindCreate Kind = iota + 1 // expects absence
	KindUpdate                 // expects presence
	KindUpsert                 // expects nothing
	KindDelete                 // expects presence
	KindCheck                  // changes nothing; expects presence, and its conditions must hold
)

// Create writes a new item; refused when the key exists. The engine takes the item over.
func Create(k Key, item Item) Mutation { return Mutation{Kind: KindCreate, Key: k, Item: item} }

// Update changes attributes of an existing item; refused when it is absent.
func Update(k Key) Mutation { return Mutation{Kind: KindUpdate, Key: k} }

// Upsert changes attributes of an item that is created when absent.
func Upsert(k Key) Mutation { return Mutation{Kind: KindUpsert, Key: k} }

// Delete removes an existing item; refused when it is absent.
func Delete(k Key) Mutation { return Mutation{Kind: KindDelete, Key: k} }

// Check changes nothing and refuses the whole write unless the item is present and its
// conditions hold.
func Check(k Key) Mutation { return Mutation{Kind: KindCheck, Key: k} }

// Lasting says that the mutation may come again however late, after whatever was written
// since, because nothing ever takes back what it does: a mark that is set once, an item
// that only expires. An engine may then spare what keeps a lone write from being repeated,
// which is half of its price on DynamoDB. What can be taken back, as enabling something by
// disabling it, is not lasting: a repetition that was held up in the network would undo
// that.
func (m Mutation) Lasting() Mutation {
	m.Lasts = true
	return m
}

// Plain reports whether a write is a plain PutItem or UpdateItem on DynamoDB, which is made
// as often as it arrives, and not a transaction. Adding is never: it comes to something else
// each time.
func Plain(m []Mutation) bool {
	if len(m) != 1 || !m[0].Lasts {
		return false
	}
	switch m[0].Kind {
	case KindCreate, KindUpdate, KindUpsert:
		return !slices.ContainsFunc(m[0].Changes, func(e Edit) bool { return e.Verb == VerbAdd })
	}
	return false
}

// Verb says what a change does to one attribute.
type Verb int

// Verbs of change.
const (
	VerbSet    Verb = iota + 1 // to Value; a nil Value or empty Set removes
	VerbAdd                    // Value is an int64 added to the number (0 when absent)
	VerbInsert                 // Value is a Set united with the set
	VerbTake                   // Value is a Set taken from the set; an emptied set disappears
)

// Edit is what a mutation does to one attribute.
type Edit struct {
	Verb  Verb
	Name  string
	Value Value
}

func (m Mutation) with(v Verb, name string, value Value) Mutation {
	m.Changes = append(m.Changes[:len(m.Changes):len(m.Changes)], Edit{v, name, value})
	return m
}

// Set sets an attribute; a nil value or an empty Set removes it.
func (m Mutation) Set(name string, v Value) Mutation { return m.with(VerbSet, name, v) }

// Add adds to a number; an absent one counts as 0.
func (m Mutation) Add(name string, n int64) Mutation { return m.with(VerbAdd, name, n) }

// Remove removes an attribute.
func (m Mutation) Remove(name string) Mutation { return m.with(VerbSet, name, nil) }

// Insert adds members to a set.
func (m Mutation) Insert(name string, members ...string) Mutation {
	return m.with(VerbInsert, name, NewSet(members...))
}

// Take takes members from a set.
func (m Mutation) Take(name string, members ...string) Mutation {
	return m.with(VerbTake, name, NewSet(members...))
}

// Where adds conditions; all must hold.
func (m Mutation) Where(c ...Condition) Mutation {
	m.If = append(m.If[:len(m.If):len(m.If)], c...)
	return m
}

// Test says how a condition compares.
type Test int

// Tests of a condition.
const (
	TestEquals   Test = iota + 1 // attribute equals Value; nil Value: attribute absent
	TestAtLeast                  // number attribute present and ≥ Value (int64)
	TestContains                 // set attribute holds Value (string)
	TestLacks                    // set attribute absent or without Value (string)
)

// Condition is a condition on one attribute of the item as it was before the write.
type Condition struct {
	Test  Test
	Name  string
	Value Value
}

// Equals holds when the attribute has this value. Equals(name, nil) holds when it is absent.
func Equals(name string, v Value) Condition { return Condition{TestEquals, name, v} }

// Absent holds when the attribute is absent.
func Absent(name string) Condition { return Condition{TestEquals, name, nil} }

// AtLeast holds when the number is present and not smaller.
func AtLeast(name string, n int64) Condition { return Condition{TestAtLeast, name, n} }

// Contains holds when the set has the member.
func Contains(name, member string) Condition { return Condition{TestContains, name, member} }

// Lacks holds when the set does not have the member.
func Lacks(name, member string) Condition { return Condition{TestLacks, name, member} }
