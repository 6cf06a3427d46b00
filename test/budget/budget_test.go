// Package budget holds every operation on tokens and trusts to the calls and units that
// design.md section 5 allows it, as counted under real requests through the whole service.
package budget

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// spent is what a request cost, read from its own log line.
type spent struct{ calls, reads, writes float64 }

// ledger is a log that keeps the last line.
type ledger struct {
	mu   sync.Mutex
	last spent
}

func (*ledger) Enabled(context.Context, slog.Level) bool { return true }
func (l *ledger) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *ledger) WithGroup(string) slog.Handler          { return l }
func (l *ledger) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = spent{}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "calls":
			l.last.calls = float64(a.Value.Int64())
		case "read_units":
			l.last.reads = a.Value.Float64()
		case "write_units":
			l.last.writes = a.Value.Float64()
		}
		return true
	})
	return nil
}

// world is a service with a project, its people and a role.
type world struct {
	*service.Service
	ledger                   *ledger
	project, role            string
	ada, bob, cy             string // users
	adaToken, bobToken, root string
}

func build(t *testing.T) *world {
	w := &world{ledger: &ledger{}}
	w.Service = service.New(t, service.WithLog(slog.New(w.ledger)))
	w.project = w.ID("projects", "project", map[string]any{"name": "web"})
	w.role = w.ID("roles", "role", map[string]any{"name": "operator"})
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "cy": &w.cy} {
		*id = w.ID("users", "user", map[string]any{"name": name, "password": "pw-" + name})
	}
	w.Must(http.StatusNoContent, "PUT", "/v3/projects/"+w.project+"/users/"+w.ada+"/roles/"+w.role, w.Admin(), nil)
	w.adaToken = w.Login("ada", "pw-ada", service.OnProject(w.project))
	w.bobToken = w.Login("bob", "pw-bob", nil)
	w.root = w.Login("ada", "pw-ada", nil)
	require.Equal(t, http.StatusOK, w.Validate(w.adaToken).Status) // roles and catalog are in memory from here on
	return w
}

func (w *world) derive(t *testing.T, token string, scope any) string {
	t.Helper()
	return w.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", service.TokenAuth(token, scope)).Header.Get("X-Subject-Token")
}

func (w *world) trust(t *testing.T, token, trustee string, more map[string]any) string {
	t.Helper()
	grant := map[string]any{
		"trustor_user_id": w.ada, "trustee_user_id": trustee, "project_id": w.project, "impersonation": true,
		"roles": []any{map[string]any{"id": w.role}},
	}
	for k, v := range more {
		grant[k] = v
	}
	return w.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", token, map[string]any{"trust": grant}).Member("trust")["id"].(string)
}

// at most asserts what the last request cost.
func (w *world) atMost(t *testing.T, calls, reads, writes float64) {
	t.Helper()
	got := w.ledger.last
	record(t.Name(), got)
	t.Logf("%.0f calls, %.1f read units, %.1f write units", got.calls, got.reads, got.writes)
	assert.LessOrEqual(t, got.calls, calls, "calls")
	assert.LessOrEqual(t, got.reads, reads, "read units")
	assert.LessOrEqual(t, got.writes, writes, "write units")
	assert.Positive(t, got.calls, "the request was counted")
}

// call uses a token where nothing is read but what the token itself stands on.
func (w *world) call(t *testing.T, token string) {
	t.Helper()
	r := w.Do("GET", "/v3/auth/catalog", token, nil)
	require.Contains(t, []int{http.StatusOK, http.StatusForbidden}, r.Status, r.Text) // an unscoped token has no catalog
}

func TestValidate(t *testing.T) {
	w := build(t)
	again := map[string]any{"allow_redelegation": true}
	first := w.trust(t, w.adaToken, w.bob, again)
	bob := w.Login("bob", "pw-bob", service.ByTrust(first))
	second := w.trust(t, bob, w.cy, again)
	cy := w.Login("cy", "pw-cy", service.ByTrust(second))
	third := w.trust(t, cy, w.bob, again)
	deep := w.Login("bob", "pw-bob", service.ByTrust(third))
	fourth := w.trust(t, deep, w.cy, nil)
	deepest := w.derive(t, w.Login("cy", "pw-cy", nil), service.ByTrust(fourth))
	derived := w.derive(t, w.root, service.OnProject(w.project))
	program := w.delegate(t)
	signed := program.token(t)

	for _, c := range []struct {
		name  string
		token string
		reads float64
	}{
		{"an unscoped token", w.root, 5},
		{"a project token", w.adaToken, 5},
		{"a derived project token: and the root of its chain", derived, 6},
		{"a trust token", bob, 7},
		{"a token by OAuth1", signed, 7},
		{"a trust token at depth 1: and the step and its middle trustee", cy, 9},
		{"a trust token at depth 2: and one more step", deep, 11},
		{"a derived trust token at depth 3, the deepest by default: and one more, and the root", deepest, 13},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.call(t, c.token)
			w.atMost(t, 1, c.reads, 0)
		})
	}
	t.Run("by another caller", func(t *testing.T) {
		require.Equal(t, http.StatusOK, w.Validate(w.adaToken).Status)
		w.atMost(t, 1, 5+4, 0)
	})
	t.Run("a dead token costs no more", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", derived)
		require.Equal(t, http.StatusNotFound, w.Validate(derived).Status)
		w.atMost(t, 1, 6+4, 0)
	})
	t.Run("garbage costs the caller's reads only", func(t *testing.T) {
		require.Equal(t, http.StatusNotFound, w.Validate("garbage").Status)
		w.atMost(t, 1, 5, 0)
	})
}

func TestIssue(t *testing.T) {
	w := build(t)
	t.Run("by token", func(t *testing.T) {
		w.derive(t, w.adaToken, service.OnProject(w.project))
		w.atMost(t, 2, 6, 3)
	})
	t.Run("by password and ids", func(t *testing.T) {
		body := service.PasswordAuth("", "pw-ada", service.OnProject(w.project))
		body["auth"].(map[string]any)["identity"].(map[string]any)["password"] = map[string]any{
			"user": map[string]any{"id": w.ada, "password": "pw-ada"},
		}
		w.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", body)
		w.atMost(t, 2, 6, 3)
	})
	t.Run("by password and names", func(t *testing.T) {
		scope := map[string]any{"project": map[string]any{"name": "web", "domain": map[string]any{"name": "Default"}}}
		w.Login("ada", "pw-ada", scope) // the domain's id is guessed from here on
		w.Login("ada", "pw-ada", scope)
		w.atMost(t, 3, 9, 3)
	})
	t.Run("by trust", func(t *testing.T) {
		id := w.trust(t, w.adaToken, w.bob, nil)
		w.derive(t, w.bobToken, service.ByTrust(id))
		w.atMost(t, 2, 8, 8) // the first in an hour: and the note of when, in one transaction
		w.derive(t, w.bobToken, service.ByTrust(id))
		w.atMost(t, 2, 8, 3)
	})
	t.Run("by a trust with limited uses: and the use, in one transaction", func(t *testing.T) {
		id := w.trust(t, w.adaToken, w.bob, map[string]any{"remaining_uses": 5})
		w.derive(t, w.bobToken, service.ByTrust(id))
		w.derive(t, w.bobToken, service.ByTrust(id))
		w.atMost(t, 2, 8, 8)
	})
}

func TestChange(t *testing.T) {
	w := build(t)
	expiring := map[string]any{"expires_at": "2099-01-01T00:00:00Z"}
	var id string
	t.Run("create a trust", func(t *testing.T) {
		id = w.trust(t, w.adaToken, w.bob, expiring)
		w.atMost(t, 2, 10, 20)
	})
	t.Run("delete a trust", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", "/v3/OS-TRUST/trusts/"+id, w.adaToken, nil)
		w.atMost(t, 2, 10, 20)
	})
	t.Run("revoke a token", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", w.adaToken, nil, "X-Subject-Token", w.adaToken)
		w.atMost(t, 2, 6, 4)
	})
	t.Run("disable a user", func(t *testing.T) {
		w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.bob, w.Admin(), map[string]any{"user": map[string]any{"enabled": false}})
		w.atMost(t, 2, 8, 4)
	})
	t.Run("change a password", func(t *testing.T) {
		w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.cy, w.Admin(), map[string]any{"user": map[string]any{"password": "new"}})
		w.atMost(t, 2, 8, 4)
	})
}

func TestList(t *testing.T) {
	w := build(t)
	for range 3 {
		w.trust(t, w.adaToken, w.bob, nil)
	}
	t.Run("my trusts", func(t *testing.T) {
		r := w.Must(http.StatusOK, "GET", "/v3/OS-TRUST/trusts?trustor_user_id="+w.ada, w.adaToken, nil)
		require.Len(t, r.Body["trusts"], 3)
		// The caller's evidence and the list are asked for side by side; then the items.
		w.atMost(t, 3, 20, 0)
	})
}
