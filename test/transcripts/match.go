package transcripts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var placeholder = regexp.MustCompile(`<([a-z][a-z0-9_]*)>`)

// more is the member or element that allows others beside those written down.
const more = "..."

// bindings are the values of placeholders, as far as they are known.
type bindings map[string]string

// shape is the regular expression of what a placeholder may stand for.
func shape(name string) string {
	switch {
	case strings.HasSuffix(name, "_id"):
		return `[0-9a-f]{32}`
	case strings.HasSuffix(name, "_at"):
		return `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z`
	case strings.HasPrefix(name, "audit"):
		return `[A-Za-z0-9_-]{22}`
	case strings.HasPrefix(name, "token"):
		return `[\x21-\x7e]{1,255}`
	default:
		return `.+`
	}
}

// fill replaces the placeholders of a text that is sent.
func (b bindings) fill(text string, now time.Time) (string, error) {
	var unknown error
	filled := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[1 : len(p)-1]
		if v, ok := b[name]; ok {
			return v
		}
		if hence, ok := strings.CutPrefix(name, "in_"); ok {
			if d, err := time.ParseDuration(strings.TrimSuffix(hence, "_at")); err == nil {
				b[name] = now.Add(d).UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000000Z")
				return b[name]
			}
		}
		if !strings.HasPrefix(name, "fill_to_") {
			unknown = errors.Join(unknown, fmt.Errorf("%s is not known yet", p))
		}
		return p
	})
	return pad(filled), unknown
}

var filler = regexp.MustCompile(`<fill_to_(\d+)>`)

// pad replaces <fill_to_N> by letters that make the text N bytes long.
func pad(text string) string {
	m := filler.FindStringSubmatchIndex(text)
	if m == nil {
		return text
	}
	var size int
	_, _ = fmt.Sscan(text[m[2]:m[3]], &size) // the expression allows digits only
	return text[:m[0]] + strings.Repeat("x", max(0, size-len(text)+m[1]-m[0])) + text[m[1]:]
}

// matchText compares a text that came back with what is written down, and returns the
// bindings with what it learned. The bindings given are not changed.
func matchText(want, got string, b bindings) (bindings, error) {
	if want == "<any>" {
		return b, nil
	}
	var expr strings.Builder
	var names []string
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(want, -1) {
		expr.WriteString(regexp.QuoteMeta(want[at:m[0]]))
		at = m[1]
		name := want[m[2]:m[3]]
		if v, ok := b[name]; ok {
			expr.WriteString(regexp.QuoteMeta(v))
			continue
		}
		expr.WriteString("(" + shape(name) + ")")
		names = append(names, name)
	}
	expr.WriteString(regexp.QuoteMeta(want[at:]))
	found := regexp.MustCompile(`(?s)\A` + expr.String() + `\z`).FindStringSubmatch(got)
	if found == nil {
		return nil, fmt.Errorf("%q is not %q", got, b.show(want))
	}
	if len(names) == 0 {
		return b, nil
	}
	learned := maps.Clone(b)
	for i, name := range names {
		learned[name] = found[i+1]
	}
	return learned, nil
}

// show is a text with the placeholders that are known replaced.
func (b bindings) show(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		if v, ok := b[p[1:len(p)-1]]; ok {
			return v
		}
		return p
	})
}

// matcher compares JSON values. Members whose names it is told to leave alone are not
// looked at: where real Keystone has a known bug, that is said in one place.
type matcher struct{ leave []string }

// match compares a value that came back with what is written down.
func (m matcher) match(where string, want, got any, b bindings) (bindings, error) {
	switch want := want.(type) {
	case string:
		if want == "<any>" {
			return b, nil
		}
		text, ok := got.(string)
		if !ok {
			return nil, fmt.Errorf("%s: %s is not %q", where, compact(got), b.show(want))
		}
		learned, err := matchText(want, text, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		return learned, nil
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: %s is no object", where, compact(got))
		}
		return m.object(where, want, object, b)
	case []any:
		list, ok := got.([]any)
		if !ok {
			return nil, fmt.Errorf("%s: %s is no list", where, compact(got))
		}
		if strings.HasSuffix(where, ".audit_ids") {
			return m.ordered(where, want, list, b)
		}
		return m.unordered(where, want, list, b)
	default: // null, true, false, numbers
		if want != got {
			return nil, fmt.Errorf("%s: %s is not %s", where, compact(got), compact(want))
		}
		return b, nil
	}
}

func (m matcher) object(where string, want, got map[string]any, b bindings) (bindings, error) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name == more || slices.Contains(m.leave, name) {
			continue
		}
		value, ok := got[name]
		if !ok {
			return nil, fmt.Errorf("%s.%s is missing", where, name)
		}
		var err error
		if b, err = m.match(where+"."+name, want[name], value, b); err != nil {
			return nil, err
		}
	}
	if _, open := want[more]; open {
		return b, nil
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && !slices.Contains(m.leave, name) {
			return nil, fmt.Errorf("%s.%s should not be there", where, name)
		}
	}
	return b, nil
}

func (m matcher) ordered(where string, want, got []any, b bindings) (bindings, error) {
	if len(want) != len(got) {
		return nil, fmt.Errorf("%s has %d elements, not %d", where, len(got), len(want))
	}
	var err error
	for i := range want {
		if b, err = m.match(fmt.Sprintf("%s[%d]", where, i), want[i], got[i], b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// unordered finds for each element written down another element that matches it. An
// early choice can bind a placeholder wrongly for a later one, so it goes back and
// tries the next.
func (m matcher) unordered(where string, want, got []any, b bindings) (bindings, error) {
	open := len(want) > 0 && want[len(want)-1] == any(more)
	if open {
		want = want[:len(want)-1]
	}
	if !open && len(want) != len(got) {
		return nil, fmt.Errorf("%s has %d elements, not %d: %s", where, len(got), len(want), compact(got))
	}
	taken := make([]bool, len(got))
	var why error
	var place func(i int, b bindings) (bindings, bool)
	place = func(i int, b bindings) (bindings, bool) {
		if i == len(want) {
			return b, true
		}
		for j := range got {
			if taken[j] {
				continue
			}
			learned, err := m.match(fmt.Sprintf("%s[%d]", where, i), want[i], got[j], b)
			if err != nil {
				why = err
				continue
			}
			taken[j] = true
			if all, ok := place(i+1, learned); ok {
				return all, true
			}
			taken[j] = false
		}
		return nil, false
	}
	if all, ok := place(0, b); ok {
		return all, nil
	}
	if why == nil {
		why = fmt.Errorf("%s is empty", where)
	}
	return nil, why
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
