package oauth1

import (
	"errors"
	"strings"
)

// Pair is a decoded parameter.
type Pair struct{ Name, Value string }

// Params are the parameters of a signed request, decoded, in the order given.
type Params []Pair

// Get is the value of a parameter, "" when it is not there.
func (p Params) Get(name string) string {
	for _, pair := range p {
		if pair.Name == name {
			return pair.Value
		}
	}
	return ""
}

// What can be wrong with a header or a query.
var (
	ErrNoHeader  = errors.New("no Authorization header of the scheme OAuth")
	errMalformed = errors.New("not pairs of names and quoted values, separated by commas")
	errEscape    = errors.New("a percent sign that no two hex digits follow")
	errTwice     = errors.New("a parameter is given twice")
	errMixed     = errors.New("OAuth parameters belong into the Authorization header only")
)

// ParseHeader reads an Authorization header (RFC 5849 §3.5.1). The scheme's name is
// case-insensitive, white space may surround commas and pairs, and quotes may be missing.
// Names and values are percent-decoded. The realm is left out: it is never signed
// (§3.4.1.3.1) and says nothing to us. A name given twice is an error (§3.2), because two
// readers might take different ones.
func ParseHeader(header string) (Params, error) {
	scheme, rest := cutAny(strings.TrimSpace(header), space)
	if rest == "" || !strings.EqualFold(scheme, "OAuth") {
		return nil, ErrNoHeader
	}
	var params Params
	seen := map[string]bool{}
	for more := true; more; {
		pair, after, err := nextPair(rest)
		if err != nil {
			return nil, err
		}
		if rest, more = strings.CutPrefix(after, ","); !more && after != "" {
			return nil, errMalformed
		}
		if seen[pair.Name] {
			return nil, errTwice
		}
		seen[pair.Name] = true
		if pair.Name != "realm" {
			params = append(params, pair)
		}
	}
	return params, nil
}

// space may stand around pairs.
const space = " \t\r\n"

// cutAny splits before the first of some characters; after is "" when there is none.
func cutAny(s, chars string) (before, after string) {
	if at := strings.IndexAny(s, chars); at >= 0 {
		return s[:at], s[at:]
	}
	return s, ""
}

// nextPair takes the first pair off a list, with the white space around it. What is left begins
// with the comma, if more is to follow.
func nextPair(list string) (pair Pair, rest string, err error) {
	name, after, ok := strings.Cut(strings.TrimLeft(list, space), "=")
	if name = strings.TrimRight(name, space); !ok || name == "" || strings.ContainsAny(name, space+`,"`) {
		return Pair{}, "", errMalformed
	}
	after = strings.TrimLeft(after, space)
	var value string
	if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
		if value, rest, ok = strings.Cut(quoted, `"`); !ok {
			return Pair{}, "", errMalformed
		}
	} else {
		value, rest = cutAny(after, ",")
		if value = strings.TrimRight(value, space); strings.ContainsAny(value, space+`"`) {
			return Pair{}, "", errMalformed
		}
	}
	if pair.Name, err = decode(name); err == nil {
		pair.Value, err = decode(value)
	}
	return pair, strings.TrimLeft(rest, space), err
}

// ParseQuery reads a query as the form that RFC 5849 §3.4.1.3.1 takes it for: a plus is a
// space, a name without a value has an empty one, and names may repeat. None may be an
// OAuth parameter, which have one place.
func ParseQuery(query string) (Params, error) {
	var params Params
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(part, "+", " "), "=")
		var pair Pair
		var err error
		if pair.Name, err = decode(name); err != nil {
			return nil, err
		}
		if pair.Value, err = decode(value); err != nil {
			return nil, err
		}
		if strings.HasPrefix(pair.Name, "oauth_") {
			return nil, errMixed
		}
		params = append(params, pair)
	}
	return params, nil
}

// decode takes percent-encoding away. Whatever is not encoded stands for itself.
func decode(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
		if high < 0 || low < 0 {
			return "", errEscape
		}
		b.WriteByte(byte(high<<4 | low)) //nolint:gosec // G115: two digits below 16
		i += 2
	}
	return b.String(), nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}
