package events

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/bulk"
	"mandate/shared/revocation"
	"mandate/shared/secret"
	"mandate/test/service"
)

// TestFollow follows the list through an outage and past an event that is listed long after
// others, and ends without an error when it is told to.
func TestFollow(t *testing.T) {
	s := service.New(t)
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		s.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	event := func(id string, ago time.Duration) string {
		e := revocation.Event{ID: id + "0123456789abcdef0123456789abcde", Type: revocation.UserDeleted, Match: revocation.Match{UserID: id},
			RevokedAt: time.Now().Add(-ago).Truncate(time.Microsecond).UTC()}
		require.NoError(t, s.Events.Add(t.Context(), e))
		return e.ID
	}
	told, lost, ended := make(chan string, 100), make(chan error, 100), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		cloud := bulk.Cloud{AuthURL: server.URL, Username: "admin", Password: secret.New(service.AdminPassword), ProjectName: "admin"}
		ended <- bulk.Follow(ctx, cloud, server.Client(), bulk.Following{Every: time.Millisecond,
			Tell: func(e bulk.Told) error { told <- e.ID; return nil },
			Lost: func(err error) { lost <- err }})
	}()
	next := func(what string) string {
		t.Helper()
		select {
		case id := <-told:
			return id
		case err := <-ended:
			t.Fatalf("%s: it ended: %v", what, err)
		case <-time.After(20 * time.Second):
			t.Fatalf("%s was not told", what)
		}
		return ""
	}
	assert.Equal(t, event("a", 0), next("an event"))
	down.Store(true)
	require.ErrorContains(t, <-lost, "502")
	during := event("b", 0)
	require.Error(t, <-lost, "asked again, and still there is no answer")
	down.Store(false)
	assert.Equal(t, during, next("an event of the outage"))
	assert.Equal(t, event("c", 30*time.Second), next("an event that is listed half a minute late"))
	s.Must(http.StatusNoContent, "DELETE", "/v3/users/"+s.ID("users", "user", map[string]any{"name": "eve"})+"/tokens", s.Admin(), nil)
	s.Drain()
	next("what ended last") // and none of the others a second time
	stop()
	require.NoError(t, <-ended)
	assert.Empty(t, told)
}
