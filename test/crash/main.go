// Command crash kills a service under load, again and again, and looks at what is left:
// whatever was acknowledged must be there, and nothing half-written may be seen.
//
//	go run ./test/crash -kills 20
//
// It builds cmd/mandate, runs it on a data file in a temporary folder, and lets eight
// clients create users, make trusts, take tokens from them, revoke and delete. At a random
// moment the process gets SIGKILL. After the next start it checks: every acknowledged user
// is listed, shown and can log in; every acknowledged trust is in the trustor's and the
// trustee's list, a deleted one in neither; tokens live and die as was said; and what a
// client got no answer to has either happened as a whole or not at all.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const clients = 8

func main() {
	kills := flag.Int("kills", 20, "how often the service is killed")
	flag.Parse()
	if err := run(*kills); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

func run(kills int) error {
	folder, err := os.MkdirTemp("", "crash")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	binary := filepath.Join(folder, "mandate")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/mandate").CombinedOutput(); err != nil { //nolint:gosec // G204: our own program
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	p, err := newProcess(binary, folder)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.start(); err != nil {
		return err
	}
	w, err := newWorld(p.url)
	if err != nil {
		return fmt.Errorf("make the world: %w", err)
	}
	began := time.Now()
	var slowest time.Duration
	for range kills {
		w.load(p)
		if err := p.start(); err != nil {
			return err
		}
		slowest = max(slowest, p.took)
		if err := w.check(); err != nil {
			return fmt.Errorf("after %d kills: %w", w.rounds, err)
		}
	}
	fmt.Printf("%d kills in %.0f s: %s; slowest start %d ms; nothing lost, nothing half-written\n",
		kills, time.Since(began).Seconds(), w, slowest.Milliseconds())
	return nil
}

// load lets the clients work, kills the service at a random moment, and returns when
// every client has noticed.
func (w *world) load(p *process) {
	w.rounds++
	var all sync.WaitGroup
	for _, c := range w.clients {
		all.Go(func() {
			for c.step() {
			}
		})
	}
	time.Sleep(time.Duration(20+rand.IntN(500)) * time.Millisecond) //nolint:gosec // G404: when to kill is no secret
	p.kill()
	all.Wait()
}
