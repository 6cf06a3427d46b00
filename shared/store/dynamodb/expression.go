package dynamodb

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

// An expression collects the placeholders of one request. Every attribute goes by one,
// because many plain words are reserved. The strings are built here, and not by the SDK's
// expression package, because they are few and on the hot path.
type expression struct {
	names  map[string]string
	values attributes
}

func (e *expression) name(attribute string) string {
	if e.names == nil {
		e.names = make(map[string]string)
	}
	placeholder := "#" + strconv.Itoa(len(e.names))
	e.names[placeholder] = attribute
	return placeholder
}

func (e *expression) value(v types.AttributeValue) string {
	if e.values == nil {
		e.values = make(attributes)
	}
	placeholder := ":" + strconv.Itoa(len(e.values))
	e.values[placeholder] = v
	return placeholder
}

// condition is what must hold for a mutation; nil when anything may be there.
func (e *expression) condition(m store.Mutation) *string {
	var all []string
	switch m.Kind {
	case store.KindCreate:
		all = append(all, "attribute_not_exists("+store.AttrPK+")")
	case store.KindUpdate, store.KindDelete, store.KindCheck:
		all = append(all, "attribute_exists("+store.AttrPK+")")
	}
	for _, c := range m.If {
		all = append(all, e.test(c))
	}
	if len(all) == 0 {
		return nil
	}
	joined := strings.Join(all, " AND ")
	return &joined
}

func (e *expression) test(c store.Condition) string {
	name := e.name(c.Name)
	switch c.Test {
	case store.TestEquals:
		if c.Value == nil {
			return "attribute_not_exists(" + name + ")"
		}
		return name + " = " + e.value(encode(c.Value))
	case store.TestAtLeast:
		return name + " >= " + e.value(encode(c.Value))
	}
	// contains alone would also look for a part of a text.
	isSet := "attribute_type(" + name + ", " + e.value(text("SS")) + ")"
	has := "contains(" + name + ", " + e.value(encode(c.Value)) + ")"
	if c.Test == store.TestContains {
		return "(" + isSet + " AND " + has + ")"
	}
	return "(NOT " + isSet + " OR NOT " + has + ")"
}

// update is what a mutation changes, and its stamp.
func (e *expression) update(m store.Mutation, id store.RequestID) *string {
	set := []string{e.name(store.AttrRequest) + " = " + e.value(text(string(id)))}
	var remove, add, take []string
	for _, c := range m.Changes {
		name := e.name(c.Name)
		switch {
		case c.Verb == store.VerbSet && absent(c.Value):
			remove = append(remove, name)
		case c.Verb == store.VerbSet:
			set = append(set, name+" = "+e.value(encode(c.Value)))
		case c.Verb == store.VerbTake:
			take = append(take, name+" "+e.value(encode(c.Value)))
		default: // VerbAdd, VerbInsert
			add = append(add, name+" "+e.value(encode(c.Value)))
		}
	}
	var b strings.Builder
	for _, clause := range []struct {
		word  string
		parts []string
	}{{"SET ", set}, {" REMOVE ", remove}, {" ADD ", add}, {" DELETE ", take}} {
		if len(clause.parts) > 0 {
			b.WriteString(clause.word)
			b.WriteString(strings.Join(clause.parts, ", "))
		}
	}
	s := b.String()
	return &s
}
