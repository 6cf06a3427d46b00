package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mandate/test/mutation/switched"
)

// test is one test, and what it did with no fault on.
type test struct {
	of   suite
	name string
	took time.Duration
}

// A knowledge says which tests come across a fault, the quickest first.
type knowledge map[int][]test

// survey runs every test alone.
func survey(ctx context.Context, folder string, suites []suite, abreast int) (knowledge, error) {
	var all []test
	for _, s := range suites {
		out, err := command(ctx, s, nil, "-test.run", ".", "-test.list", "^(Test|Fuzz)").Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.binary, err)
		}
		for name := range strings.Lines(string(out)) {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
				all = append(all, test{of: s, name: name})
			}
		}
	}
	bar := progress(len(all), "running each test alone")
	var lock sync.Mutex
	known := knowledge{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for n, t := range all {
		group.Go(func() error {
			at := filepath.Join(folder, "reached-"+strconv.Itoa(n))
			began := time.Now()
			out, err := command(ctx, t.of, []string{switched.Reached + "=" + at}, "-test.run", "^"+t.name+"$").CombinedOutput()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil { // as one does that counts allocations: the switches make some
				fmt.Fprintf(os.Stderr, "\n%s fails with no fault on, and is not asked: %v\n%s", t.name, err, out)
				return bar.Add(1)
			}
			t.took = time.Since(began)
			reached, err := os.ReadFile(at) //nolint:gosec // G304: our own file
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			lock.Lock()
			defer lock.Unlock()
			for line := range strings.FieldsSeq(string(reached)) {
				id, err := strconv.Atoi(line)
				if err != nil {
					return err
				}
				known[id] = append(known[id], t)
			}
			return bar.Add(1)
		})
	}
	err := group.Wait()
	for _, tests := range known {
		slices.SortFunc(tests, func(a, b test) int { return int(a.took - b.took) })
	}
	return known, err
}

// show switches a fault on for the quickest tests that come across it, until one fails.
func (k knowledge) show(ctx context.Context, n int, effort time.Duration) (outcome, error) {
	chosen := map[suite][]string{}
	var suites []suite
	var spent time.Duration
	for _, t := range k[n] {
		if spent += t.took; spent > effort && len(suites) > 0 {
			break
		}
		if chosen[t.of] == nil {
			suites = append(suites, t.of)
		}
		chosen[t.of] = append(chosen[t.of], t.name)
	}
	for _, s := range suites {
		within, cancel := context.WithTimeout(ctx, 4*effort+20*time.Second)
		err := command(within, s, []string{switched.On + "=" + strconv.Itoa(n)},
			"-test.failfast", "-test.run", "^("+strings.Join(chosen[s], "|")+")$").Run()
		late := within.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return survived, ctx.Err()
		case late:
			return endless, nil
		case err != nil:
			return noticed, nil
		}
	}
	return survived, nil
}

func command(ctx context.Context, s suite, env []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.binary, args...) //nolint:gosec // G204: our own arguments
	c.Dir = s.folder
	c.Env = append(append(os.Environ(), "RAPID_NOFAILFILE=true"), env...) // what fails with a fault on is nothing to keep
	return c
}
