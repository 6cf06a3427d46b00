// Package among measures whether validating and issuing a token cost more the more users,
// trusts, live tokens or revoked tokens there are. They must not: no list is read and no
// partition grows on their way (design.md section 5).
//
//	go test ./test/among -run '^$' -bench . -benchtime 1x -among 1000000     (make growth-curves)
package among

import (
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/test/service"
)

var (
	count  = flag.Int("among", 10_000, "how many of a kind there are beside")
	rounds = flag.Int("rounds", 15, "how often the two services take turns")
	turn   = flag.Duration("turn", time.Second, "how long a turn is")
)

// few is how many of each kind are beside in the service that is compared with.
const few = 100

// world is a service on a file, with a token to validate.
type world struct {
	*service.Service
	engine               *embedded.Table
	subject, user, trust string
}

func build(b *testing.B) *world {
	engine, err := embedded.Open(embedded.Options{Path: filepath.Join(b.TempDir(), "table.db")})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	s := service.New(b, service.WithEngine(engine), service.WithLog(slog.New(slog.DiscardHandler)))
	w := &world{Service: s, engine: engine, subject: s.Login("admin", service.AdminPassword, service.OnProject(project(s)))}
	token := s.Validate(w.subject).Member("token")
	w.user = token["user"].(map[string]any)["id"].(string)
	other := s.ID("users", "user", map[string]any{"name": "bob"})
	role := token["roles"].([]any)[0].(map[string]any)["id"]
	w.trust = s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", w.subject, map[string]any{"trust": map[string]any{
		"trustor_user_id": w.user, "trustee_user_id": other, "impersonation": true,
		"project_id": token["project"].(map[string]any)["id"], "roles": []any{map[string]any{"id": role}},
	}}).Member("trust")["id"].(string)
	return w
}

// project is the administrator's.
func project(s *service.Service) string {
	return s.Validate(s.Admin()).Member("token")["project"].(map[string]any)["id"].(string)
}

// kinds say what a thing of a kind is in the table: copies of a real one, under an id of its own.
var kinds = []struct {
	name string
	copy func(b *testing.B, w *world) func(id string) []store.Mutation
}{
	{"users", func(b *testing.B, w *world) func(string) []store.Mutation {
		user := w.item(b, store.User(w.user))
		return func(id string) []store.Mutation {
			return []store.Mutation{
				store.Create(store.User(id), with(user, "id", id)),
				store.Create(store.UserName("default", "user-"+id), store.Item{"type": "name", "id": id}),
			}
		}
	}},
	{"trusts", func(b *testing.B, w *world) func(string) []store.Mutation {
		trust := w.item(b, store.Trust(w.trust))
		return func(id string) []store.Mutation {
			return []store.Mutation{
				store.Create(store.Trust(id), with(trust, "id", id)),
				store.Create(store.TrustOfTrustor(w.user, id), store.Item{"type": "trust of", "id": id}),
			}
		}
	}},
	{"tokens", func(b *testing.B, w *world) func(string) []store.Mutation { return w.rows(b, false) }},
	{"revocations", func(b *testing.B, w *world) func(string) []store.Mutation { return w.rows(b, true) }},
}

// rows copies the row of a token, live or revoked.
func (w *world) rows(b *testing.B, revoked bool) func(string) []store.Mutation {
	token := w.Login("admin", service.AdminPassword, nil)
	if revoked {
		w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", token)
	}
	page, err := w.engine.Query(b.Context(), store.Range{PK: store.ByUser(w.user), Index: store.Index1})
	require.NoError(b, err)
	n := slices.IndexFunc(page.Entries, func(e store.Entry) bool { return e.Item.Bool("dead") == revoked })
	require.GreaterOrEqual(b, n, 0)
	row := page.Entries[n].Item
	return func(id string) []store.Mutation {
		i := with(row, store.AttrAudit, id)
		i[store.AttrIndex2] = store.ByChain(id)
		return []store.Mutation{store.Create(store.Token(id), i)}
	}
}

func (w *world) item(b *testing.B, k store.Key) store.Item {
	found, err := w.engine.Read(b.Context(), k)
	require.NoError(b, err)
	require.NotNil(b, found[k])
	return found[k]
}

func with(i store.Item, name string, value store.Value) store.Item {
	i = maps.Clone(i)
	delete(i, store.AttrRequest)
	i[name] = value
	return i
}

// fill writes n copies, many batches at a time: the table commits those together.
func (w *world) fill(b *testing.B, n int, copied func(id string) []store.Mutation) {
	began := time.Now()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(32)
	for n > 0 {
		batch := make([]store.Mutation, 0, store.MaxMutations)
		for ; n > 0 && len(batch)+2 <= store.MaxMutations; n-- {
			batch = append(batch, copied(fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()))...) //nolint:gosec // G404: ids that nobody asks for
		}
		group.Go(func() error { return w.engine.Write(ctx, store.NewRequestID(), batch...) })
	}
	require.NoError(b, group.Wait())
	fmt.Fprintf(os.Stderr, "filled in %v\n", time.Since(began).Round(time.Second))
}

// operations are what is measured.
var operations = []struct {
	name string
	do   func(w *world) (got, want int)
}{
	{"validate", func(w *world) (int, int) { return w.Validate(w.subject).Status, http.StatusOK }},
	{"issue", func(w *world) (int, int) {
		return w.Do("POST", "/v3/auth/tokens", "", service.TokenAuth(w.subject, nil)).Status, http.StatusCreated
	}},
}

// cost does an operation for a turn and returns its processor time in microseconds, which
// other loads on the machine and slow disks move least. Nothing else runs in the process.
func (w *world) cost(b *testing.B, do func(*world) (int, int)) float64 {
	runtime.GC()
	n, before := 0, processorTime(b)
	for began := time.Now(); time.Since(began) < *turn; n++ {
		got, want := do(w)
		require.Equal(b, want, got)
	}
	return float64((processorTime(b) - before).Microseconds()) / float64(n)
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkAmong(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			small, large := build(b), build(b)
			small.fill(b, few, k.copy(b, small))
			large.fill(b, *count, k.copy(b, large))
			for b.Loop() {
				for _, o := range operations {
					ratios := make([]float64, 0, *rounds)
					for round := range *rounds + 1 { // the first warms up
						var a, z float64
						if round%2 == 0 { // neither always goes first
							a, z = small.cost(b, o.do), large.cost(b, o.do)
						} else {
							z, a = large.cost(b, o.do), small.cost(b, o.do)
						}
						if round > 0 {
							ratios = append(ratios, z/a)
						}
					}
					slices.Sort(ratios)
					fmt.Fprintf(os.Stderr, "%s among %d %s : among %d: %.3f (%.3f–%.3f)\n", o.name, *count, k.name, few,
						ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
					b.ReportMetric(ratios[len(ratios)/2], o.name+"-ratio")
				}
			}
		})
	}
}
