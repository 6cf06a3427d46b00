package api

import (
	"net/url"
	"slices"
	"strings"

	"mandate/shared/problem"
)

// A Filter is the part of a query that selects members of a collection (D-016 to D-019):
// name=value exactly, name__contains, __startswith and __endswith inexactly, with an i
// before the word whatever the letter case. All parts must hold.
type Filter []condition

type condition struct {
	attribute string
	holds     func(value any) bool
}

// Attributes are how a member shows itself to a filter: strings and booleans by name.
type Attributes map[string]any

// Filter reads the query's conditions on these attributes; booleans are named apart.
// What the query says of other attributes is not looked at.
func (c *Call) Filter(texts, booleans []string) (Filter, error) {
	query := c.Request.URL.Query()
	var f Filter
	for _, name := range texts {
		f = append(f, textConditions(query, name)...)
	}
	for _, name := range booleans {
		if !query.Has(name) {
			continue
		}
		want, err := truth(name, query.Get(name))
		if err != nil {
			return nil, err
		}
		f = append(f, condition{name, func(v any) bool { return v == want }})
	}
	return f, nil
}

var inexact = []struct {
	word  string
	holds func(s, part string) bool
}{
	{"contains", strings.Contains}, {"startswith", strings.HasPrefix}, {"endswith", strings.HasSuffix},
}

func textConditions(query url.Values, name string) []condition {
	var found []condition
	if query.Has(name) {
		want := query.Get(name)
		found = append(found, condition{name, func(v any) bool { return v == want }})
	}
	for _, how := range inexact {
		if key := name + "__" + how.word; query.Has(key) {
			part := query.Get(key)
			found = append(found, condition{name, func(v any) bool {
				s, ok := v.(string)
				return ok && how.holds(s, part)
			}})
		}
		if key := name + "__i" + how.word; query.Has(key) {
			part := strings.ToLower(query.Get(key))
			found = append(found, condition{name, func(v any) bool {
				s, ok := v.(string)
				return ok && how.holds(strings.ToLower(s), part)
			}})
		}
	}
	return found
}

// truth reads a boolean of a query (D-019).
func truth(name, text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, problem.Invalid(name, "must be true or false")
}

// Bool is a boolean of the query, false when it is not there.
func (c *Call) Bool(name string) (bool, error) {
	q := c.Request.URL.Query()
	if !q.Has(name) {
		return false, nil
	}
	return truth(name, q.Get(name))
}

// Flag reports whether a query's switch is on: present, whatever its value, unless that
// is 0 (contract/directory.md section 9.1).
func (c *Call) Flag(name string) bool {
	q := c.Request.URL.Query()
	return q.Has(name) && q.Get(name) != "0"
}

// Holds reports whether a member is selected.
func (f Filter) Holds(member Attributes) bool {
	for _, c := range f {
		if !c.holds(member[c.attribute]) {
			return false
		}
	}
	return true
}

// Select is the members of a list that a filter lets through.
func Select[T any](f Filter, list []T, attributes func(T) Attributes) []T {
	return slices.DeleteFunc(list, func(m T) bool { return !f.Holds(attributes(m)) })
}
