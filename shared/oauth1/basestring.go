package oauth1

import (
	"slices"
	"strings"
)

// BaseString is what is signed: method, base URI and all parameters, each encoded and
// joined by ampersands (RFC 5849 §3.4.1.1). oauth_signature takes no part; params must have
// no realm.
func BaseString(method, uri string, params Params) string {
	return strings.ToUpper(method) + "&" + Encode(uri) + "&" + Encode(normalize(params))
}

// normalize joins the parameters sorted by encoded name, then encoded value (§3.4.1.3.2).
func normalize(params Params) string {
	encoded := make([]Pair, 0, len(params))
	for _, p := range params {
		if p.Name != paramSignature {
			encoded = append(encoded, Pair{Encode(p.Name), Encode(p.Value)})
		}
	}
	slices.SortFunc(encoded, func(a, b Pair) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	var b strings.Builder
	for i, p := range encoded {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.Name)
		b.WriteByte('=')
		b.WriteString(p.Value)
	}
	return b.String()
}

// BaseURI is scheme, host and path as they are signed: scheme and host in lower case, no
// default port, no query, at least a slash (§3.4.1.2). The path is as it was sent.
func BaseURI(scheme, host, path string) string {
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// Encode is percent-encoding of everything but unreserved characters, with upper-case hex
// digits (§3.6, RFC 3986 §2.3). Package net/url has no function for it.
func Encode(s string) string {
	const digits = "0123456789ABCDEF"
	plain := 0
	for plain < len(s) && unreserved(s[plain]) {
		plain++
	}
	if plain == len(s) {
		return s
	}
	b := make([]byte, plain, len(s)+16)
	copy(b, s)
	for i := plain; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
