package main

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/secret"
)

// schemas makes schemas of Go types by the rules of encoding/json/v2, in which operations
// read and write. Named structs become components.
type schemas struct {
	components ordered[*schema]
	reading    bool // bodies of requests; answers otherwise
}

var (
	timeType  = reflect.TypeFor[api.Time]()
	textType  = reflect.TypeFor[secret.Text]()
	valueType = reflect.TypeFor[jsontext.Value]()
)

// of is the schema of a type.
func (s *schemas) of(t reflect.Type) *schema {
	switch t {
	case timeType:
		return &schema{Type: types{"string"}, Format: "date-time", Description: "UTC in whole seconds, written with six digits: 2031-03-01T09:00:00.000000Z."}
	case textType:
		return &schema{Type: types{"string"}, Format: "password"}
	case valueType:
		return &schema{}
	}
	switch t.Kind() {
	case reflect.String:
		return &schema{Type: types{"string"}}
	case reflect.Bool:
		return &schema{Type: types{"boolean"}}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &schema{Type: types{"integer"}}
	case reflect.Float64:
		return &schema{Type: types{"number"}}
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.Slice, reflect.Array:
		return &schema{Type: types{"array"}, Items: s.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: types{"object"}, Additional: s.of(t.Elem())}
	case reflect.Interface:
		return &schema{}
	case reflect.Struct:
		if given, ok := t.FieldByName("Value"); ok && strings.HasPrefix(t.Name(), "Given[") {
			return nullable(s.of(given.Type))
		}
		return s.object(t)
	default:
		panic(fmt.Sprintf("%v has no schema", t))
	}
}

// nullable also allows null.
func nullable(of *schema) *schema {
	switch {
	case of.Ref != "":
		return &schema{AnyOf: []*schema{of, {Type: types{"null"}}}}
	case len(of.Type) > 0:
		of.Type = append(of.Type, "null")
	}
	return of
}

// object is a reference to the component of a named struct, or the schema of one without.
func (s *schemas) object(t reflect.Type) *schema {
	if t.Name() == "" {
		return s.members(t)
	}
	name := path.Base(t.PkgPath()) + "." + t.Name()
	if s.reading {
		name += ".request"
	}
	if _, known := s.components[name]; !known {
		s.components[name] = nil // a type may name itself
		s.components[name] = s.members(t)
	}
	return &schema{Ref: "#/components/schemas/" + name}
}

func (s *schemas) members(t reflect.Type) *schema {
	o := &schema{Type: types{"object"}, Properties: ordered[*schema]{}}
	if !s.reading {
		o.Additional = false
	}
	s.add(o, t)
	if len(o.Properties) == 0 {
		o.Properties = nil
	}
	return o
}

// add puts the members of a struct into an object: those of embedded ones as its own.
func (s *schemas) add(o *schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" && options == "":
			continue
		case f.Anonymous && name == "":
			s.add(o, f.Type)
			continue
		case strings.Contains(options, "embed"):
			if f.Type.Kind() == reflect.Map {
				o.Additional = nil // the directory keeps what it does not know
			}
			continue
		case !f.IsExported():
			continue
		}
		if name == "" {
			name = f.Name
		}
		if omits := strings.Contains(options, "omitzero") || strings.Contains(options, "omitempty"); omits && !s.reading {
			t := f.Type
			if t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			o.Properties[name] = s.of(t)
			continue
		}
		o.Properties[name] = s.of(f.Type)
		if !s.reading {
			o.Required = append(o.Required, name)
		}
	}
}
