package transcripts_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store/embedded"
	"mandate/test/transcripts"
)

const base = "http://127.0.0.1:5000"

// TestTranscripts replays every transcript against the whole service in this process:
// routes of the template, API Gateway's events, the functions' own handlers, the
// embedded table. The stream is not read, for nothing that a client sees may wait for it.
func TestTranscripts(t *testing.T) {
	paths, err := transcripts.Find(".")
	require.NoError(t, err)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.ToSlash(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			transcripts.Replay(t, newServer(t), ".", path)
		})
	}
}

// newServer is a service of its own, with a clock that only moves on further than time.
func newServer(t *testing.T) transcripts.Server {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	table, err := embedded.Open(embedded.Options{Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	a, err := app.New(t.Context(), app.Parts{
		Config: settings, Table: table, Wrapper: key, Now: now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	_, err = a.Directory.Bootstrap(t.Context(), directory.BootstrapOptions{
		AdminPassword: secret.New("secret-admin"), PublicURL: base + "/v3", InternalURL: base + "/v3", AdminURL: base + "/v3",
	})
	require.NoError(t, err)
	service, err := local.Serve(a)
	require.NoError(t, err)
	return transcripts.Server{
		Base: base, AdminName: "admin", AdminPassword: "secret-admin", AdminProject: "admin",
		Now: now, Wait: func(d time.Duration) { ahead.Add(int64(d)) },
		Do: func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			return w.Result(), nil
		},
	}
}
