package trusts_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/test/service"
)

// world is a service in one process with three people, of whom ada is member on project
// web and bob and eve are nothing.
type world struct {
	*service.Service
	t   *testing.T
	log *lines

	ada, bob, eve, web, member string
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

func newWorld(t *testing.T, with ...service.Option) *world {
	t.Helper()
	w := &world{t: t, log: &lines{}}
	w.Service = service.New(t, append(with,
		service.WithLog(slog.New(slog.NewJSONHandler(w.log, nil))))...)
	ctx := t.Context()
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "eve": &w.eve} {
		*id = w.user(name, directory.DefaultDomain)
	}
	p, err := w.Directory.CreateProject(ctx, w.reads(), directory.Project{Name: "web", DomainID: directory.DefaultDomain, Enabled: true})
	require.NoError(t, err)
	w.web = p.ID
	rs := w.reads()
	require.NoError(t, rs.Settle(ctx, func() error {
		all, err := w.Registry.Roles(rs)
		if err != nil {
			return err
		}
		member, ok := all.Named("", "member")
		require.True(t, ok)
		w.member = member.ID
		return nil
	}))
	require.NoError(t, w.Directory.Grant(ctx, w.reads(), store.UserActor(w.ada), store.OnProject(w.web), w.member))
	return w
}

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

// login gets a token by password; scope may be nil.
func (w *world) login(name, userID string, scope any) string {
	w.t.Helper()
	a := object{"identity": object{"methods": []string{"password"}, "password": object{
		"user": object{"id": userID, "password": password(name).Reveal()}}}}
	if scope != nil {
		a["scope"] = scope
	}
	r := w.Do("POST", "/v3/auth/tokens", "", object{"auth": a})
	require.Equal(w.t, http.StatusCreated, r.Status, "%s\n%s", r.Text, w.log.last(w.t).Cause)
	return r.Header.Get("X-Subject-Token")
}

// use asks for a token of a trust with the trustee's token.
func (w *world) use(trustID, token string) service.Reply {
	w.t.Helper()
	return w.Do("POST", "/v3/auth/tokens", "", object{"auth": object{
		"identity": object{"methods": []string{"token"}, "token": object{"id": token}},
		"scope":    object{"OS-TRUST:trust": object{"id": trustID}},
	}})
}

// tokenOf is use that succeeds.
func (w *world) tokenOf(trustID, token string) string {
	w.t.Helper()
	r := w.use(trustID, token)
	require.Equal(w.t, http.StatusCreated, r.Status, "%s\n%s", r.Text, w.log.last(w.t).Cause)
	return r.Header.Get("X-Subject-Token")
}

// validate shows a token to its subject. The subject of a trust's token is the trustee,
// who needs a token of her own to ask: with impersonation the trust's token acts as the
// trustor.
func (w *world) validate(subject, caller string) int {
	w.t.Helper()
	return w.Do("GET", "/v3/auth/tokens", caller, nil, "X-Subject-Token", subject).Status
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
	r := w.Do("POST", "/v3/OS-TRUST/trusts", token, body)
	require.Equal(w.t, http.StatusCreated, r.Status, "%s\n%s", r.Text, w.log.last(w.t).Cause)
	return r.Member("trust")["id"].(string)
}
