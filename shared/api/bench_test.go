package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mandate/shared/policy"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// atOnce knows the caller without reading.
type atOnce policy.Caller

func (a atOnce) Caller(*store.ReadSet, secret.Text) (policy.Caller, error) {
	return policy.Caller(a), nil
}

// discard is a reply that nobody reads.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkHandler is what every request costs beside what the operation does: decode,
// policy, encode and the event line.
func BenchmarkHandler(b *testing.B) {
	for name, log := range map[string]*slog.Logger{
		"log_off": slog.New(slog.DiscardHandler),
		"log_on":  slog.New(slog.NewJSONHandler(io.Discard, nil)),
	} {
		s := newBench(b)
		s.Tokens, s.Log = atOnce(admin), log
		b.Run("show/"+name, func(b *testing.B) {
			h := show().Handler(s.Server)
			r := with(httptest.NewRequest("GET", "/v3/users/ada", nil), "user_id", "ada")
			r.Header.Set("X-Auth-Token", adminToken)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{make(http.Header, 8)}, r)
			}
		})
		b.Run("create/"+name, func(b *testing.B) {
			h := create(false).Handler(s.Server)
			body := strings.NewReader(`{"region": {"id": "eu", "description": "somewhere", "tags": [{"name": "a"}, {"name": "b"}]}}`)
			r := httptest.NewRequest("POST", "/v3/regions", body)
			r.Header.Set("X-Auth-Token", adminToken)
			r.Header.Set("Content-Type", "application/json")
			b.ReportAllocs()
			for b.Loop() {
				_, _ = body.Seek(0, io.SeekStart)
				h.ServeHTTP(discard{make(http.Header, 8)}, r)
			}
		})
	}
}
