package oauth1

import (
	"fmt"
	"net/http"
	"strings"

	"mandate/shared/problem"
	"mandate/shared/secret"
)

// Names of the parameters (RFC 5849 §3.1, §2.1, §2.3).
const (
	paramConsumer  = "oauth_consumer_key"
	paramToken     = "oauth_token" //nolint:gosec // G101: the name of a parameter
	paramMethod    = "oauth_signature_method"
	paramSignature = "oauth_signature"
	paramTimestamp = "oauth_timestamp"
	paramNonce     = "oauth_nonce"
	paramVersion   = "oauth_version"
	paramCallback  = "oauth_callback"
	paramVerifier  = "oauth_verifier"
)

// Request is a signed request as it arrived. Nothing in it is believed before its
// signature has been verified.
type Request struct {
	Method string
	Params Params // of the header
	Query  Params

	// URIs are the base URIs that the client may have signed: a service behind a gateway
	// cannot know which of its names was used (oauth1.md section 8.1).
	URIs []string

	// AlsoWithoutQuery accepts a signature that leaves the query out. keystoneauth signs the
	// bare URL of auth/tokens even where it sends a query.
	AlsoWithoutQuery bool

	Secure bool // the client's scheme is https
}

// FromRequest reads a signed request. public is the configured base of all URLs, ""
// when there is none. It fails with Invalid.
//
// Scheme, host and prefix are the gateway's words (its request context, the Host header):
// a forwarded host is what any client can claim, so it is not looked at.
func FromRequest(r *http.Request, public string) (Request, error) {
	header := r.Header.Get("Authorization")
	params, err := ParseHeader(header)
	if err != nil {
		return Request{}, malformed(header, err)
	}
	query, err := ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Request{}, problem.Invalid("the query", "cannot be part of a signed request").Because(err)
	}
	return Request{
		Method: r.Method, Params: params, Query: query, URIs: candidates(r, public), Secure: r.URL.Scheme == "https",
	}, nil
}

// malformed names what is wrong with the header. That it is missing is a classic fault of
// what stands in front of a service, so it is said in full (O-034).
func malformed(header string, err error) error {
	if header == "" {
		return problem.Invalid("the Authorization header", "is required and did not arrive; "+
			"a proxy or gateway in front of the service may have removed it").Because(err)
	}
	return problem.Invalid("the Authorization header", "must be of the scheme OAuth, each parameter once").Because(err)
}

// candidates are the URLs under which the client may know this request: as configured,
// with and without the gateway's prefix, each with and without a slash at the end.
func candidates(r *http.Request, public string) []string {
	path := strings.TrimSuffix(r.URL.EscapedPath(), "/")
	scheme := r.URL.Scheme
	if scheme == "" {
		scheme = "http"
	}
	bases := []string{BaseURI(scheme, r.Host, r.Header.Get("X-Forwarded-Prefix")+path), BaseURI(scheme, r.Host, path)}
	if at, rest, ok := strings.Cut(strings.TrimSuffix(public, "/"), "://"); ok {
		host, prefix, _ := strings.Cut(rest, "/")
		if prefix != "" {
			prefix = "/" + prefix
		}
		bases = append(bases, BaseURI(at, host, prefix+path))
	}
	var all []string
	for _, b := range bases {
		all = append(all, b, b+"/")
	}
	return all
}

// Key, Token, Callback and Verifier are what the client says; "" when it does not.
func (r Request) Key() string { return r.Params.Get(paramConsumer) }

// Token is the request or access token.
func (r Request) Token() string { return r.Params.Get(paramToken) }

// bases are all texts that the client may have signed.
func (r Request) bases() []string {
	all := make([]string, 0, 2*len(r.URIs))
	for _, uri := range r.URIs {
		all = append(all, BaseString(r.Method, uri, append(r.Params[:len(r.Params):len(r.Params)], r.Query...)))
		if r.AlsoWithoutQuery && len(r.Query) > 0 {
			all = append(all, BaseString(r.Method, uri, r.Params))
		}
	}
	return all
}

// signedWith reports whether the request was signed with these secrets.
func (r Request) signedWith(consumer, token secret.Text) bool {
	return Verify(Method(r.Params.Get(paramMethod)), r.Params.Get(paramSignature), consumer, token, r.bases()...)
}

// need fails with Invalid when a parameter is missing or empty.
func (r Request) need(names ...string) error {
	for _, name := range names {
		if r.Params.Get(name) == "" {
			return problem.Invalid(name, "is required")
		}
	}
	return nil
}

// wellFormed judges what a client says about its signature (§3.1, §3.3; O-029 to O-033,
// O-095). It fails with Invalid. now is in seconds since 1970.
func (r Request) wellFormed(now int64, plaintext bool) error {
	if err := r.need(paramSignature, paramConsumer, paramNonce, paramTimestamp, paramMethod); err != nil {
		return err
	}
	switch m := Method(r.Params.Get(paramMethod)); {
	case m == Plaintext && !r.Secure && !plaintext:
		return problem.Invalid(paramMethod, "must not be PLAINTEXT where the connection is not https")
	case m != Plaintext && hashes[m] == nil:
		return problem.Invalid(paramMethod, "must be HMAC-SHA1, HMAC-SHA256 or, over https, PLAINTEXT")
	}
	for _, p := range r.Params {
		if p.Name == paramVersion && p.Value != "1.0" {
			return problem.Invalid(paramVersion, "must be 1.0")
		}
	}
	at, ok := seconds(r.Params.Get(paramTimestamp))
	if !ok {
		return problem.Invalid(paramTimestamp, "must be seconds since 1970, in ten digits")
	}
	if at < now-window || at > now+window {
		return problem.Invalid(paramTimestamp, fmt.Sprintf("must be within %d seconds of now: is the client's clock right?", window))
	}
	if nonce := r.Params.Get(paramNonce); len(nonce) > maxNonce || strings.IndexFunc(nonce, func(c rune) bool { return c <= ' ' || c > '~' }) >= 0 {
		return problem.Invalid(paramNonce, fmt.Sprintf("must be 1 to %d printable ASCII characters without spaces", maxNonce))
	}
	return nil
}

// window is how far a timestamp may be from our clock, in seconds, either way.
const window = 600

// maxNonce is the longest nonce, in characters.
const maxNonce = 128

// seconds reads a timestamp of exactly ten digits.
func seconds(text string) (n int64, ok bool) {
	if len(text) != 10 {
		return 0, false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, true
}
