package budget

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/functions/auth"
	"mandate/shared/api"
	"mandate/shared/store"
	"mandate/test/service"
)

// spentTime reports the processor time of an operation, which other loads on the machine move
// least. Nothing else runs in the process.
func spentTime(b *testing.B, run func()) {
	began := processorTime(b)
	run()
	b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/float64(b.N)/1000, "cpu-us/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// subjects are a service with a token of each kind.
func subjects(b *testing.B, with ...service.Option) (*service.Service, []subject) {
	s := service.New(b, append(with, service.WithLog(slog.New(slog.DiscardHandler)))...)
	project := s.ID("projects", "project", map[string]any{"name": "web"})
	role := s.ID("roles", "role", map[string]any{"name": "operator"})
	ada := s.ID("users", "user", map[string]any{"name": "ada", "password": "pw-ada"})
	bob := s.ID("users", "user", map[string]any{"name": "bob", "password": "pw-bob"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	scoped := s.Login("ada", "pw-ada", service.OnProject(project))
	made := s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", scoped, map[string]any{"trust": map[string]any{
		"trustor_user_id": ada, "trustee_user_id": bob, "project_id": project, "impersonation": true,
		"roles": []any{map[string]any{"id": role}},
	}})
	trusted := s.Login("bob", "pw-bob", service.ByTrust(made.Member("trust")["id"].(string)))
	return s, []subject{{"project", scoped, ""}, {"project without catalog", scoped, "?nocatalog"}, {"trust", trusted, ""}, {"garbage", "garbage", ""}}
}

type subject struct{ name, token, query string }

func (c subject) request(s *service.Service) *http.Request {
	r := httptest.NewRequest(http.MethodGet, service.Base+"/v3/auth/tokens"+c.query, nil)
	r.Header.Set("X-Auth-Token", s.Admin())
	r.Header.Set("X-Subject-Token", c.token)
	return r
}

// BenchmarkValidate is one validation from HTTP request to HTTP reply through the local
// gateway: event, function, reads from the table in memory, policy, reply. Without a
// socket and without logging.
func BenchmarkValidate(b *testing.B) {
	s, all := subjects(b)
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			spentTime(b, func() {
				for b.Loop() {
					s.Handler().ServeHTTP(httptest.NewRecorder(), c.request(s))
				}
			})
		})
	}
}

// kept answers reads from a map, once they were answered by the engine and it is on.
type kept struct {
	store.Table
	on    bool
	items store.Items
}

func (k *kept) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if !k.on {
		return k.Table.Read(ctx, keys...)
	}
	found := make(store.Items, len(keys))
	var missing []store.Key
	for _, key := range keys {
		if i, ok := k.items[key]; ok {
			found[key] = i
		} else {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	more, err := k.Table.Read(ctx, missing...)
	for key, i := range more {
		found[key], k.items[key] = i, i
	}
	return found, err
}

// BenchmarkHandler is the operation alone: request in, reads answered from memory, reply out.
func BenchmarkHandler(b *testing.B) {
	k := &kept{items: store.Items{}}
	s, all := subjects(b, service.WithTable(func(t store.Table) store.Table { k.Table = t; return k }))
	k.on = true
	operations := auth.Operations(s.App)
	n := slices.IndexFunc(operations, func(o api.Operation) bool { return o.Name == "ValidateToken" })
	h := operations[n].Handler(s.API)
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			r := c.request(s)
			b.ReportAllocs()
			spentTime(b, func() {
				for b.Loop() {
					h.ServeHTTP(unread{make(http.Header, 8)}, r)
				}
			})
		})
	}
}

// unread is a reply that nobody reads.
type unread struct{ header http.Header }

func (u unread) Header() http.Header         { return u.header }
func (u unread) Write(b []byte) (int, error) { return len(b), nil }
func (u unread) WriteHeader(int)             {}
