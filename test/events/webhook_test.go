package events

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/config"
	"mandate/shared/local"
	"mandate/shared/store"
	"mandate/shared/webhook"
	"mandate/test/service"
)

// TestWebhook revokes a token while the endpoint is dead: the event is on the list as ever,
// and is posted once the endpoint lives, under the id that it has on the list.
func TestWebhook(t *testing.T) {
	const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
	verifier, err := standard.NewWebhook(key)
	require.NoError(t, err)
	var alive atomic.Bool
	refused, posted := make(chan struct{}, 1000), make(chan string, 1000)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, verifier.Verify(body, r.Header))
		if !alive.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			refused <- struct{}{}
			return
		}
		posted <- r.Header.Get("webhook-id")
	}))
	t.Cleanup(endpoint.Close)

	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := service.New(t, service.WithLog(logger))
	settings, err := config.ReadWebhook(func(name string) string {
		return map[string]string{
			"WEBHOOK_URL": endpoint.URL, "WEBHOOK_SECRET": key, "WEBHOOK_HOSTS": "127.0.0.1", "WEBHOOK_ALLOW_PRIVATE": "true",
		}[name]
	})
	require.NoError(t, err)
	target, err := webhook.New(settings, logger)
	require.NoError(t, err)

	token := s.Login("admin", service.AdminPassword, nil)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	functions, err := local.Serve(s.App)
	require.NoError(t, err)
	reader := functions.Webhook(s.App, target)
	reader.Settings.FromStart = true // so that nothing depends on when it begins
	running.Go(func() { assert.NoError(t, reader.Poller(s.Engine.(store.Log), logger).Run(ctx)) })
	s.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", s.Admin(), nil, "X-Subject-Token", token)
	for range 4 { // once more than it is tried before its reader is told
		<-refused
	}
	s.Drain()
	listed := s.Must(http.StatusOK, "GET", "/v3/OS-REVOKE/events?details=1", s.Admin(), nil).Body["events"].([]any)
	require.Len(t, listed, 2)

	alive.Store(true)
	ids := map[string]int{}
	for range listed {
		select {
		case id := <-posted:
			ids[id]++
		case <-time.After(20 * time.Second):
			t.Fatal("not posted")
		}
	}
	stop()
	running.Wait()
	for _, e := range listed {
		assert.Equal(t, 1, ids[e.(map[string]any)["id"].(string)])
	}
	assert.Contains(t, log.String(), "503")
	assert.NotContains(t, log.String(), key[len("whsec_"):])
}
