package v2

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

// lines is how many lines the mixed run logs at least.
const lines = 100_000

// window is how many characters of a token are a part of it that must not be seen. Ids
// and audit ids have nothing in common with tokens, of any length.
const window = 16

// tokens are all that were issued in a run, cut into windows.
type tokens struct {
	all  []string
	seen map[string]bool
}

func (t *tokens) add(token string) string {
	t.all = append(t.all, token)
	for i := 0; i+window <= len(token); i++ {
		t.seen[token[i:i+window]] = true
	}
	return token
}

func (t *tokens) any() string {
	return t.all[rand.IntN(len(t.all))] //nolint:gosec // G404: any will do
}

// within finds a part of a token in a text. No token may be added meanwhile.
func (t *tokens) within(text []byte) (string, bool) {
	run := 0
	for i, c := range text {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", rune(c)) {
			run = 0
			continue
		}
		if run++; run >= window && t.seen[string(text[i+1-window:i+1])] {
			return string(text[max(0, i-200):min(len(text), i+100)]), true
		}
	}
	return "", false
}

// faulty is a table that is unavailable, or panics, when told to.
type faulty struct {
	store.Table
	fault *atomic.Pointer[string]
}

func (f faulty) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	switch fault := f.fault.Load(); {
	case fault == nil:
		return f.Table.Read(ctx, keys...)
	case *fault == "":
		return nil, store.ErrUnavailable
	default:
		panic("cannot read, by accident with a token: " + *fault)
	}
}

// captured is everything that is logged or printed in this process.
func captured(t *testing.T) (*slog.Logger, func() []byte) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = f, f
	log.SetOutput(f)
	stop := sync.OnceFunc(func() {
		os.Stdout, os.Stderr = stdout, stderr
		log.SetOutput(stderr)
		assert.NoError(t, f.Close())
	})
	t.Cleanup(stop)
	return slog.New(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), func() []byte {
		stop()
		text, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		return text
	}
}

// TestNoTokenIsLogged: a mixed run, in which tokens are in paths, bodies, headers and in
// places where they do not belong, with a table that fails and code that panics. Not in
// any line of the log, nor in any answer to a mistake, is a part of any token.
func TestNoTokenIsLogged(t *testing.T) {
	logger, logged := captured(t)
	fault := new(atomic.Pointer[string])
	w := build(t, service.WithLog(logger), service.WithTable(func(t store.Table) store.Table { return faulty{t, fault} }))
	issued := &tokens{seen: map[string]bool{}}
	admin := issued.add(w.Admin())
	root := issued.add(w.login(t, password("ada", "pw-ada", nil)).id())
	system := issued.add(w.v3("admin", service.AdminPassword, "default", service.OnSystem()))
	ada := issued.add(w.v3("ada", "pw-ada", "default", service.OnProject(w.web)))
	trust := w.trust(ada, w.ada, w.bob, w.web, nil)
	bob := issued.add(w.login(t, password("bob", "pw-bob", nil)).id())

	issue := func(body object) string { return issued.add(w.login(t, body).id()) }
	for range 200 {
		issue(offer(root, tenantID(w.web)))
		issue(offer(bob, trustOn(trust, w.web)))
		gone := issue(offer(root, nil))
		w.Must(http.StatusNoContent, "DELETE", "/v2.0/tokens/"+gone, admin, nil)
		if r := w.Do("DELETE", "/v2.0/tokens/"+gone, admin, nil); r.Status != http.StatusNotFound {
			t.Errorf("deleted twice: %s", r.Text)
		}
	}

	mistakes := misuse(w, admin, ada, system)
	var sent, answered atomic.Int64
	answer := func(r service.Reply) {
		answered.Add(1)
		if r.Status >= http.StatusBadRequest {
			if where, leaked := issued.within([]byte(r.Text + fmt.Sprint(r.Header))); leaked {
				t.Errorf("an answer has a token: %d …%s…", r.Status, where)
			}
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for n := sent.Add(1); n <= lines && !t.Failed(); n = sent.Add(1) {
				token := issued.any()
				switch n % 10 {
				case 0:
					answer(w.get(token, admin))
				case 1:
					answer(w.Do("HEAD", "/v2.0/tokens/"+token, admin, nil))
				case 2:
					answer(w.Do("GET", "/v3/auth/tokens?nocatalog", admin, nil, "X-Subject-Token", token))
				case 3, 4:
					answer(w.get(token, ""))
				case 5, 6:
					answer(w.Do("DELETE", "/v2.0/tokens/"+token, token+"x", nil))
				case 7:
					answer(w.ask(`{"auth": {"token": {"id": "` + token + `"}, "tenantId": "` + token + `"}}`))
				default:
					answer(mistakes[rand.IntN(len(mistakes))](token)) //nolint:gosec // G404: any will do
				}
			}
		})
	}
	group.Wait()
	for accident, status := range map[string]int{"": http.StatusServiceUnavailable, root: http.StatusInternalServerError} {
		fault.Store(&accident)
		r := w.get(issued.any(), admin)
		answer(r)
		assert.Equal(t, status, r.Status)
	}
	fault.Store(nil)

	text := logged()
	count := bytes.Count(text, []byte("\n"))
	t.Logf("%d answers, %d lines, %d bytes, %d tokens", answered.Load(), count, len(text), len(issued.all))
	assert.GreaterOrEqual(t, count, lines)
	assert.True(t, bytes.Contains(text, []byte("by accident with a token: [redacted]")), "the panic is in the log")
	assert.True(t, bytes.Contains(text, []byte("goroutine ")), "and its stack")
	if where, leaked := issued.within(text); leaked {
		t.Errorf("the log has a token: …%s…", where)
	}
	_, works := issued.within([]byte("x " + root[5:]))
	assert.True(t, works, "a token would have been found")
}

// misuse is what clients do wrong with tokens, each of which logs at least a line.
func misuse(w *world, admin, ada, system string) []func(token string) service.Reply {
	path := func(method, format, caller string) func(string) service.Reply {
		return func(token string) service.Reply { return w.Do(method, fmt.Sprintf(format, token), caller, nil) }
	}
	body := func(path, format string) func(string) service.Reply {
		return func(token string) service.Reply {
			return w.Do("POST", path, "", strings.ReplaceAll(format, "TOKEN", token))
		}
	}
	both := func(first, second func(string) service.Reply) func(string) service.Reply {
		return func(token string) service.Reply { first(token); return second(token) }
	}
	known := path("GET", "/v2.0/tokens/%s", admin)
	return []func(string) service.Reply{
		path("GET", "/v2.0/tokens/%s", ""), path("GET", "/v2.0/tokens/%s", system), path("DELETE", "/v2.0/tokens/%s", ada),
		path("GET", "/v2.0/tokens/%s/", admin), path("GET", "/v2.0/tokens/%sA", admin), path("GET", "/v2.0/tokens/x%s", admin),
		path("GET", "/v2.0/tokens/%s%%00", admin), path("HEAD", "/v2.0/tokens/%s%%20", admin), path("GET", "/v2.0/tokens/%s?belongsTo=x", admin),
		path("GET", "/v2.0/tokens/x?belongsTo=%s", admin), path("GET", "/v2.0/tokens/%s/endpoints", admin), path("GET", "/v2.0/tokens/%s/endpoints", ada),
		both(path("PUT", "/v2.0/tokens/%s", admin), known), both(path("GET", "/v2.0/tokens/%s/x", admin), known),
		both(path("OPTIONS", "/v2.0/tokens/%s", admin), known), both(path("GET", "/v2.0/%s", admin), known), both(path("GET", "/%s", admin), known),
		path("GET", "/v2.0/tenants?marker=%s", ada), path("GET", "/v3/users/%s", admin), path("GET", "/v3/projects/%s", admin),
		path("GET", "/v3/OS-TRUST/trusts/%s", admin), path("GET", "/v3/users?name=%s", admin), path("GET", "/v3/users?marker=%s", admin),
		path("GET", "/v3/auth/catalog?x=%s", ada), path("DELETE", "/v3/roles/%s", admin),
		body("/v2.0/tokens", `{"auth": {"token": {"id": "TOKENx"}}}`), body("/v2.0/tokens", `{"auth": {"token": "TOKEN"}}`),
		body("/v2.0/tokens", `{"auth": {"token": {"TOKEN": 1, "TOKEN": 2}}}`), body("/v2.0/tokens", `{"auth": {"token": {"id": "TOKEN"}, "tenantId": "TOKEN"}}`),
		body("/v2.0/tokens", `{"auth": {"token": {"id": "TOKEN"}, "tenantName": "TOKEN"}}`), body("/v2.0/tokens", `{"auth": {"token": {"id": "TOKEN"}, "trust_id": "TOKEN"}}`),
		body("/v2.0/tokens", `{"auth": {"token": {"id": "TOKEN"}, "tenantId": "nothing"}}`), body("/v2.0/tokens", `{"auth": TOKEN}`), body("/v2.0/tokens", `TOKEN`),
		body("/v2.0/tokens", `{"auth": {"passwordCredentials": {"userId": "TOKEN", "password": "x"}}}`),
		body("/v3/auth/tokens", `{"auth": {"identity": {"methods": ["TOKEN"]}}}`), body("/v3/auth/tokens", `{"auth": {"identity": {"methods": ["TOKEN"], "TOKEN": {}}}}`),
		body("/v3/auth/tokens", `{"auth": {"identity": {"methods": ["token"], "token": {"id": "TOKEN"}}, "scope": {"project": {"id": "TOKEN"}}}}`),
		body("/v3/auth/tokens", `{"auth": {"identity": {"methods": ["token"], "token": {"id": "TOKEN"}}, "scope": {"OS-TRUST:trust": {"id": "TOKEN"}}}}`),
		func(token string) service.Reply { return w.Do("GET", "/v2.0/tokens/"+token, token+"x", nil) },
		func(token string) service.Reply {
			return w.Do("GET", "/v2.0/tokens/"+token, admin, nil, "X-Openstack-Request-Id", "req-"+token)
		},
		func(token string) service.Reply {
			return w.Do("POST", "/v3/OS-TRUST/trusts", ada, object{"trust": object{"trustor_user_id": token, "trustee_user_id": token, "impersonation": true}})
		},
	}
}
