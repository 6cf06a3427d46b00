// Package oauth1_test shows the rows of contract/oauth1.md end to end: signed requests
// through the routes of the template, operations over the embedded table. A subtest that
// shows a row bears its id.
package oauth1_test

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/test/service"
)

type object = map[string]any

// world is a service with ada, who is operator and watcher on web, and bob, who is nothing
// there; and a consumer.
type world struct {
	*service.Service
	t     *testing.T
	clock *service.Clock

	ada, bob          string
	web, shop         string // projects
	operator, watcher string // roles
	adas, bobs        string // tokens; bob's for shop, where he is operator
	consumer          credentials
}

// credentials are an id and its secret.
type credentials struct {
	id     string
	secret secret.Text
}

func newWorld(t *testing.T, with ...service.Option) *world {
	t.Helper()
	w := &world{t: t, clock: service.StoppedAt(time.Date(2031, 3, 1, 9, 0, 0, 250_000_000, time.UTC))}
	w.Service = service.New(t, append([]service.Option{service.WithClock(w.clock.Now)}, with...)...)
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob} {
		*id = w.ID("users", "user", object{"name": name, "password": "pw-" + name})
	}
	w.web, w.shop = w.ID("projects", "project", object{"name": "web"}), w.ID("projects", "project", object{"name": "shop"})
	w.operator, w.watcher = w.ID("roles", "role", object{"name": "operator"}), w.ID("roles", "role", object{"name": "watcher"})
	w.grant("PUT", w.ada, w.web, w.operator)
	w.grant("PUT", w.ada, w.web, w.watcher)
	w.grant("PUT", w.bob, w.shop, w.operator)
	w.login()
	w.consumer = w.newConsumer()
	return w
}

func (w *world) login() {
	w.t.Helper()
	w.adas, w.bobs = w.Login("ada", "pw-ada", service.OnProject(w.web)), w.Login("bob", "pw-bob", service.OnProject(w.shop))
}

// later lets time go by, beyond the life of everybody's tokens.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.Forget()
	w.login()
}

func (w *world) grant(method, user, project, role string) {
	w.t.Helper()
	w.Must(http.StatusNoContent, method, "/v3/projects/"+project+"/users/"+user+"/roles/"+role, w.Admin(), nil)
}

const consumers = "/v3/OS-OAUTH1/consumers"

func (w *world) newConsumer() credentials {
	w.t.Helper()
	made := w.Must(http.StatusCreated, "POST", consumers, w.Admin(), object{"consumer": object{"description": "nightly backup"}}).Member("consumer")
	return credentials{made["id"].(string), secret.New(made["secret"].(string))}
}

// signed is a request in the making. Zero fields have good values.
type signed struct {
	method   string // of HTTP: POST
	url      string // as the client knows it; the service's own
	sent     string // path and query as sent; those of url
	consumer credentials
	token    credentials
	with     oauth1.Method // HMAC-SHA1
	at       time.Time
	nonce    string
	more     [][2]string // further parameters
	without  string      // parameter that is left out
	header   http.Header
	body     string
	tls      bool
	tamper   func(header string) string
}

func nonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// request is the request as it is sent.
func (w *world) request(s signed) *http.Request {
	if s.method == "" {
		s.method = http.MethodPost
	}
	if s.consumer.id == "" {
		s.consumer = w.consumer
	}
	if s.with == "" {
		s.with = oauth1.HMACSHA1
	}
	if s.at.IsZero() {
		s.at = w.clock.Now()
	}
	if s.nonce == "" {
		s.nonce = nonce()
	}
	params := oauth1.Params{
		{Name: "oauth_nonce", Value: s.nonce}, {Name: "oauth_timestamp", Value: strconv.FormatInt(s.at.Unix(), 10)},
		{Name: "oauth_version", Value: "1.0"}, {Name: "oauth_signature_method", Value: string(s.with)},
		{Name: "oauth_consumer_key", Value: s.consumer.id},
	}
	if s.token.id != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: s.token.id})
	}
	for _, p := range s.more {
		params = append(params, oauth1.Pair{Name: p[0], Value: p[1]})
	}
	kept := params[:0:0]
	for _, p := range params {
		if p.Name != s.without {
			kept = append(kept, p)
		}
	}
	u, err := url.Parse(s.url)
	if err != nil {
		w.t.Errorf("url: %v", err)
	}
	all := kept
	for name, values := range u.Query() {
		for _, v := range values {
			all = append(all, oauth1.Pair{Name: name, Value: v})
		}
	}
	base := oauth1.BaseString(s.method, oauth1.BaseURI(u.Scheme, u.Host, u.EscapedPath()), all)
	if s.without != "oauth_signature" {
		kept = append(kept, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(s.with, base, s.consumer.secret, s.token.secret)})
	}
	parts := make([]string, 0, len(kept))
	for _, p := range kept {
		parts = append(parts, p.Name+`="`+oauth1.Encode(p.Value)+`"`)
	}
	header := "OAuth " + strings.Join(parts, ", ")
	if s.tamper != nil {
		header = s.tamper(header)
	}
	sent := s.sent
	if sent == "" {
		sent = u.RequestURI()
	}
	r := httptest.NewRequest(s.method, service.Base+sent, strings.NewReader(s.body))
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	for name, values := range s.header {
		r.Header[name] = values
	}
	if s.tls {
		r.TLS = &tls.ConnectionState{}
	}
	return r
}

func (w *world) send(s signed) service.Reply { return w.Send(w.request(s)) }

const (
	requestURL = service.Base + "/v3/OS-OAUTH1/request_token"
	accessURL  = service.Base + "/v3/OS-OAUTH1/access_token"
	tokensURL  = service.Base + "/v3/auth/tokens"
)

// asking is a good request for a request token for web.
func (w *world) asking() signed {
	return signed{url: requestURL, more: [][2]string{{"oauth_callback", "oob"}}, header: http.Header{"Requested-Project-Id": {w.web}}}
}

// form are the credentials in a reply in form text.
func (w *world) form(r service.Reply) credentials {
	w.t.Helper()
	require.Equal(w.t, http.StatusCreated, r.Status, r.Text)
	values, err := url.ParseQuery(r.Text)
	require.NoError(w.t, err)
	return credentials{values.Get("oauth_token"), secret.New(values.Get("oauth_token_secret"))}
}

func (w *world) requestToken() credentials {
	w.t.Helper()
	return w.form(w.send(w.asking()))
}

func (w *world) authorize(token, request string, body any) service.Reply {
	return w.Do("PUT", "/v3/OS-OAUTH1/authorize/"+request, token, body)
}

// roles is the body that hands roles over.
func roles(ids ...string) object {
	list := []any{}
	for _, id := range ids {
		list = append(list, object{"id": id})
	}
	return object{"roles": list}
}

// verifier lets ada hand roles over, and returns what she was shown.
func (w *world) verifier(request string, ids ...string) string {
	w.t.Helper()
	r := w.authorize(w.adas, request, roles(ids...))
	require.Equal(w.t, http.StatusOK, r.Status, r.Text)
	return r.Member("token")["oauth_verifier"].(string)
}

// exchanging is a good request for an access token.
func (w *world) exchanging(request credentials, verifier string) signed {
	return signed{url: accessURL, token: request, more: [][2]string{{"oauth_verifier", verifier}}}
}

// access is an access token of ada's for roles on web.
func (w *world) access(ids ...string) credentials {
	w.t.Helper()
	request := w.requestToken()
	return w.form(w.send(w.exchanging(request, w.verifier(request.id, ids...))))
}

const byOAuth1 = `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}}}}`

// issuing is a good request for an identity token.
func (w *world) issuing(access credentials) signed {
	return signed{url: tokensURL, token: access, body: byOAuth1}
}

// token is an identity token obtained with an access token.
func (w *world) token(access credentials) string {
	w.t.Helper()
	r := w.send(w.issuing(access))
	require.Equal(w.t, http.StatusCreated, r.Status, r.Text)
	return r.Header.Get("X-Subject-Token")
}

// is wants a status, and the common envelope where something is wrong.
func is(t *testing.T, want int, r service.Reply) service.Reply {
	t.Helper()
	require.Equal(t, want, r.Status, r.Text)
	if want >= http.StatusBadRequest {
		require.EqualValues(t, want, r.Member("error")["code"], r.Text)
		require.Equal(t, "X-Auth-Token", r.Header.Get("Vary"))
		require.NotEmpty(t, r.Header.Get("X-Openstack-Request-Id"))
	}
	if want == http.StatusUnauthorized {
		require.Equal(t, `Keystone uri="`+service.Base+`/v3"`, r.Header.Get("Www-Authenticate"))
	}
	return r
}

// role is the id of a role of the first start.
func (w *world) role(name string) string {
	w.t.Helper()
	return w.Must(http.StatusOK, "GET", "/v3/roles?name="+name, w.Admin(), nil).Body["roles"].([]any)[0].(object)["id"].(string)
}
