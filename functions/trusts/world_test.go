package trusts_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/functions/auth"
	"mandate/functions/trusts"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// world is a service in one process with three people, of whom ada is member on project
// web and bob and eve are nothing.
type world struct {
	*app.App
	t      *testing.T
	mux    *http.ServeMux
	log    *lines
	offset atomic.Int64 // nanoseconds that the service's clock is ahead

	ada, bob, eve, web, member, reader string
	domain                             string
}

// lines keeps what a service logs.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// event is what the log says about one request.
type event struct {
	Operation  string  `json:"operation"`
	Trips      int     `json:"trips"`
	Calls      int     `json:"calls"`
	ReadUnits  float64 `json:"read_units"`
	WriteUnits float64 `json:"write_units"`
	Cause      string  `json:"cause"`
}

// last is the event of the last request.
func (l *lines) last(t *testing.T) (e event) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Split(strings.TrimSpace(l.b.String()), "\n")
	require.NoError(t, json.Unmarshal([]byte(all[len(all)-1]), &e))
	return e
}

func newWorld(t *testing.T, around ...func(store.Table) store.Table) *world {
	t.Helper()
	w := &world{t: t, mux: http.NewServeMux(), log: &lines{}}
	engine, err := embedded.Open(embedded.Options{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	var table store.Table = engine
	for _, decorate := range around {
		table = decorate(table)
	}
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	w.App, err = app.New(t.Context(), app.Parts{
		Config: settings, Table: table, Wrapper: key, Now: w.now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	})
	require.NoError(t, err)
	operations := append(trusts.Operations(w.App), auth.Operations(w.App)...)
	for _, o := range operations {
		for name, pattern := range map[string]string{
			"CreateTrust": "POST /v3/OS-TRUST/trusts", "ListTrusts": "GET /v3/OS-TRUST/trusts",
			"GetTrust": "GET /v3/OS-TRUST/trusts/{trust_id}", "DeleteTrust": "DELETE /v3/OS-TRUST/trusts/{trust_id}",
			"ListTrustRoles": "GET /v3/OS-TRUST/trusts/{trust_id}/roles",
			"GetTrustRole":   "GET /v3/OS-TRUST/trusts/{trust_id}/roles/{role_id}",
			"IssueToken":     "POST /v3/auth/tokens", "ValidateToken": "GET /v3/auth/tokens", "RevokeToken": "DELETE /v3/auth/tokens",
		} {
			if o.Name == name {
				w.mux.Handle(pattern, o.Handler(w.API))
			}
		}
	}

	ctx := t.Context()
	d, err := w.Directory.CreateDomain(ctx, w.reads(), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	w.domain = d.ID
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "eve": &w.eve} {
		*id = w.user(name, d.ID)
	}
	p, err := w.Directory.CreateProject(ctx, w.reads(), directory.Project{Name: "web", DomainID: d.ID, Enabled: true})
	require.NoError(t, err)
	w.web = p.ID
	for name, id := range map[string]*string{"member": &w.member, "reader": &w.reader} {
		r, err := w.Directory.CreateRole(ctx, w.reads(), directory.Role{Name: name})
		require.NoError(t, err)
		*id = r.ID
	}
	require.NoError(t, w.Directory.Imply(ctx, w.reads(), w.member, w.reader))
	require.NoError(t, w.Directory.Grant(ctx, w.reads(), store.UserActor(w.ada), store.OnProject(w.web), w.member))
	return w
}

func (w *world) now() time.Time        { return time.Now().Add(time.Duration(w.offset.Load())) }
func (w *world) later(d time.Duration) { w.offset.Add(int64(d)) }
func (w *world) reads() *store.ReadSet { return store.NewReadSet(w.Table) }
func password(name string) secret.Text { return secret.New("secret of " + name) }

func (w *world) user(name, domain string) string {
	w.t.Helper()
	p := password(name)
	u, err := w.Directory.CreateUser(w.t.Context(), w.reads(), directory.User{Name: name, DomainID: domain, Enabled: true}, &p)
	require.NoError(w.t, err)
	return u.ID
}

// object is a JSON object.
type object = map[string]any

type reply struct {
	*httptest.ResponseRecorder
	body object
}

func (w *world) do(method, path, token string, body any, headers ...string) reply {
	w.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		text, err = json.Marshal(b)
		require.NoError(w.t, err)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "https://id.example"+path, bytes.NewReader(text))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	out := reply{ResponseRecorder: httptest.NewRecorder()}
	w.mux.ServeHTTP(out, r)
	if out.Body.Len() > 0 {
		require.NoError(w.t, json.Unmarshal(out.Body.Bytes(), &out.body), "%s", out.Body)
	}
	return out
}

// login gets a token by password; scope may be nil.
func (w *world) login(name, userID string, scope any) string {
	w.t.Helper()
	a := object{"identity": object{"methods": []string{"password"}, "password": object{
		"user": object{"id": userID, "password": password(name).Reveal()}}}}
	if scope != nil {
		a["scope"] = scope
	}
	r := w.do("POST", "/v3/auth/tokens", "", object{"auth": a})
	require.Equal(w.t, http.StatusCreated, r.Code, "%s\n%s", r.Body, w.log.last(w.t).Cause)
	return r.Header().Get("X-Subject-Token")
}

// use asks for a token of a trust with the trustee's token.
func (w *world) use(trustID, token string) reply {
	w.t.Helper()
	return w.do("POST", "/v3/auth/tokens", "", object{"auth": object{
		"identity": object{"methods": []string{"token"}, "token": object{"id": token}},
		"scope":    object{"OS-TRUST:trust": object{"id": trustID}},
	}})
}

// tokenOf is use that succeeds.
func (w *world) tokenOf(trustID, token string) string {
	w.t.Helper()
	r := w.use(trustID, token)
	require.Equal(w.t, http.StatusCreated, r.Code, "%s\n%s", r.Body, w.log.last(w.t).Cause)
	return r.Header().Get("X-Subject-Token")
}

// validate shows a token to its subject. The subject of a trust's token is the trustee,
// who needs a token of her own to ask: with impersonation the trust's token acts as the
// trustor.
func (w *world) validate(subject, caller string) int {
	w.t.Helper()
	return w.do("GET", "/v3/auth/tokens", caller, nil, "X-Subject-Token", subject).Code
}

// scope is ada's project.
func (w *world) scope() object { return object{"project": object{"id": w.web}} }

// trust is a body for a trust of ada's to bob.
func (w *world) trust(more ...object) object {
	t := object{
		"trustor_user_id": w.ada, "trustee_user_id": w.bob, "impersonation": true, "project_id": w.web,
		"roles": []object{{"id": w.member}},
	}
	for _, m := range more {
		for k, v := range m {
			t[k] = v
		}
	}
	return object{"trust": t}
}

func (w *world) create(token string, body any) string {
	w.t.Helper()
	r := w.do("POST", "/v3/OS-TRUST/trusts", token, body)
	require.Equal(w.t, http.StatusCreated, r.Code, "%s\n%s", r.Body, w.log.last(w.t).Cause)
	return r.body["trust"].(object)["id"].(string)
}
