// Command mutation asks how much of the code that decides about authority the tests hold: it
// makes small faults in it, one at a time (a condition turned round, an edge moved, a statement
// or the conditions of a write left out), and counts those that a test notices.
//
// All faults are built into the test binaries at once, each behind a switch, by an overlay: no
// source that we ship knows of them. First every test is run alone, to learn which faults it
// comes across and how long it takes; then each fault is switched on for the quickest of the
// tests that come across it, up to -effort of them. What they do not notice has survived, though a
// slower test might: the share that is printed is a lower bound.
//
//	go run ./test/mutation [-only shared/trust] [-one-in 4] [-effort 15s] [-least 0.8]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
)

// authority are the packages that decide.
var authority = []string{"shared/policy", "shared/trust", "shared/token", "shared/oauth1", "shared/revocation"}

// judges are the packages whose tests are asked.
var judges = []string{
	"./shared/policy", "./shared/trust", "./shared/token", "./shared/oauth1", "./shared/revocation", "./functions/...",
	"./test/budget", "./test/delegation", "./test/ends", "./test/rotation", "./test/uses", "./test/v2", "./test/transcripts",
}

func run(ctx context.Context) error {
	only := flag.String("only", "", "only the faults of sources whose path begins so")
	oneIn := flag.Int("one-in", 1, "only every how many-th fault, for a sample")
	effort := flag.Duration("effort", 15*time.Second, "how long the tests may take that a fault is shown to, when none fails")
	least := flag.Float64("least", 0.8, "the share of faults that must be noticed")
	abreast := flag.Int("abreast", 2, "how many faults are tried at a time")
	flag.Parse()

	folder, err := os.MkdirTemp("", "mutation-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a folder of temporary files
	faults, overlay, err := seedAll(folder)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d faults; building the tests\n", len(faults))
	suites, err := build(ctx, folder, overlay)
	if err != nil {
		return err
	}
	tests, err := survey(ctx, folder, suites, *abreast)
	if err != nil {
		return err
	}
	var tried []fault
	for n, f := range faults {
		if strings.HasPrefix(f.path, *only) && n%max(1, *oneIn) == 0 {
			tried = append(tried, f)
		}
	}
	outcomes := make([]outcome, len(tried))
	bar := progress(len(tried), "switching faults on")
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(*abreast)
	for n, f := range tried {
		group.Go(func() (err error) {
			outcomes[n], err = tests.show(ctx, f.n, *effort)
			_ = bar.Add(1)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return report(tried, outcomes, *least)
}

// seedAll writes the sources of the deciding packages with faults in them, and an overlay.
func seedAll(folder string) (faults []fault, overlay string, err error) {
	replace := map[string]string{}
	next := func() int { return len(faults) + 1 }
	for _, dir := range authority {
		sources, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			return nil, "", err
		}
		for _, path := range sources {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source, err := os.ReadFile(path) //nolint:gosec // G304: our own sources
			if err != nil {
				return nil, "", err
			}
			drawn := next()
			seeded, more, err := seed(path, source, func() int { drawn++; return drawn - 1 })
			if err != nil {
				return nil, "", err
			}
			faults = append(faults, more...)
			at := filepath.Join(folder, strings.ReplaceAll(path, "/", "-"))
			whole, err := filepath.Abs(path)
			if err := errors.Join(err, os.WriteFile(at, seeded, 0o600)); err != nil {
				return nil, "", err
			}
			replace[whole] = at
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return faults, overlay, os.WriteFile(overlay, b, 0o600)
}

// suite is the test binary of a package; tests run in its folder.
type suite struct{ binary, folder string }

// build links the test binaries with all faults in them.
func build(ctx context.Context, folder, overlay string) (all []suite, err error) {
	out, err := exec.CommandContext(ctx, "go", append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}"}, judges...)...).Output() //nolint:gosec // G204: our own arguments
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == "" {
			continue
		}
		binary := filepath.Join(folder, strings.ReplaceAll(path, "/", "-")+".test")
		c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-w", "-overlay", overlay, "-o", binary, path) //nolint:gosec // G204: our own arguments
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("build the tests of %s: %w", path, err)
		}
		all = append(all, suite{binary, dir})
	}
	return all, nil
}

// outcome is what became of a fault.
type outcome int

const (
	survived outcome = iota
	noticed
	endless // no test ended in time: a loop that does not end, or locks that wait for each other
)

func report(tried []fault, outcomes []outcome, least float64) error {
	type count struct{ all, noticed, endless int }
	counts := map[string]count{}
	total := count{}
	fmt.Println("survived:")
	for n, f := range tried {
		dir := filepath.Dir(f.path)
		c := counts[dir]
		c.all++
		total.all++
		switch outcomes[n] {
		case survived:
			fmt.Printf("  %s:%d %s: %s\n", f.path, f.line, f.what, f.text)
		case endless:
			c.endless++
			total.endless++
			fallthrough
		case noticed:
			c.noticed++
			total.noticed++
		}
		counts[dir] = c
	}
	share := func(c count) float64 { return float64(c.noticed) / float64(max(1, c.all)) }
	for _, dir := range authority {
		if c := counts[dir]; c.all > 0 {
			line(dir, c.all, c.noticed, c.endless)
		}
	}
	line("all", total.all, total.noticed, total.endless)
	if share(total) < least {
		return fmt.Errorf("fewer than %.0f %% of the faults were noticed", 100*least)
	}
	return nil
}

func line(of string, all, noticed, endless int) {
	fmt.Printf("%-20s %5d faults, %5d noticed (%d by tests that did not end): %5.1f %%\n", of, all, noticed, endless, 100*float64(noticed)/float64(all))
}

func progress(of int, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(of, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(time.Second), progressbar.OptionSetDescription(what))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "\nmutation:", err)
		os.Exit(1)
	}
}
