package prove

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

// base is where clients find the service.
const base = "http://identity.test"

// client sends requests to one instance.
type client struct{ handler http.Handler }

func newClient(h http.Handler) *client { return &client{h} }

// reply is an answer, and when it was asked for and came, in nanoseconds.
type reply struct {
	status    int
	header    http.Header
	text      string
	call, ret int64
}

var began = time.Now()

func clock() int64 { return int64(time.Since(began)) }

// writer keeps a reply.
type writer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(b []byte) (int, error) { return w.body.Write(b) }
func (w *writer) WriteHeader(status int)      { w.status = status }

func (c *client) send(r *http.Request) reply {
	w := &writer{header: http.Header{}, status: http.StatusOK}
	call := clock()
	c.handler.ServeHTTP(w, r)
	return reply{w.status, w.header, w.body.String(), call, clock()}
}

func request(ctx context.Context, method, path, token, body string, headers ...string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.RemoteAddr = "192.0.2.1:1"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	return r
}

func (c *client) do(ctx context.Context, method, path, token, body string, headers ...string) reply {
	return c.send(request(ctx, method, path, token, body, headers...))
}

// signature says whose secrets sign a request (RFC 5849).
type signature struct {
	consumer, secret, token, tokenSecret string
	extra                                map[string]string
}

// signed posts a signed request.
func (c *client) signed(ctx context.Context, path string, s signature, body string, headers ...string) reply {
	r := request(ctx, http.MethodPost, path, "", body, headers...)
	params := oauth1.Params{
		{Name: "oauth_nonce", Value: rand.Text()}, {Name: "oauth_timestamp", Value: strconv.FormatInt(time.Now().Unix(), 10)},
		{Name: "oauth_signature_method", Value: "HMAC-SHA1"}, {Name: "oauth_consumer_key", Value: s.consumer},
	}
	if s.token != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: s.token})
	}
	for name, value := range s.extra {
		params = append(params, oauth1.Pair{Name: name, Value: value})
	}
	text := oauth1.BaseString(r.Method, oauth1.BaseURI(r.URL.Scheme, r.URL.Host, r.URL.EscapedPath()), params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, text, secret.New(s.secret), secret.New(s.tokenSecret))})
	parts := make([]string, 0, len(params))
	for _, p := range params {
		parts = append(parts, p.Name+`="`+oauth1.Encode(p.Value)+`"`)
	}
	r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
	return c.send(r)
}

func (r reply) member(name string) map[string]any {
	var body map[string]any
	if json.Unmarshal([]byte(r.text), &body) != nil {
		return nil
	}
	m, _ := body[name].(map[string]any)
	return m
}

// form is a request or access token with its secret.
func (r reply) form() (id, sec string) {
	v, err := url.ParseQuery(r.text)
	if err != nil {
		return "", ""
	}
	return v.Get("oauth_token"), v.Get("oauth_token_secret")
}

func text(v any) string { s, _ := v.(string); return s }

// roles are the ids of the roles that a token's reply shows, of v3 or v2.0.
func (r reply) roles() (ids []string, err error) {
	type role struct{ ID string }
	var body struct {
		Token *struct{ Roles []role }
	}
	if err := json.Unmarshal([]byte(r.text), &body); err != nil {
		return nil, fmt.Errorf("read a token: %w", err)
	}
	if body.Token == nil {
		return nil, fmt.Errorf("no token in %s", r.text)
	}
	for _, r := range body.Token.Roles {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// namesV2 are the names of the roles of a v2.0 token, and the token itself.
func (r reply) accessV2() (token string, names []string, err error) {
	var body struct {
		Access *struct {
			Token struct{ ID string }
			User  struct{ Roles []struct{ Name string } }
		}
	}
	if err := json.Unmarshal([]byte(r.text), &body); err != nil || body.Access == nil {
		return "", nil, fmt.Errorf("no access in %s", r.text)
	}
	for _, r := range body.Access.User.Roles {
		names = append(names, r.Name)
	}
	return body.Access.Token.ID, names, nil
}

// What stands in the body of a login.

func byPassword(user, password string) string {
	return fmt.Sprintf(`{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}}`, user, password)
}

func byToken(token string) string {
	return fmt.Sprintf(`{"methods":["token"],"token":{"id":%q}}`, token)
}

const byOAuth1 = `{"methods":["oauth1"],"oauth1":{}}`

func onProject(id string) string { return fmt.Sprintf(`{"project":{"id":%q}}`, id) }
func byTrust(id string) string   { return fmt.Sprintf(`{"OS-TRUST:trust":{"id":%q}}`, id) }

func auth(identity, scope string) string {
	if scope == "" {
		return fmt.Sprintf(`{"auth":{"identity":%s}}`, identity)
	}
	return fmt.Sprintf(`{"auth":{"identity":%s,"scope":%s}}`, identity, scope)
}
