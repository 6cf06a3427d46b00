package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/problem"
	"mandate/shared/secret"
)

// MaxBodyBytes is the longest body that is read: 114,688 bytes are accepted (C-036, C-037).
const MaxBodyBytes = 114_688

// Checker is an In that has rules of its own about its members: required ones, ranges,
// what excludes what. Check runs after decoding and returns a problem of kind Invalid.
type Checker interface{ Check() error }

// plan says how to fill a struct from a request. It is made once, when the operation is
// put together, and panics then when a field cannot be what its tag says. Fields say
// where they come from:
//
//	TrustID string      `path:"trust_id"`      // or secret.Text, where the path holds a token
//	Name    *string     `query:"name"`         // nil: not given
//	Subject secret.Text `header:"X-Subject-Token"`
//	Body    createBody  `body:"json"`          // at most one; "optional": may be missing
//
// Embedded structs are read as if their fields stood in their place. Unknown query
// parameters and unknown members of the body are ignored. Member names are case-sensitive
// and must not repeat (RFC 8259 section 4; encoding/json/v2).
type plan struct {
	path, query, header []source
	body                []int // index of the body's field; nil: no body is read
	optional            bool  // the body may be missing
}

type source struct {
	name  string
	field []int
}

func planFor(t reflect.Type) plan {
	var p plan
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("%v must be a struct", t))
	}
	for _, f := range reflect.VisibleFields(t) {
		add := func(to *[]source, tag string, want ...reflect.Type) {
			name, ok := f.Tag.Lookup(tag)
			if !ok {
				return
			}
			if !slices.Contains(want, f.Type) {
				panic(fmt.Sprintf("%v.%s: a %s field must be a %v", t, f.Name, tag, want[0]))
			}
			*to = append(*to, source{name, f.Index})
		}
		add(&p.path, "path", reflect.TypeFor[string](), reflect.TypeFor[secret.Text]())
		add(&p.query, "query", reflect.TypeFor[*string]())
		add(&p.header, "header", reflect.TypeFor[secret.Text]())
		if kind, ok := f.Tag.Lookup("body"); ok {
			p.body, p.optional = f.Index, kind == "optional"
		}
	}
	return p
}

// decode fills in from the request. Where it fails, whatever is not the body is filled
// nevertheless, and the body is left empty.
func (p *plan) decode(r *http.Request, in any) error {
	if r.ContentLength > MaxBodyBytes {
		return tooLarge()
	}
	v := reflect.ValueOf(in).Elem()
	for _, s := range p.path {
		switch f := v.FieldByIndex(s.field).Addr().Interface().(type) {
		case *string:
			*f = r.PathValue(s.name)
		case *secret.Text:
			*f = secret.New(r.PathValue(s.name))
		}
	}
	for _, s := range p.header {
		*v.FieldByIndex(s.field).Addr().Interface().(*secret.Text) = secret.New(r.Header.Get(s.name))
	}
	if len(p.query) > 0 && r.URL.RawQuery != "" {
		given, _ := url.ParseQuery(r.URL.RawQuery) // what does not parse was not given
		for _, s := range p.query {
			if values, ok := given[s.name]; ok {
				*v.FieldByIndex(s.field).Addr().Interface().(**string) = &values[0]
			}
		}
	}
	if p.body != nil {
		f := v.FieldByIndex(p.body)
		if err := decodeBody(r, f.Addr().Interface(), p.optional); err != nil {
			f.SetZero()
			return err
		}
	}
	if c, ok := in.(Checker); ok {
		return c.Check()
	}
	return nil
}

func tooLarge() error {
	return &problem.Error{Kind: problem.KindTooLarge, Message: fmt.Sprintf("The request body is larger than %d bytes.", MaxBodyBytes)}
}

func decodeBody(r *http.Request, into any, optional bool) error {
	body, err := readBody(r)
	if err != nil {
		return problem.Invalid("the body", "could not be read").Because(err)
	}
	if len(body) > MaxBodyBytes {
		return tooLarge()
	}
	if len(body) == 0 {
		if optional {
			return nil
		}
		return problem.Invalid("the body", "must be a JSON object")
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return &problem.Error{Kind: problem.KindUnsupportedMedia, Message: "The body must be JSON: send Content-Type: application/json."}
	}
	if jsontext.Value(body).Kind() != '{' {
		return problem.Invalid("the body", "must be a JSON object")
	}
	return readable(json.Unmarshal(body, into), "")
}

// readBody reads one byte more than is allowed, so that too long a body is seen to be.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if n := r.ContentLength; n > 0 {
		body := make([]byte, n)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
}

// isJSON accepts application/json, anything +json, and nothing at all (C-032, C-033).
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "" || media == "application/json" || strings.HasSuffix(media, "+json")
}

// Decode reads a part of a body that was kept as it came, because what it must be
// depends on another member. at is where it stands ("auth.identity.password"), so that a
// problem names the attribute in full.
func Decode(raw jsontext.Value, into any, at string) error {
	return readable(json.Unmarshal(raw, into), at)
}

// readable turns a decoder's error into a problem that names the attribute. The decoder's
// own words about a value of the wrong type are not kept even for the log: they repeat
// the value, which may be a password that somebody put in the wrong place.
func readable(err error, at string) error {
	if err == nil {
		return nil
	}
	if p, ok := problem.As(err); ok {
		return p
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		if errors.Is(err, json.ErrUnknownName) {
			return problem.Invalid(attribute(at, semantic.JSONPointer), "is not known here")
		}
		return problem.Invalid(attribute(at, semantic.JSONPointer), "must be "+typeName(semantic.GoType))
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return problem.Invalid(attribute(at, syntactic.JSONPointer), "is there twice").Because(err)
		}
		return problem.Invalid(attribute(at, ""), fmt.Sprintf("is not JSON from byte %d on", syntactic.ByteOffset)).Because(err)
	}
	return problem.Invalid(attribute(at, ""), "is not as expected")
}

// maxAttribute is how much of an attribute's name is repeated, in bytes.
const maxAttribute = 128

// attribute writes /trust/roles/0/id as trust.roles.0.id.
func attribute(at string, p jsontext.Pointer) string {
	names := slices.Collect(p.Tokens())
	if at != "" {
		names = slices.Insert(names, 0, at)
	}
	if len(names) == 0 {
		return "the body"
	}
	name := strings.Join(names, ".")
	if len(name) > maxAttribute {
		cut := maxAttribute
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut] + "…"
	}
	return name
}

func typeName(t reflect.Type) string {
	if t == nil {
		return "of another type"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "an integer"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "of another type"
	}
}
