package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

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

// decode fills a struct from the request. Fields say where they come from:
//
//	TrustID string      `path:"trust_id"`
//	Name    *string     `query:"name"`         // nil: not given
//	Subject secret.Text `header:"X-Subject-Token"`
//	Body    createBody  `body:"json"`          // at most one
//
// Unknown query parameters and, unless a body type forbids them, unknown members are ignored.
// Member names are case-sensitive and must not repeat (RFC 8259 section 4; encoding/json/v2).
func decode(r *http.Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	if v.Kind() != reflect.Struct {
		return nil
	}
	t := v.Type()
	query := r.URL.Query()
	for i := range t.NumField() {
		field, f := t.Field(i), v.Field(i)
		if name, ok := field.Tag.Lookup("path"); ok {
			f.SetString(r.PathValue(name))
		}
		if name, ok := field.Tag.Lookup("query"); ok && query.Has(name) {
			value := query.Get(name)
			f.Set(reflect.ValueOf(&value))
		}
		if name, ok := field.Tag.Lookup("header"); ok {
			f.Set(reflect.ValueOf(secret.New(r.Header.Get(name))))
		}
		if _, ok := field.Tag.Lookup("body"); ok {
			if err := decodeBody(r, f.Addr().Interface()); err != nil {
				return err
			}
		}
	}
	if c, ok := in.(Checker); ok {
		return c.Check()
	}
	return nil
}

func decodeBody(r *http.Request, into any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
	if err != nil {
		return problem.Invalid("the body", "could not be read").Because(err)
	}
	if len(body) > MaxBodyBytes {
		return &problem.Error{Kind: problem.KindTooLarge, Message: fmt.Sprintf("The request body is larger than %d bytes.", MaxBodyBytes)}
	}
	if len(body) == 0 {
		return problem.Invalid("the body", "must be a JSON object")
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return &problem.Error{Kind: problem.KindUnsupportedMedia, Message: "The body must be JSON: send Content-Type: application/json."}
	}
	if kind := jsontext.Value(body).Kind(); kind != '{' {
		return problem.Invalid("the body", "must be a JSON object")
	}
	return readable(json.Unmarshal(body, into))
}

// isJSON accepts application/json, anything +json, and nothing at all (C-032, C-033).
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// readable turns a decoder's error into a problem that names the attribute.
func readable(err error) error {
	if err == nil {
		return nil
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return problem.Invalid(attribute(semantic.JSONPointer), "must be "+typeName(semantic.GoType)).Because(err)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return problem.Invalid(attribute(syntactic.JSONPointer), "has a member twice").Because(err)
		}
		return problem.Invalid("the body", fmt.Sprintf("is not JSON from byte %d on", syntactic.ByteOffset)).Because(err)
	}
	if p, ok := problem.As(err); ok {
		return p
	}
	return problem.Invalid("the body", "is not as expected").Because(err)
}

// attribute writes /trust/roles/0/id as trust.roles.0.id.
func attribute(p jsontext.Pointer) string {
	if p == "" {
		return "the body"
	}
	return strings.Join(strings.Split(strings.TrimPrefix(string(p), "/"), "/"), ".")
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
