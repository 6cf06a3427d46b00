package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
