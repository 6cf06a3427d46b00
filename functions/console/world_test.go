package console_test

import (
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
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

// world is a service with ada, who is operator (which implies watcher) and clerk on web,
// bob, who is nothing there, and a program.
type world struct {
	*service.Service
	t     *testing.T
	clock *service.Clock

	ada, bob, web            string
	operator, watcher, clerk string
	program                  credentials
}

type credentials struct {
	id     string
	secret secret.Text
}

func newWorld(t *testing.T, with ...service.Option) *world {
	t.Helper()
	w := &world{t: t, clock: service.StoppedAt(time.Date(2031, 3, 1, 9, 0, 0, 0, time.UTC))}
	w.Service = service.New(t, append([]service.Option{service.WithClock(w.clock.Now)}, with...)...)
	w.ada = w.ID("users", "user", object{"name": "ada", "password": "pw-ada"})
	w.bob = w.ID("users", "user", object{"name": "bob", "password": "pw-bob"})
	w.web = w.ID("projects", "project", object{"name": "web"})
	for name, id := range map[string]*string{"operator": &w.operator, "watcher": &w.watcher, "clerk": &w.clerk} {
		*id = w.ID("roles", "role", object{"name": name})
	}
	w.Must(201, "PUT", "/v3/roles/"+w.operator+"/implies/"+w.watcher, w.Admin(), nil)
	w.grant("PUT", w.operator)
	w.grant("PUT", w.clerk)
	w.program = w.consumer("nightly backup")
	return w
}

// grant gives ada a role on web, or (DELETE) takes it.
func (w *world) grant(method, role string) {
	w.t.Helper()
	w.Must(204, method, "/v3/projects/"+w.web+"/users/"+w.ada+"/roles/"+role, w.Admin(), nil)
}

func (w *world) consumer(description string) credentials {
	w.t.Helper()
	made := w.Must(201, "POST", "/v3/OS-OAUTH1/consumers", w.Admin(), object{"consumer": object{"description": description}}).Member("consumer")
	return credentials{made["id"].(string), secret.New(made["secret"].(string))}
}

// signed sends a signed request of a program; token may have no id.
func (w *world) signed(path, body string, token credentials, more ...oauth1.Pair) service.Reply {
	w.t.Helper()
	params := append(oauth1.Params{
		{Name: "oauth_nonce", Value: rand.Text()}, {Name: "oauth_timestamp", Value: strconv.FormatInt(w.clock.Now().Unix(), 10)},
		{Name: "oauth_signature_method", Value: string(oauth1.HMACSHA1)}, {Name: "oauth_consumer_key", Value: w.program.id},
	}, more...)
	if token.id != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: token.id})
	}
	base := oauth1.BaseString("POST", service.Base+path, params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, base, w.program.secret, token.secret)})
	parts := make([]string, 0, len(params))
	for _, p := range params {
		parts = append(parts, p.Name+`="`+oauth1.Encode(p.Value)+`"`)
	}
	return w.Do("POST", path, "", body, "Authorization", "OAuth "+strings.Join(parts, ", "), "Requested-Project-Id", w.web)
}

func (w *world) form(r service.Reply) credentials {
	w.t.Helper()
	require.Equal(w.t, 201, r.Status, r.Text)
	values, err := url.ParseQuery(r.Text)
	require.NoError(w.t, err)
	return credentials{values.Get("oauth_token"), secret.New(values.Get("oauth_token_secret"))}
}

// request is the program's request for authority on web.
func (w *world) request() credentials {
	w.t.Helper()
	return w.form(w.signed("/v3/OS-OAUTH1/request_token", "", credentials{}, oauth1.Pair{Name: "oauth_callback", Value: "oob"}))
}

// exchange gives the program's answer to a verifier.
func (w *world) exchange(request credentials, verifier string) service.Reply {
	w.t.Helper()
	return w.signed("/v3/OS-OAUTH1/access_token", "", request, oauth1.Pair{Name: "oauth_verifier", Value: verifier})
}

// token is an identity token that the program obtains.
func (w *world) token(access credentials) service.Reply {
	w.t.Helper()
	return w.signed("/v3/auth/tokens", `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}}}}`, access)
}

// trust lets ada hand clerk on web to bob.
func (w *world) trust(more object) string {
	w.t.Helper()
	grant := object{
		"trustor_user_id": w.ada, "trustee_user_id": w.bob, "project_id": w.web, "impersonation": true, "roles": []any{object{"id": w.clerk}},
	}
	for name, v := range more {
		grant[name] = v
	}
	ada := w.Login("ada", "pw-ada", service.OnProject(w.web))
	return w.Must(201, "POST", "/v3/OS-TRUST/trusts", ada, object{"trust": grant}).Member("trust")["id"].(string)
}

// browser does as a browser without scripts does: it keeps cookies and follows links.
type browser struct {
	w       *world
	cookies map[string]*http.Cookie
	at      string // path of the page that is shown
	page    page
}

// page is what a browser was answered.
type page struct {
	service.Reply
	t *testing.T
}

func (w *world) browser() *browser { return &browser{w: w, cookies: map[string]*http.Cookie{}} }

// send sends a request, keeps cookies, and goes where it is sent.
func (b *browser) send(method, path string, form url.Values, headers ...string) page {
	b.w.t.Helper()
	p := b.once(method, path, form, headers...)
	for n := 0; p.Status == http.StatusSeeOther && n < 5; n++ {
		to, err := url.Parse(b.at)
		require.NoError(b.w.t, err)
		to, err = to.Parse(p.Header.Get("Location"))
		require.NoError(b.w.t, err)
		p = b.once("GET", to.RequestURI(), nil)
	}
	return p
}

// once sends one request.
func (b *browser) once(method, path string, form url.Values, headers ...string) page {
	b.w.t.Helper()
	r := httptest.NewRequest(method, service.Base+path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", service.Base)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) //nolint:gosec // G124: what a browser sends
	}
	reply := b.w.Send(r)
	for _, c := range (&http.Response{Header: reply.Header}).Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	b.at, b.page = path, page{reply, b.w.t}
	return b.page
}

func (b *browser) get(path string) page { b.w.t.Helper(); return b.send("GET", path, nil) }

// submit fills in the form of the page that is shown and sends it where it says.
func (b *browser) submit(action string, fields url.Values) page {
	b.w.t.Helper()
	form := regexp.MustCompile(`(?s)<form method="post" action="([^"]*` + regexp.QuoteMeta(action) + `[^"]*)">(.*?)</form>`).FindStringSubmatch(b.page.Text)
	require.NotNil(b.w.t, form, "no form for %s in %s", action, b.page.Text)
	sent := url.Values{}
	for _, hidden := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form[2], -1) {
		sent.Set(hidden[1], html.UnescapeString(hidden[2]))
	}
	for name, values := range fields {
		sent[name] = values
	}
	here, err := url.Parse(b.at)
	require.NoError(b.w.t, err)
	to, err := here.Parse(html.UnescapeString(form[1]))
	require.NoError(b.w.t, err)
	return b.send("POST", to.RequestURI(), sent)
}

func consentPath(request credentials) string { return "/v3/OS-OAUTH1/authorize/" + request.id }

const delegationsPath = "/v3/console/delegations"

func (b *browser) signIn(name, password string) page {
	b.w.t.Helper()
	return b.submit("sign-in", url.Values{"name": {name}, "password": {password}})
}

// as is a browser in which somebody has signed in at a page.
func (w *world) as(name, path string) *browser {
	w.t.Helper()
	b := w.browser()
	b.get(path).is(401, "Sign in")
	b.signIn(name, "pw-"+name)
	return b
}

// is wants a status, and words on the page.
func (p page) is(status int, words ...string) page {
	p.t.Helper()
	require.Equal(p.t, status, p.Status, p.words())
	require.Equal(p.t, "text/html; charset=utf-8", p.Header.Get("Content-Type"))
	for _, word := range words {
		require.Contains(p.t, p.words(), word)
	}
	return p
}

var (
	head = regexp.MustCompile(`(?s)<head>.*</head>`)
	tag  = regexp.MustCompile(`<[^>]*>`)
	gap  = regexp.MustCompile(`\s+`)
)

// words are what a person reads on the page.
func (p page) words() string {
	return html.UnescapeString(gap.ReplaceAllString(tag.ReplaceAllString(head.ReplaceAllString(p.Text, ""), " "), " "))
}

func (p page) verifier() string {
	p.t.Helper()
	found := regexp.MustCompile(`<output[^>]*>([A-Za-z0-9]{8})</output>`).FindStringSubmatch(p.Text)
	require.NotNil(p.t, found, p.Text)
	return found[1]
}

// choices are the ids of the roles that the page offers, and whether each is chosen.
func (p page) choices() map[string]bool {
	all := map[string]bool{}
	for _, box := range regexp.MustCompile(`<input type="checkbox" id="[^"]*" name="role" value="([^"]*)"( checked)?>`).FindAllStringSubmatch(p.Text, -1) {
		all[box[1]] = box[2] != ""
	}
	return all
}

func granting(roles ...string) url.Values { return url.Values{"decision": {"grant"}, "role": roles} }

func cookieOf(p page, name string) string {
	for _, line := range p.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, name+"=") {
			return line
		}
	}
	return fmt.Sprintf("no cookie %s", name)
}
