package events

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/test/service"
)

// TestExpiryIsToldToNobody: what expires is dead on read at once, the sweeper removes it
// within its interval without being asked, and neither is an event; an end that somebody
// brought about is one.
func TestExpiryIsToldToNobody(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	engine, err := embedded.Open(embedded.Options{Now: now, SweepEvery: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	s := service.New(t, service.WithEngine(engine), service.WithClock(now))
	project := s.ID("projects", "project", map[string]any{"name": "web"})
	role := s.ID("roles", "role", map[string]any{"name": "operator"})
	ada := s.ID("users", "user", map[string]any{"name": "ada", "password": "pw-ada"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	trust := func(until string) (id, token string) {
		id = s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", s.Login("ada", "pw-ada", service.OnProject(project)), map[string]any{"trust": map[string]any{
			"trustor_user_id": ada, "trustee_user_id": ada, "project_id": project, "impersonation": false,
			"roles": []any{map[string]any{"id": role}}, "expires_at": until,
		}}).Member("trust")["id"].(string)
		return id, s.Login("ada", "pw-ada", service.ByTrust(id))
	}
	events := func() int {
		s.Drain()
		return len(s.Must(http.StatusOK, "GET", "/v3/OS-REVOKE/events?details=1", s.Admin(), nil).Body["events"].([]any))
	}
	first, token := trust(now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000000Z"))
	before := events()
	require.Equal(t, http.StatusOK, s.Validate(token).Status)
	row := s.Validate(token).Member("token")["audit_ids"].([]any)[0].(string)

	ahead.Add(int64(time.Minute + time.Second))
	require.Equal(t, http.StatusNotFound, s.Validate(token).Status, "dead on read")
	ahead.Add(int64(200 * 24 * time.Hour)) // past every retention
	s.Forget()
	require.Eventually(t, func() bool {
		items, err := engine.Read(t.Context(), store.Trust(first), key(t, row))
		return err == nil && len(items) == 0
	}, 20*time.Second, 10*time.Millisecond)
	assert.Equal(t, before, events(), "told of an expiry")

	second, _ := trust(now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"))
	s.Must(http.StatusNoContent, "DELETE", "/v3/OS-TRUST/trusts/"+second, s.Admin(), nil)
	assert.Greater(t, events(), before)
}

// key is that of a token's row, by its audit id as clients see it.
func key(t *testing.T, audit string) store.Key {
	raw, err := base64.RawURLEncoding.DecodeString(audit)
	require.NoError(t, err)
	return store.Token(hex.EncodeToString(raw))
}
