package prove

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store/embedded"
)

var (
	histories = flag.Int("histories", 0, "how many histories; 0: a few")
	seed      = flag.Uint64("seed", 0, "of the first history; 0: of the clock")
	only      = flag.String("kills", "", "kinds of kills, by comma; all when empty")
	abreast   = flag.Int("abreast", 3*runtime.GOMAXPROCS(0), "how many histories at once, each on its own table")
)

// options are how large histories are.
type options struct {
	clients, acts [2]int // least and most
	kills         []string
	age           int // histories on one table
	few           int // histories where no number is asked for
}

func (o options) chosen() options {
	if *only != "" {
		o.kills = strings.Split(*only, ",")
	}
	return o
}

// embeddedEngine opens the embedded table in memory, whose index reads are late.
func embeddedEngine(t testing.TB) engine {
	table, err := embedded.Open(embedded.Options{IndexDelay: 3 * time.Millisecond})
	require.NoError(t, err)
	return engine{table: table, log: table, watch: func(bool) {}, close: func() { require.NoError(t, table.Close()) }}
}

func TestHistories(t *testing.T) {
	prove(t, options{clients: [2]int{8, 16}, acts: [2]int{4, 5}, age: 60, few: 120}.chosen(), embeddedEngine)
}

// tellEvery is how often a long run says how far it is.
const tellEvery = 10 * time.Second

// prove plays histories until there are as many as wanted or one is wrong.
func prove(t *testing.T, o options, open func(testing.TB) engine) {
	first, many := *seed, cmp.Or(*histories, o.few)
	if first == 0 {
		first = uint64(time.Now().UnixNano()) % 1e9
	}
	debug.SetGCPercent(400) // memory is small, and collecting it a third of the work
	var next, done, broken atomic.Int64
	var mu, deploying sync.Mutex // deployments are made one at a time: several at once are late on DynamoDB Local
	var total counts
	start, told := time.Now(), time.Now()
	var group sync.WaitGroup
	for range *abreast {
		group.Go(func() {
			var d *deployment
			var e engine
			for broken.Load() == 0 {
				n := next.Add(1) - 1
				if n >= int64(many) {
					break
				}
				if d == nil || d.worlds >= o.age {
					if d != nil {
						d.unheeded()
						e.close()
					}
					var err error
					func() {
						deploying.Lock()
						defer deploying.Unlock()
						e = open(t)
						d, err = deploy(t, e, first)
					}()
					if err != nil {
						t.Error(err)
						broken.Add(1)
						return
					}
				}
				h, err := play(d, first+uint64(n), o) //nolint:gosec // G115: not negative
				if err != nil {
					t.Error(err)
					broken.Add(1)
					return
				}
				v := h.check()
				mu.Lock()
				total.add(h.counts)
				if n := done.Add(1); time.Since(told) > tellEvery {
					told = time.Now()
					fmt.Fprintf(os.Stderr, "%d of %d histories, %s, %d kills acknowledged\n", n, many, time.Since(start).Round(time.Second), total.kills)
				}
				if v != nil && broken.Add(1) == 1 {
					t.Errorf("VIOLATION of %s after %d histories (seed %d; %s/history.txt): %s", v.kind, done.Load(), h.seed, h.dump(v), v.text)
				}
				mu.Unlock()
			}
			if d != nil {
				d.unheeded()
				e.close()
			}
		})
	}
	group.Wait()
	total.print(t, done.Load(), time.Since(start))
	if broken.Load() == 0 && *only == "" && many >= 100 {
		require.Positive(t, total.kills)
		require.Positive(t, total.valid)
		require.Positive(t, total.dead)
		require.Positive(t, total.over)
		for _, kind := range killNames {
			require.Positive(t, total.acts[kind], kind)
		}
	}
}

func (c counts) print(t *testing.T, histories int64, took time.Duration) {
	acts := 0
	for _, n := range c.acts {
		acts += n
	}
	for _, kind := range slices.Sorted(maps.Keys(c.acts)) {
		t.Logf("  %-28s %d", kind, c.acts[kind])
	}
	t.Logf("%d histories in %v, %d acts: %d kills acknowledged, %d of unknown outcome among all acts, %d validations valid, %d dead, %d logins refused, %d looks overlapping a kill",
		histories, took.Round(time.Second), acts, c.kills, c.unknown, c.valid, c.dead, c.refused, c.over)
}
