package prove

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"mandate/functions"
	"mandate/functions/cascade"
	"mandate/functions/routes"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/route"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/store/tear"
	"mandate/test/filtered"
)

// instances is how many processes serve one table. Each has its own memory of roles,
// catalog and trusts, as Lambda's instances have.
const instances = 3

// A deployment is some instances of the whole service over one table, and the function
// on its stream.
type deployment struct {
	t       testing.TB
	engine  store.Table
	log     store.Log
	watch   func(bool)
	parts   int
	sky     []*sky
	bad     []*faults.Table // what is over the instances now
	calm    *app.App        // over the bare engine, for setting worlds up
	serve   []http.Handler
	cascade *cascade.Cascade
	after   string // position in the change log
	worlds  int
	admin   string // a token of the administrator, whom nothing ends
}

// An engine is a table, and its change log.
type engine struct {
	table store.Table
	log   store.Log
	watch func(bool) // says when the log is read and when not
	parts int        // into which a read is torn at most; 0: item by item
	close func()
}

// plain stands in for argon2id, which would be nearly all that a history does. A hash
// begins with its kind, so that some are due to be replaced at the next login.
type plain struct{ random *dice }

func (plain) Hash(_ context.Context, p secret.Text) (string, error) { return "new:" + p.Reveal(), nil }
func (plain) Burn(context.Context, secret.Text) error               { return nil }
func (h plain) Verify(_ context.Context, hash string, p secret.Text) (ok, rehash bool, err error) {
	ok = hash[4:] == p.Reveal()
	return ok, ok && h.random.chance(0.2), nil
}

// dice may be thrown from several goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newDice(seed uint64) *dice {
	return &dice{r: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // G404: a test's choice
}

func (d *dice) upTo(longest time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.r.Int64N(int64(longest)))
}

func (d *dice) chance(p float64) bool { d.mu.Lock(); defer d.mu.Unlock(); return d.r.Float64() < p }

// A sky is what lies between an instance and the engine: another weather in each history.
type sky struct{ now atomic.Pointer[store.Table] }

func (s *sky) set(t store.Table) { s.now.Store(&t) }

func (s *sky) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	return (*s.now.Load()).Read(ctx, keys...)
}

func (s *sky) Query(ctx context.Context, r store.Range) (store.Page, error) {
	return (*s.now.Load()).Query(ctx, r)
}

func (s *sky) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	return (*s.now.Load()).Write(ctx, id, m...)
}

// lingering lets some writes wait before they are made.
type lingering struct {
	store.Table
	often  float64
	random *dice
}

func (l lingering) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	if l.random.chance(l.often) {
		pause(ctx, l.random.upTo(20*time.Millisecond))
	}
	return l.Table.Write(ctx, id, m...)
}

// weather says how bad one history's table is.
type weather struct {
	Pause                   time.Duration // before each item of a torn read
	Drop                    float64       // items that come late, as unprocessed keys do
	DropPause               time.Duration
	Throttle, Lost, Contend float64
	Late                    float64 // writes that come again, after others
	LateBy                  time.Duration
	Linger                  float64 // writes that come a while after what they rest on was read
	Hurry                   float64 // requests that are given up after a moment: what they did is not known
	Stream                  string  // prompt, slow, or none
	Twice, Never            float64 // stream batches
	Clients, Acts           int
	Kills                   []string // kinds of kills in it
	Focus                   []int    // people whom it is about
	Storm                   bool     // many kills at once
}

func forecast(r *rand.Rand, o options) weather {
	w := weather{
		Pause: time.Duration(20+r.IntN(180)) * time.Microsecond, DropPause: time.Duration(1+r.IntN(8)) * time.Millisecond,
		Stream:  []string{"prompt", "prompt", "slow", "none"}[r.IntN(4)],
		Clients: o.clients[0] + r.IntN(o.clients[1]-o.clients[0]+1), Acts: o.acts[0] + r.IntN(o.acts[1]-o.acts[0]+1),
	}
	if r.IntN(2) == 0 {
		w.Drop = 0.1 * r.Float64()
	}
	if r.IntN(2) == 0 {
		w.Throttle, w.Lost, w.Contend = 0.03*r.Float64(), 0.04*r.Float64(), 0.04*r.Float64()
		w.Hurry = 0.08 * r.Float64()
	}
	if r.IntN(2) == 0 {
		w.Linger = 0.5 * r.Float64()
	}
	if r.IntN(2) == 0 {
		w.Twice, w.Never = 0.3*r.Float64(), 0.2*r.Float64()
	}
	if r.IntN(2) == 0 {
		w.Late, w.LateBy = 0.3*r.Float64(), time.Duration(1+r.IntN(30))*time.Millisecond
	}
	for range 1 + r.IntN(3) {
		w.Kills = append(w.Kills, killNames[r.IntN(len(killNames))])
	}
	w.Focus = []int{r.IntN(len(people)), r.IntN(len(people))}
	if w.Storm = r.IntN(5) == 0; w.Storm {
		w.Focus[1] = w.Focus[0]
	}
	return w
}

// over puts the weather over all instances; nil makes it fine, once what the last one held
// up has come.
func (d *deployment) over(w *weather, r *rand.Rand) {
	for _, b := range d.bad {
		b.Wait()
	}
	d.bad = nil
	for _, s := range d.sky {
		if w == nil {
			s.set(d.engine)
			continue
		}
		torn := tear.New(d.engine, tear.Options{Seed: r.Uint64(), Pause: w.Pause, Parts: d.parts, Drop: w.Drop, DropPause: w.DropPause})
		bad := faults.New(torn, faults.Options{
			Seed: r.Uint64(), Throttle: w.Throttle, Lost: w.Lost, Contend: w.Contend, Late: w.Late, LateBy: w.LateBy,
		})
		d.bad = append(d.bad, bad)
		s.set(lingering{bad, w.Linger, newDice(r.Uint64())})
	}
}

const adminPassword = "secret-admin"

// attempts are for a machine so busy that even a table in fine weather is late.
const attempts = 5

func deploy(t testing.TB, e engine, seed uint64) (*deployment, error) {
	d := &deployment{t: t, engine: e.table, log: e.log, watch: e.watch, parts: e.parts}
	key, err := secret.NewMasterKey()
	if err != nil {
		return nil, err
	}
	env := map[string]string{"PUBLIC_URL": base, "ADDRESS_FAILURE_ATTEMPTS": "0", "LOCKOUT_FAILURE_ATTEMPTS": "0"}
	settings, err := config.Read(func(name string) string { return env[name] })
	if err != nil {
		return nil, err
	}
	start := func(table store.Table) (a *app.App, err error) {
		for range attempts {
			a, err = app.New(t.Context(), app.Parts{
				Config: settings, Table: table, Wrapper: key, Hasher: plain{newDice(seed)}, Log: slog.New(slog.DiscardHandler),
			})
			if err == nil {
				return a, nil
			}
		}
		return nil, err
	}
	if d.calm, err = start(d.engine); err != nil {
		return nil, err
	}
	for range attempts {
		_, err = d.calm.Directory.Bootstrap(t.Context(), directory.BootstrapOptions{
			AdminPassword: secret.New(adminPassword), PublicURL: base + "/v3", InternalURL: base + "/v3", AdminURL: base + "/v3",
		})
		if err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	for n := range instances + 1 {
		d.sky = append(d.sky, &sky{})
		d.sky[n].set(d.engine)
		a, err := start(d.sky[n])
		if err != nil {
			return nil, err
		}
		if n == instances {
			d.cascade = cascade.New(a)
		} else {
			d.serve = append(d.serve, handler(a))
		}
	}
	return d, nil
}

// handler serves every operation on its route.
func handler(a *app.App) http.Handler {
	router, handlers := route.New(routes.Table), map[string]http.Handler{}
	for _, o := range functions.All(a) {
		handlers[o.Name] = o.Handler(a.API)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		matched, parameters, ok := router.Match(r.Method, r.URL.Path)
		if !ok {
			panic(fmt.Sprintf("no route for %s %s", r.Method, r.URL.Path))
		}
		r.Pattern = matched.Key()
		for name, value := range parameters {
			r.SetPathValue(name, value)
		}
		handlers[matched.Operation].ServeHTTP(w, r)
	})
}

// A stream gives the cascade what happened, until it is stopped: in order per item, in
// batches that come late, twice or never.
func (d *deployment) stream(ctx context.Context, w weather, r *rand.Rand) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	d.watch(true)
	var group sync.WaitGroup
	shards := [2]chan []store.Change{make(chan []store.Change, 1024), make(chan []store.Change, 1024)}
	for _, shard := range shards {
		random := newDice(r.Uint64())
		group.Go(func() {
			for batch := range shard {
				if w.Stream == "slow" {
					pause(ctx, time.Duration(1+len(batch)%5)*time.Millisecond)
				}
				if w.Stream == "none" || random.chance(w.Never) || ctx.Err() != nil {
					continue
				}
				d.cascade.Handle(ctx, batch)
				if random.chance(w.Twice) {
					d.cascade.Handle(ctx, batch)
				}
			}
		})
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil {
			changes, err := d.log.Changes(ctx, d.after, 25)
			if err != nil || len(changes) == 0 {
				_ = d.log.Wait(ctx, d.after)
				continue
			}
			d.after = changes[len(changes)-1].Position
			var parts [2][]store.Change
			for _, c := range changes {
				n := len(c.Key.PK) % 2
				parts[n] = append(parts[n], c)
			}
			for n, part := range parts {
				if len(part) > 0 {
					shards[n] <- part
				}
			}
		}
	})
	return func() {
		d.watch(false)
		cancel()
		reader.Wait()
		for _, shard := range shards {
			close(shard)
		}
		group.Wait()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// looked is set when one deployment has been looked at, which takes seconds.
var looked atomic.Bool

// unheeded holds that the stream functions do nothing with what their filters keep from
// them, of all that happened. The embedded table alone still knows.
func (d *deployment) unheeded() {
	if _, whole := d.log.(*embedded.Table); !whole || looked.Swap(true) {
		return
	}
	var all []store.Change
	for after := ""; ; after = all[len(all)-1].Position {
		some, err := d.log.Changes(context.WithoutCancel(d.t.Context()), after, 0)
		assert.NoError(d.t, err)
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	for reader, n := range filtered.Check(d.t, d.engine, all) {
		assert.Positive(d.t, n.Acted, reader)
		assert.Positive(d.t, n.Dropped, reader)
		d.t.Logf("%s: of %d changes acted on %d, dropped %d", reader, len(all), n.Acted, n.Dropped)
	}
}
