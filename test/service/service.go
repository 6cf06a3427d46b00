// Package service runs the whole service inside a test: every function of template.yaml
// behind the local gateway, over one table, bootstrapped, with its stream driven by the
// test. Nothing in it is faked but, where a test asks for it, the clock and the table's
// faults.
package service

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/store/tear"
)

// Base is where clients of a test find the service.
const Base = "http://identity.test"

// AdminPassword is the password of the user admin.
const AdminPassword = "secret-admin"

// Service is a running service.
type Service struct {
	*app.App
	Engine  store.Table // the engine itself, below everything
	handler *local.Service
	admin   string
	t       testing.TB
}

// Option changes how a service is put together.
type Option func(*options)

type options struct {
	engine   store.Table
	decorate func(store.Table) store.Table
	now      func() time.Time
	log      *slog.Logger
	hasher   directory.Hasher
	wrapper  secret.Wrapper
	second   bool
	env      map[string]string
}

// WithEngine runs on another engine than one in memory, unless it is nil.
func WithEngine(t store.Table) Option { return func(o *options) { o.engine = t } }

// WithTable puts something between the service and its engine: faults, torn reads.
func WithTable(decorate func(store.Table) store.Table) Option {
	return func(o *options) { o.decorate = decorate }
}

// Torn splits every read into single ones in any order, as DynamoDB may.
func Torn() Option {
	return WithTable(func(t store.Table) store.Table { return tear.New(t, tear.Options{Seed: 1}) })
}

// Faulty tears reads apart, and of all calls loses one in ten before and one in ten after it
// was made; of writes, one in ten meets a conflict.
func Faulty() Option {
	return WithTable(func(t store.Table) store.Table {
		return faults.New(tear.New(t, tear.Options{Seed: 1}), faults.Options{Seed: 1, Throttle: 0.1, Lost: 0.1, Contend: 0.1})
	})
}

// WithClock sets the clock.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithLog keeps the log.
func WithLog(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithHasher hashes passwords otherwise than as many at once as there are cores.
func WithHasher(h *secret.Hasher) Option { return func(o *options) { o.hasher = h } }

// WithWrapper protects the keyset otherwise than by a new key in memory: for two services
// over one engine.
func WithWrapper(w secret.Wrapper) Option { return func(o *options) { o.wrapper = w } }

// Second is another instance of a service over the same engine, which was bootstrapped.
func Second() Option { return func(o *options) { o.second = true } }

// WithVariable sets a variable of shared/config.
func WithVariable(name, value string) Option { return func(o *options) { o.env[name] = value } }

// New starts a service that ends with the test.
func New(t testing.TB, with ...Option) *Service {
	t.Helper()
	o := options{now: time.Now, log: slog.New(slog.DiscardHandler), env: map[string]string{"PUBLIC_URL": Base}}
	for _, f := range with {
		f(&o)
	}
	if o.engine == nil {
		engine, err := embedded.Open(embedded.Options{Now: o.now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, engine.Close()) })
		o.engine = engine
	}
	table := o.engine
	if o.decorate != nil {
		table = o.decorate(table)
	}
	settings, err := config.Read(func(name string) string { return o.env[name] })
	require.NoError(t, err)
	if o.wrapper == nil {
		o.wrapper, err = secret.NewMasterKey()
		require.NoError(t, err)
	}
	a, err := app.New(t.Context(), app.Parts{Config: settings, Table: table, Wrapper: o.wrapper, Hasher: o.hasher, Now: o.now, Log: o.log})
	require.NoError(t, err)
	if !o.second {
		bootstrap(t, a)
	}
	handler, err := local.Serve(a)
	require.NoError(t, err)
	return &Service{App: a, Engine: o.engine, handler: handler, t: t}
}

func bootstrap(t testing.TB, a *app.App) {
	t.Helper()
	_, err := a.Directory.Bootstrap(t.Context(), directory.BootstrapOptions{
		AdminPassword: secret.New(AdminPassword), PublicURL: Base + "/v3", InternalURL: Base + "/v3", AdminURL: Base + "/v3",
	})
	require.NoError(t, err)
}

// Reply is an answer. Body is its JSON, nil when it has none.
type Reply struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

// Handler is the service as an http.Handler.
func (s *Service) Handler() http.Handler { return s.handler }

// Send sends a request; it may be called from several goroutines.
func (s *Service) Send(r *http.Request) Reply {
	if r.Host == "" {
		r.Host = strings.TrimPrefix(Base, "http://")
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	reply := Reply{Status: w.Code, Header: w.Result().Header, Text: w.Body.String()}
	if strings.HasPrefix(reply.Text, "{") {
		if err := json.Unmarshal([]byte(reply.Text), &reply.Body); err != nil {
			s.t.Errorf("%s %s answered what is not JSON: %s", r.Method, r.URL, reply.Text)
		}
	}
	return reply
}

// Do sends a request with a token ("" for none) and a body: nil, a string as it is, or
// anything else as JSON. Headers come in pairs.
func (s *Service) Do(method, path, token string, body any, headers ...string) Reply {
	return s.Send(s.Request(method, path, token, body, headers...))
}

// AtOnce sends so many requests side by side and counts the answers by status. Whoever is told
// to come back does, as clients should. Over an engine in another process, 64 are under way at
// a time: it answers no more before they give up.
func (s *Service) AtOnce(times int, request func(n int) *http.Request) map[int]int {
	var mu sync.Mutex
	var group sync.WaitGroup
	underWay := times
	if _, inProcess := s.Engine.(*embedded.Table); !inProcess {
		underWay = min(times, 64)
	}
	turn := make(chan struct{}, underWay)
	requests, counts := make([]*http.Request, times), map[int]int{}
	for n := range times {
		requests[n] = request(n)
	}
	for n, r := range requests {
		group.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			reply := s.Send(r)
			for reply.Status == http.StatusServiceUnavailable {
				reply = s.Send(request(n))
			}
			mu.Lock()
			defer mu.Unlock()
			counts[reply.Status]++
		})
	}
	group.Wait()
	return counts
}

// Request is the request that Do sends.
func (s *Service) Request(method, path, token string, body any, headers ...string) *http.Request {
	text, isText := body.(string)
	if body != nil && !isText {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Errorf("encode a body: %v", err)
		}
		text = string(b)
	}
	r := httptest.NewRequestWithContext(context.Background(), method, Base+path, strings.NewReader(text))
	if text != "" {
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

// Must sends a request that has to succeed with a status.
func (s *Service) Must(status int, method, path, token string, body any, headers ...string) Reply {
	s.t.Helper()
	r := s.Do(method, path, token, body, headers...)
	require.Equal(s.t, status, r.Status, "%s %s: %s", method, path, r.Text)
	return r
}

// Admin is a token of the user admin for the project admin.
func (s *Service) Admin() string {
	s.t.Helper()
	if s.admin == "" {
		s.admin = s.Login("admin", AdminPassword, map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}}})
	}
	return s.admin
}

// Forget drops the admin's token, which Admin keeps, because the clock went past its end.
func (s *Service) Forget() { s.admin = "" }

// PasswordAuth is the body that signs a user of the default domain in; scope may be nil.
func PasswordAuth(name, password string, scope any) map[string]any {
	auth := map[string]any{"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{
		"user": map[string]any{"name": name, "domain": map[string]any{"id": "default"}, "password": password},
	}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return map[string]any{"auth": auth}
}

// TokenAuth is the body that turns a token into another; scope may be nil.
func TokenAuth(token string, scope any) map[string]any {
	auth := map[string]any{"identity": map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": token}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return map[string]any{"auth": auth}
}

// OnProject, OnDomain, OnSystem and ByTrust are scopes.
func OnProject(id string) map[string]any { return map[string]any{"project": map[string]any{"id": id}} }

// OnDomain is the scope of a domain.
func OnDomain(id string) map[string]any { return map[string]any{"domain": map[string]any{"id": id}} }

// OnSystem is the scope of the system.
func OnSystem() map[string]any { return map[string]any{"system": map[string]any{"all": true}} }

// ByTrust is the scope of a trust.
func ByTrust(id string) map[string]any {
	return map[string]any{"OS-TRUST:trust": map[string]any{"id": id}}
}

// Login signs a user of the default domain in and returns her token.
func (s *Service) Login(name, password string, scope any) string {
	s.t.Helper()
	return s.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", PasswordAuth(name, password, scope)).Header.Get("X-Subject-Token")
}

// Validate asks about a token as the admin and returns the status.
func (s *Service) Validate(subject string) Reply {
	s.t.Helper()
	return s.Do("GET", "/v3/auth/tokens", s.Admin(), nil, "X-Subject-Token", subject)
}

// ID creates something as the admin and returns its id: ID("users", "user", attributes).
func (s *Service) ID(collection, member string, attributes map[string]any) string {
	s.t.Helper()
	r := s.Must(http.StatusCreated, "POST", "/v3/"+collection, s.Admin(), map[string]any{member: attributes})
	return r.Member(member)["id"].(string)
}

// Member is an object of the body.
func (r Reply) Member(name string) map[string]any { m, _ := r.Body[name].(map[string]any); return m }

// Drain gives the stream functions all changes up to now.
func (s *Service) Drain() {
	s.t.Helper()
	log, ok := s.Engine.(store.Log)
	require.True(s.t, ok, "the engine has a change log")
	for _, f := range s.handler.Streams {
		require.NoError(s.t, f.Poller(log, s.Log).Drain(s.t.Context()))
	}
}
