package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// crashPath makes the test binary the process that is killed.
const crashPath = "EMBEDDED_CRASH_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const crashWriters = 8

func counter(writer int) store.Key {
	return store.Key{PK: fmt.Sprintf("WRITER#%d", writer), SK: "COUNTER"}
}
func receipt(writer int, n int64) store.Key {
	return store.Key{PK: fmt.Sprintf("WRITER#%d", writer), SK: fmt.Sprintf("RECEIPT#%010d", n)}
}

// writeUntilKilled has some writers count upwards. Each step is one write of three items,
// and is printed once it was acknowledged. Items are large enough for several pages.
func writeUntilKilled(path string) error {
	table, err := embedded.Open(embedded.Options{Path: path, SweepEvery: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	ctx := context.Background()
	failed := make(chan error, crashWriters)
	for w := range crashWriters {
		go func() {
			items, err := table.Read(ctx, counter(w))
			for n := items[counter(w)].Int("n") + 1; err == nil; n++ {
				err = table.Write(ctx, store.NewRequestID(),
					store.Upsert(counter(w)).Add("n", 1).Where(equalsOrAbsent(n-1)),
					store.Create(receipt(w, n), store.Item{"n": n, "filler": make([]byte, rand.IntN(6000))}), //nolint:gosec // G404
					store.Upsert(store.Key{PK: "ALL", SK: "COUNTER"}).Add("n", 1))
				if err == nil {
					_, err = fmt.Printf("%d %d\n", w, n)
				}
			}
			failed <- err
		}()
	}
	return <-failed
}

func equalsOrAbsent(n int64) store.Condition {
	if n == 0 {
		return store.Absent("n")
	}
	return store.Equals("n", n)
}

// TestKill kills a process that writes, again and again, and looks at what it left.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	acknowledged := [crashWriters]int64{}
	for round := range 12 {
		killed(t, path, &acknowledged, time.Duration(rand.IntN(150))*time.Millisecond) //nolint:gosec // G404
		table, err := embedded.Open(embedded.Options{Path: path})
		require.NoError(t, err, "round %d", round)
		total := int64(0)
		for w := range crashWriters {
			items, err := table.Read(t.Context(), counter(w))
			require.NoError(t, err)
			n := items[counter(w)].Int("n")
			require.GreaterOrEqual(t, n, acknowledged[w], "writer %d in round %d: acknowledged and gone", w, round)
			require.Equal(t, n, receipts(t, table, w), "writer %d in round %d: half a write", w, round)
			acknowledged[w] = n
			total += n
		}
		all := store.Key{PK: "ALL", SK: "COUNTER"}
		items, err := table.Read(t.Context(), all)
		require.NoError(t, err)
		require.Equal(t, total, items[all].Int("n"))
		require.Equal(t, 3*total, logged(t, table), "every change is in the log, and no other")
		require.NoError(t, table.Close())
	}
	t.Logf("%d writes survived", acknowledged[0]*crashWriters)
}

// killed runs the writing process, kills it some time after its first write, and notes
// what it said was acknowledged.
func killed(t *testing.T, path string, acknowledged *[crashWriters]int64, after time.Duration) {
	t.Helper()
	command := exec.Command(os.Args[0]) //nolint:gosec // G204: this very test
	command.Env = append(os.Environ(), crashPath+"="+path)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(out)
	var once sync.Once
	for lines.Scan() {
		once.Do(func() { time.AfterFunc(after, func() { command.Process.Kill() }) }) //nolint:errcheck // it is waited for
		var w int
		var n int64
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &w, &n); err == nil {
			acknowledged[w] = max(acknowledged[w], n)
		}
	}
	err = command.Wait()
	require.ErrorContains(t, err, "killed")
}

// receipts walks a writer's receipts, which must have no gap, and returns the last number.
func receipts(t *testing.T, table store.Table, writer int) int64 {
	t.Helper()
	r := store.Range{PK: counter(writer).PK, Prefix: "RECEIPT#"}
	n := int64(0)
	for {
		page, err := table.Query(t.Context(), r)
		require.NoError(t, err)
		for _, e := range page.Entries {
			n++
			require.Equal(t, n, e.Item.Int("n"))
		}
		if r.After = page.Next; page.Next == "" {
			return n
		}
	}
}

func logged(t *testing.T, table *embedded.Table) int64 {
	t.Helper()
	n, after := int64(0), ""
	for {
		changes, err := table.Changes(t.Context(), after, 1000)
		require.NoError(t, err)
		if len(changes) == 0 {
			return n
		}
		n += int64(len(changes))
		after = changes[len(changes)-1].Position
	}
}
