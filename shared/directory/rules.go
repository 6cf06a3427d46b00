package directory

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Longest names in characters (contract/directory.md sections 4 to 8).
const (
	MaxUserName    = 255
	MaxGroupName   = 255
	MaxRoleName    = 255
	MaxProjectName = 64
	MaxDomainName  = 64
	MaxDepth       = 5 // levels of projects below a domain (D-067)
	MaxTags        = 80
	MaxTag         = 255
)

// CleanName is a name without blanks around it; Invalid names the attribute when nothing
// or too much is left (D-020). Lengths are in characters.
func CleanName(attribute, name string, longest int) (string, error) {
	name = strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", problem.Invalid(attribute, "must not be empty")
	case n > longest:
		return "", problem.Invalid(attribute, fmt.Sprintf("must not be longer than %d characters", longest))
	case !utf8.ValidString(name):
		return "", problem.Invalid(attribute, "must be text")
	}
	return name, nil
}

// CleanTags is a project's tags as a set (D-075).
func CleanTags(attribute string, tags []string) (store.Set, error) {
	set := store.NewSet(tags...)
	if len(set) != len(tags) {
		return nil, problem.Invalid(attribute, "must not hold a tag twice")
	}
	if len(set) > MaxTags {
		return nil, problem.Invalid(attribute, fmt.Sprintf("must not hold more than %d tags", MaxTags))
	}
	for _, t := range set {
		if err := CheckTag(attribute, t); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// CheckTag judges one tag (D-075).
func CheckTag(attribute, tag string) error {
	if n := utf8.RuneCountInString(tag); n == 0 || n > MaxTag || strings.ContainsAny(tag, "/,") {
		return problem.Invalid(attribute, fmt.Sprintf("must hold tags of 1 to %d characters without / and ,", MaxTag))
	}
	return nil
}

// Extra is a JSON object of attributes that we keep without knowing them (D-011), or of
// resource options.
type Extra map[string]jsontext.Value

// Fields reads what was stored; nil is the empty object.
func Fields(stored []byte) Extra {
	e := Extra{}
	if len(stored) > 0 {
		// What is stored was written by Merge; were it damaged, nothing is shown of it.
		_ = json.Unmarshal(stored, &e)
	}
	return e
}

// Merge lays a change over stored attributes, one by one. With drop, a null takes the
// attribute away (resource options); without it null is a value like any other.
func Merge(stored []byte, change Extra, drop bool) []byte {
	if len(change) == 0 {
		return stored
	}
	e := Fields(stored)
	for name, v := range change {
		if drop && v.Kind() == 'n' {
			delete(e, name)
		} else {
			e[name] = v
		}
	}
	if len(e) == 0 {
		return nil
	}
	b, err := json.Marshal(e, json.Deterministic(true))
	if err != nil || bytes.Equal(b, stored) {
		return stored // values that came out of a decoder always encode
	}
	return b
}

// CheckOptions judges the options of a project, domain or role: immutable is the only one.
func CheckOptions(attribute string, options Extra) error {
	for name, v := range options {
		if k := v.Kind(); name != "immutable" || (k != 't' && k != 'f' && k != 'n') {
			return problem.Invalid(attribute+"."+name, "must be an option that is known, with a value of its type")
		}
	}
	return nil
}

// userOptions are the resource options that users can have (D-050), with the kind of their value.
var userOptions = map[string]jsontext.Kind{
	"ignore_change_password_upon_first_use": 't',
	"ignore_password_expiry":                't',
	"ignore_lockout_failure_attempts":       't',
	"lock_password":                         't',
	"multi_factor_auth_enabled":             't',
	"ignore_user_inactivity":                't',
	"multi_factor_auth_rules":               '[',
}

// CheckUserOptions judges the options of a user.
func CheckUserOptions(attribute string, options Extra) error {
	for name, v := range options {
		kind, known := userOptions[name]
		given := v.Kind()
		if given == 'f' {
			given = 't'
		}
		if !known || (given != kind && given != 'n') {
			return problem.Invalid(attribute+"."+name, "must be an option that is known, with a value of its type")
		}
	}
	return nil
}

// Immutable reports whether resource options forbid changes (D-076, D-113).
func Immutable(options []byte) bool { return string(Fields(options)["immutable"]) == "true" }

// forbidImmutable refuses a change that does not switch the option off.
func forbidImmutable(kind, id string, before, after bool) error {
	if before && after {
		return problem.ForbiddenBecause(fmt.Sprintf("%s %s is immutable", kind, id))
	}
	return nil
}

// A diff collects what changed between two states of one item as one precise update.
type diff struct {
	m       store.Mutation
	changed bool
}

func changes(k store.Key) *diff { return &diff{m: store.Update(k)} }

func (d *diff) set(name string, v store.Value) { d.m, d.changed = d.m.Set(name, v), true }

func (d *diff) add(name string, n int64) { d.m, d.changed = d.m.Add(name, n), true }

func (d *diff) where(c ...store.Condition) { d.m = d.m.Where(c...) }

func (d *diff) text(name, before, after string) {
	if before == after {
		return
	}
	if after == "" {
		d.set(name, nil)
		return
	}
	d.set(name, after)
}

// keep is text for attributes that are stored when empty, too.
func (d *diff) keep(name, before, after string) {
	if before != after {
		d.set(name, after)
	}
}

func (d *diff) optional(name string, before, after *string) {
	switch {
	case after == nil && before != nil:
		d.set(name, nil)
	case after != nil && (before == nil || *before != *after):
		d.set(name, *after)
	}
}

func (d *diff) flag(name string, before, after bool) { //nolint:unparam // one of a family: name, before, after
	if before != after {
		d.set(name, after)
	}
}

// blob replaces a JSON object as a whole, so it must be the one that was read.
func (d *diff) blob(name string, before, after []byte) {
	if bytes.Equal(before, after) {
		return
	}
	if len(before) > 0 {
		d.where(store.Equals(name, before))
	} else {
		d.where(store.Absent(name))
	}
	if len(after) > 0 {
		d.set(name, after)
	} else {
		d.set(name, nil)
	}
}

// with joins the update with what must be written beside it; nothing when nothing changed.
func (d *diff) with(beside []store.Mutation) []store.Mutation {
	if !d.changed {
		return nil
	}
	return append(beside, d.m)
}

func (d *diff) mutations() []store.Mutation {
	if !d.changed {
		return nil
	}
	return []store.Mutation{d.m}
}
