// Package rotation shows that replacing the sealing key ends nothing that is to live: tokens
// across a whole rotation, at two instances that learn of it at different times, and what is
// sealed for years.
package rotation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/functions/rotate"
	"mandate/shared/cloud"
	"mandate/shared/kms"
	"mandate/shared/oauth1"
	"mandate/shared/rotation"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/test/fakekms"
	"mandate/test/service"
)

const (
	life   = 10 * 24 * time.Hour
	window = 48 * time.Hour
	period = 90 * 24 * time.Hour
)

// world is a deployment with two instances, over one table and a KMS, and a clock that
// stands until it is moved.
type world struct {
	t      *testing.T
	begun  bool
	engine *embedded.Table
	kms    *fakekms.KMS
	faults atomic.Pointer[func(op faults.Operation) faults.Fault]
	mu     sync.Mutex
	at     time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, kms: fakekms.New(t), at: time.Unix(1_900_000_000, 0).UTC()}
	var err error
	w.engine, err = embedded.Open(embedded.Options{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	return w
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

func (w *world) wait(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

// instance starts one: a cold start.
func (w *world) instance() *service.Service {
	w.t.Helper()
	key, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: "mandate", Place: cloud.Place{Endpoint: w.kms.Endpoint}})
	require.NoError(w.t, err)
	with := []service.Option{service.WithEngine(w.engine), service.WithWrapper(key), service.WithClock(w.now),
		service.WithVariable("TOKEN_EXPIRATION", strconv.Itoa(int(life.Seconds()))),
		service.WithTable(func(t store.Table) store.Table {
			return faults.New(t, faults.Options{Choose: func(_ int, op faults.Operation) faults.Fault {
				if choose := w.faults.Load(); choose != nil {
					return (*choose)(op)
				}
				return faults.None
			}})
		}),
	}
	if w.begun {
		with = append(with, service.Second())
	}
	w.begun = true
	return service.New(w.t, with...)
}

// turn lets an instance make the steps that are due.
func (w *world) turn(s *service.Service) rotate.Reply {
	w.t.Helper()
	reply, err := rotate.Run(w.t.Context(), s.App, rotate.Request{})
	require.NoError(w.t, err)
	return reply
}

func login(s *service.Service) string {
	return s.Login("admin", service.AdminPassword, map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}}})
}

func live(t *testing.T, want int, s *service.Service, token, what string) {
	t.Helper()
	r := s.Do("GET", "/v3/auth/tokens", token, nil, "X-Subject-Token", token)
	require.Equal(t, want, r.Status, "%s: %s", what, r.Text)
}

// sealedBy counts the attributes of all items that a key sealed.
func (w *world) sealedBy(id uint32) (found []string) {
	w.t.Helper()
	prefix := binary.BigEndian.AppendUint32([]byte{1}, id)
	after := ""
	seen := map[store.Key]bool{}
	for {
		changes, err := w.engine.Changes(w.t.Context(), after, 1000)
		require.NoError(w.t, err)
		if len(changes) == 0 {
			return found
		}
		for _, c := range changes {
			after = c.Position
			if seen[c.Key] {
				continue
			}
			seen[c.Key] = true
			items, err := w.engine.Read(w.t.Context(), c.Key)
			require.NoError(w.t, err)
			for name, v := range items[c.Key] {
				if b, ok := v.([]byte); ok && bytes.HasPrefix(b, prefix) {
					found = append(found, c.Key.String()+" "+name)
				}
			}
		}
	}
}

// TestTokensLiveAcrossARotation: those sealed before, between and after; at an instance that
// rotates, at one that meets a new key without having been told, and at a cold one.
func TestTokensLiveAcrossARotation(t *testing.T) {
	w := newWorld(t)
	idle, rotating := w.instance(), w.instance()
	first := rotating.Rings.Ring().Primary()

	require.Empty(t, w.turn(rotating).Did, "nothing is due")
	w.wait(period)
	before := login(idle)
	require.Len(t, w.turn(rotating).Did, 1, "added")
	require.Len(t, rotating.Rings.Ring().Keys(), 2)
	require.Equal(t, first, rotating.Rings.Ring().Primary())
	between := login(rotating)
	live(t, http.StatusOK, idle, between, "the added key seals nothing yet")
	w.wait(rotation.Known - time.Second)
	require.Empty(t, w.turn(rotating).Did, "not before every instance can know it")
	w.wait(time.Second)
	require.Len(t, w.turn(rotating).Did, 1, "promoted")
	second := rotating.Rings.Ring().Primary()
	require.NotEqual(t, first, second)

	after := login(rotating)
	for name, token := range map[string]string{"before": before, "between": between, "after": after} {
		live(t, http.StatusOK, rotating, token, name)
		live(t, http.StatusOK, idle, token, name+", at the instance that was not told")
	}
	w.wait(secret.LookAgain)
	late := login(idle)
	require.Equal(t, second, idle.Rings.Ring().Primary(), "who seals looks now and then")
	cold := w.instance()
	fresh := login(cold)

	w.wait(rotation.Settled)
	require.NotEmpty(t, w.turn(rotating).Did, "walked")
	w.wait(life - rotation.Settled - secret.LookAgain - time.Second)
	require.Empty(t, w.turn(rotating).Did)
	for _, s := range []*service.Service{idle, rotating, cold} {
		for _, token := range []string{after, late, fresh} {
			live(t, http.StatusOK, s, token, "to its last second")
		}
	}
	newest := login(idle)
	w.wait(window + rotation.Settled + 2*time.Second + secret.LookAgain)
	require.Equal(t, []string{fmt.Sprintf("retired key %08x", first)}, w.turn(rotating).Did)
	require.Equal(t, []uint32{second}, rotating.Rings.Ring().Keys())
	for _, s := range []*service.Service{idle, rotating, cold, w.instance()} {
		live(t, http.StatusOK, s, newest, "sealed by the key that stayed")
		require.Equal(t, second, s.Rings.Ring().Primary())
	}
	require.Empty(t, w.turn(rotating).Did)
}

// kept is what is sealed for longer than a token: a credential's blob, secrets of OAuth1.
type kept struct {
	admin                    string
	credentials              []string
	consumer, consumerSecret string
	request                  url.Values
}

func (w *world) keep(s *service.Service, credentials int) kept {
	w.t.Helper()
	var k kept
	s.Forget()
	k.admin = s.Admin()
	me := s.Must(http.StatusOK, "GET", "/v3/auth/tokens", k.admin, nil, "X-Subject-Token", k.admin).Member("token")["user"].(map[string]any)["id"].(string)
	for n := range credentials {
		k.credentials = append(k.credentials, s.ID("credentials", "credential", map[string]any{"type": "key", "blob": fmt.Sprintf("blob %d", n), "user_id": me}))
	}
	consumer := s.Must(http.StatusCreated, "POST", "/v3/OS-OAUTH1/consumers", k.admin, map[string]any{"consumer": map[string]any{}}).Member("consumer")
	k.consumer, k.consumerSecret = consumer["id"].(string), consumer["secret"].(string)
	k.request = w.ask(s, k)
	return k
}

// ask is a signed request for a request token: only who holds the consumer's secret gets one.
func (w *world) ask(s *service.Service, k kept) url.Values {
	w.t.Helper()
	project := s.Must(http.StatusOK, "GET", "/v3/projects?name=admin", s.Admin(), nil).Body["projects"].([]any)[0].(map[string]any)["id"].(string)
	r := s.Request("POST", "/v3/OS-OAUTH1/request_token", "", nil, "Requested-Project-Id", project)
	params := oauth1.Params{
		{Name: "oauth_nonce", Value: rand.Text()}, {Name: "oauth_timestamp", Value: strconv.FormatInt(w.now().Unix(), 10)},
		{Name: "oauth_signature_method", Value: "HMAC-SHA1"}, {Name: "oauth_callback", Value: "oob"}, {Name: "oauth_consumer_key", Value: k.consumer},
	}
	base := oauth1.BaseString("POST", oauth1.BaseURI(r.URL.Scheme, r.URL.Host, r.URL.EscapedPath()), params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, base, secret.New(k.consumerSecret), secret.Text{})})
	parts := make([]string, 0, len(params))
	for _, p := range params {
		parts = append(parts, p.Name+`="`+oauth1.Encode(p.Value)+`"`)
	}
	r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
	reply := s.Send(r)
	require.Equal(w.t, http.StatusCreated, reply.Status, reply.Text)
	values, err := url.ParseQuery(reply.Text)
	require.NoError(w.t, err)
	return values
}

// opens holds that all of it can be read and used.
func (w *world) opens(s *service.Service, k kept) {
	w.t.Helper()
	s.Forget()
	for n, id := range k.credentials {
		r := s.Must(http.StatusOK, "GET", "/v3/credentials/"+id, s.Admin(), nil)
		require.Equal(w.t, fmt.Sprintf("blob %d", n), r.Member("credential")["blob"])
	}
	w.ask(s, k)
}

// whole goes through a whole rotation; each is given for each step that is due.
func (w *world) whole(each func()) {
	w.wait(period)
	each()
	w.wait(rotation.Known)
	each()
	w.wait(rotation.Settled)
	each()
	w.wait(life + window)
	each()
}

// TestWhatIsKeptIsSealedAnew before its key is retired, whatever kind it is.
func TestWhatIsKeptIsSealedAnew(t *testing.T) {
	w := newWorld(t)
	s := w.instance()
	k := w.keep(s, 120) // several pages
	first := s.Rings.Ring().Primary()
	require.NotEmpty(t, w.sealedBy(first))
	var did []string
	w.whole(func() { did = append(did, w.turn(s).Did...) })
	require.Equal(t, fmt.Sprintf("retired key %08x", first), did[len(did)-1], "%v", did)
	require.Empty(t, w.sealedBy(first), "nothing in the table is sealed by the key that is gone")
	require.Contains(t, strings.Join(did, "\n"), "nothing is sealed by the former key")
	w.opens(s, k)
}

// TestManyRotateAtOnce: whoever comes second finds the step made.
func TestManyRotateAtOnce(t *testing.T) {
	w := newWorld(t)
	instances := []*service.Service{w.instance(), w.instance(), w.instance(), w.instance()}
	k := w.keep(instances[0], 30)
	first := instances[0].Rings.Ring().Primary()
	var steps atomic.Int64
	w.whole(func() {
		var group sync.WaitGroup
		for _, s := range instances {
			group.Go(func() {
				reply, err := rotate.Run(t.Context(), s.App, rotate.Request{})
				assert.NoError(t, err)
				for _, did := range reply.Did {
					if strings.Contains(did, "key "+fmt.Sprintf("%08x", first)) || strings.HasPrefix(did, "added") {
						steps.Add(1)
					}
				}
			})
		}
		group.Wait()
	})
	require.EqualValues(t, 3, steps.Load(), "added, promoted and retired once each")
	require.Len(t, w.instance().Rings.Ring().Keys(), 1)
	require.Empty(t, w.sealedBy(first))
	w.opens(instances[3], k)
}

// TestCutOffAnywhere: every write of every step fails once for good, before or after it was
// made, and a cold start goes on from there.
func TestCutOffAnywhere(t *testing.T) {
	for _, fault := range []faults.Fault{faults.Throttle, faults.Lost} {
		w := newWorld(t)
		s := w.instance()
		k := w.keep(s, 4)
		first := s.Rings.Ring().Primary()
		cut := 0
		w.whole(func() {
			for allowed := 0; ; allowed++ {
				left := allowed
				broken := false
				choose := func(op faults.Operation) faults.Fault {
					if op != faults.Write || broken {
						return map[bool]faults.Fault{true: faults.Throttle}[broken && op == faults.Write]
					}
					if left--; left < 0 {
						broken = true
						return fault
					}
					return faults.None
				}
				w.faults.Store(&choose)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				_, err := rotate.Run(ctx, s.App, rotate.Request{})
				cancel()
				w.faults.Store(nil)
				if err == nil {
					return
				}
				cut++
				require.NoError(t, s.Rings.Reload(t.Context()))
			}
		})
		require.Greater(t, cut, 4)
		require.Equal(t, 1, len(s.Rings.Ring().Keys()))
		require.NotEqual(t, first, s.Rings.Ring().Primary())
		require.Empty(t, w.sealedBy(first))
		w.opens(s, k)
	}
}

// TestKMSIsAway: what needs no new key goes on, a token of a key that cannot be unwrapped is
// 503 and never refused, and who has not seen the keyset for too long seals nothing.
func TestKMSIsAway(t *testing.T) {
	w := newWorld(t)
	idle, rotating := w.instance(), w.instance()
	old := login(idle)
	_, err := rotate.Run(t.Context(), rotating.App, rotate.Request{Begin: true})
	require.NoError(t, err)
	w.wait(rotation.Known)
	w.turn(rotating)
	sealed := login(rotating)
	w.kms.Fail("KMSInternalException", "")

	live(t, http.StatusOK, idle, old, "known keys go on")
	r := idle.Do("GET", "/v3/auth/tokens", sealed, nil, "X-Subject-Token", sealed)
	require.Equal(t, http.StatusServiceUnavailable, r.Status, r.Text)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	_, err = rotate.Run(t.Context(), idle.App, rotate.Request{})
	require.ErrorIs(t, err, store.ErrUnavailable)
	w.wait(secret.SealFor)
	r = idle.Do("POST", "/v3/auth/tokens", "", service.PasswordAuth("admin", service.AdminPassword, nil))
	require.Equal(t, http.StatusServiceUnavailable, r.Status, "it could go on with a key that is to be retired: %s", r.Text)
	live(t, http.StatusOK, idle, old, "what it knows it opens")

	w.kms.Fail("", "")
	w.wait(time.Minute)
	live(t, http.StatusOK, idle, sealed, "and then it learns of it")
	login(idle)
}

// TestRestored: all tokens end when the table is a restored backup, and what is sealed opens.
func TestRestored(t *testing.T) {
	w := newWorld(t)
	s := w.instance()
	k := w.keep(s, 1)
	token := login(s)
	_, err := rotate.Run(t.Context(), s.App, rotate.Request{Restored: true})
	require.NoError(t, err)
	cold := w.instance()
	live(t, http.StatusUnauthorized, cold, token, "of the deployment before")
	w.opens(cold, k)
}
