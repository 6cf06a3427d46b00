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

	"mandate/test/service"
	"mandate/test/transcripts"
)

// TestTranscripts replays every transcript against the whole service in this process:
// routes of the template, API Gateway's events, the functions' own handlers, the
// embedded table. The stream is read only while a transcript waits, for nothing but the
// list of revocation events may wait for it.
// Every reply is also as docs/openapi.yaml describes it.
func TestTranscripts(t *testing.T) {
	paths, err := transcripts.Find(".")
	require.NoError(t, err)
	says := readDescription(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.ToSlash(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			answer := s.Do
			s.Do = func(r *http.Request) (*http.Response, error) {
				w, err := answer(r)
				if err == nil {
					err = says.check(r, w)
				}
				return w, err
			}
			transcripts.Replay(t, s, ".", path)
		})
	}
}

// newServer is a service of its own, whose clock can be put forward.
func newServer(t *testing.T) transcripts.Server {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := service.New(t, service.WithClock(now), service.WithVariable("PUBLIC_URL", ""),
		service.WithLog(slog.New(slog.NewTextHandler(t.Output(), nil))))
	return transcripts.Server{
		Base: service.Base, AdminName: "admin", AdminPassword: service.AdminPassword, AdminProject: "admin",
		Now: now, Wait: func(d time.Duration) { ahead.Add(int64(d)); s.Drain() },
		Do: func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			return w.Result(), nil
		},
	}
}
