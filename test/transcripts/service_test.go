package transcripts_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate"
	"mandate/functions/routes"
	"mandate/shared/route"
	"mandate/shared/sam"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/faults"
	"mandate/test/service"
	"mandate/test/transcripts"
)

// TestTranscripts replays every transcript against the whole service in this process:
// routes of the template, API Gateway's events, the functions' own handlers, the
// embedded table. The stream is read only while a transcript waits, for nothing but the
// list of revocation events may wait for it.
// A function whose role may only read stands on a table that refuses every write, and the
// transcript of such a function has to have met it.
// Every reply is also as docs/openapi.yaml describes it.
func TestTranscripts(t *testing.T) {
	paths, err := transcripts.Find(".")
	require.NoError(t, err)
	says, readers := readDescription(t), readersOf(t)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.ToSlash(path), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, readers)
			answer := s.Do
			s.Do = func(r *http.Request) (*http.Response, error) {
				w, err := answer(r)
				if err == nil {
					err = says.check(r, w)
				}
				return w, err
			}
			transcripts.Replay(t, s.Server, ".", path)
			operation, _, _ := strings.Cut(filepath.Base(name), ".")
			if only, ok := readers[operation]; ok {
				assert.Positive(t, s.met[only], "%s was not asked anything", only)
			}
		})
	}
}

// readersOf maps each operation whose function may not write to the function.
func readersOf(t *testing.T) map[string]string {
	t.Helper()
	var doc struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	require.NoError(t, yaml.Unmarshal(mandate.Template, &doc))
	template, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	readers := map[string]string{}
	for _, f := range template.Functions {
		var role struct {
			ManagedPolicyArns []yaml.Node `yaml:"ManagedPolicyArns"`
		}
		properties := doc.Resources[f.Role].Properties
		require.NoError(t, properties.Decode(&role))
		require.NotEmpty(t, role.ManagedPolicyArns, f.Role)
		if slices.ContainsFunc(role.ManagedPolicyArns, func(policy yaml.Node) bool { return policy.Value == "MayWrite" }) {
			continue
		}
		for _, r := range f.Routes {
			readers[r.Operation] = f.Name
		}
	}
	require.Greater(t, len(readers), 20)
	return readers
}

// server is a service of which a part may only read.
type server struct {
	transcripts.Server
	met map[string]int // requests by function, of those that may only read
}

// newServer is a service of its own, whose clock can be put forward. Functions that may only
// read are those of another instance, as in the cloud, whose table lets them do no more.
func newServer(t *testing.T, readers map[string]string) *server {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	with := []service.Option{
		service.WithClock(now), service.WithVariable("PUBLIC_URL", ""), service.WithWrapper(key),
		service.WithLog(slog.New(slog.NewTextHandler(t.Output(), nil))),
	}
	writing := service.New(t, with...)
	reading := service.New(t, append(with, service.WithEngine(writing.Engine), service.Second(), service.WithTable(refusingWrites))...)
	deployed := route.New(routes.Table)
	s := &server{met: map[string]int{}}
	s.Server = transcripts.Server{
		Base: service.Base, AdminName: "admin", AdminPassword: service.AdminPassword, AdminProject: "admin",
		Now: now, Wait: func(d time.Duration) { ahead.Add(int64(d)); writing.Drain() },
		Do: func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			matched, _, _ := deployed.Match(r.Method, r.URL.Path)
			if only, ok := readers[matched.Operation]; ok {
				s.met[only]++
				reading.Handler().ServeHTTP(w, r)
			} else {
				writing.Handler().ServeHTTP(w, r)
			}
			return w.Result(), nil
		},
	}
	return s
}

// refusingWrites is a table as a role without MayWrite finds it.
func refusingWrites(t store.Table) store.Table {
	return faults.New(t, faults.Options{Choose: func(_ int, op faults.Operation) faults.Fault {
		if op == faults.Write {
			return faults.Deny
		}
		return faults.None
	}})
}
