package api

import (
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/problem"
)

// Given is a member of a body that may be absent, null or a value. A PATCH leaves absent
// members unchanged, and null is meaningful for some (D-004).
type Given[T any] struct {
	Set   bool // the member was there
	Null  bool // as null
	Value T
}

// UnmarshalJSONFrom decodes what is there.
func (g *Given[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	g.Set = true
	if dec.PeekKind() == 'n' {
		g.Null = true
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, &g.Value)
}

// Or is the value, or another one when the member was absent or null.
func (g Given[T]) Or(other T) T {
	if !g.Set || g.Null {
		return other
	}
	return g.Value
}

// Ptr is the value, nil when the member was absent or null.
func (g Given[T]) Ptr() *T {
	if !g.Set || g.Null {
		return nil
	}
	return &g.Value
}

// Empty reports whether none of the members that a body's struct knows or embeds was given.
func Empty(body any) bool { return reflect.ValueOf(body).IsZero() }

// SameID refuses a body whose id differs from the path's (D-012).
func SameID(attribute string, given jsontext.Value, id string) error {
	if given == nil {
		return nil
	}
	var named string
	if err := json.Unmarshal(given, &named); err != nil || named != id {
		return problem.Invalid(attribute, "must be the id of the path")
	}
	return nil
}
