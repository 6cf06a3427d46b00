// Command coldstart measures what a cold start of the function ValidateToken costs of our
// own: the size of the executable that is deployed (arm64, stripped), and how long one for this
// machine takes from its start until it asks the Runtime API for its first event. By then it has read
// its configuration and policy, opened its connection to the table, read the keyset and had it unwrapped
// by KMS. What Lambda itself adds is not in it.
//
//	make coldstart
//
// The table is DynamoDB Local; KMS and the Runtime API are listeners on loopback. It starts the
// function with both near, and with both as far as they are in AWS. It fails when the executable, or
// the median of the starts with both near, is over its bound. On a machine that is busy with other things
// look at the processor time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mandate/test/deployed"
)

const (
	area        = "auth" // has ValidateToken
	mostBytes   = 13_000_000
	mostToReady = 15 * time.Millisecond
	away        = 3 * time.Millisecond // the median of DynamoDB's answers
)

func main() {
	starts := flag.Int("starts", 25, "how often it is started")
	flag.Parse()
	if err := run(context.Background(), *starts, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

// run measures the executable of the working tree or, so that two can be compared, those
// that are given, in turn.
func run(ctx context.Context, starts int, given []string) error {
	dir, err := os.MkdirTemp("", "coldstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	var tooLarge error
	if len(given) == 0 {
		arm, err := deployed.Build(ctx, dir, area, "arm64")
		if err != nil {
			return err
		}
		info, err := os.Stat(arm)
		if err != nil {
			return err
		}
		fmt.Printf("executable of %s, arm64, stripped: %.2f MB\n", area, float64(info.Size())/1e6)
		if info.Size() > mostBytes {
			tooLarge = fmt.Errorf("the executable is larger than %d bytes", mostBytes)
		}
		own, err := deployed.Build(ctx, dir, area, "")
		if err != nil {
			return err
		}
		given = []string{own}
	}
	for i, executable := range given {
		if given[i], err = unpacked(executable, filepath.Join(dir, fmt.Sprintf("unpacked-%d", i))); err != nil {
			return err
		}
	}
	p, err := makePlace(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	tooSlow := measure(ctx, "table and KMS near", given, p.near, starts)
	if err := measure(ctx, fmt.Sprintf("%s away", away), given, p.far, starts); err != nil && !errors.Is(err, errSlow) {
		return err
	}
	took, err := p.answers(ctx, starts)
	if err != nil {
		return err
	}
	fmt.Printf("of the starts with both near, DynamoDB Local's own part: median %.1f ms\n", at(took, 0.5))
	return errors.Join(tooLarge, tooSlow)
}

// unpacked is a copy of an executable, written from the beginning to the end as what comes out of
// an archive is. What the linker leaves in the page cache is in smaller pieces, and starts a millisecond later.
func unpacked(executable, to string) (string, error) {
	bytes, err := os.ReadFile(executable) //nolint:gosec // G304: the caller's own
	if err != nil {
		return "", err
	}
	return to, os.WriteFile(to, bytes, 0o700) //nolint:gosec // G306: it must be executable
}

var errSlow = fmt.Errorf("the median is over %s", mostToReady)

// measure prints how the executables start, in turn, with an environment.
func measure(ctx context.Context, where string, executables []string, env map[string]string, starts int) error {
	ready, processor := make([][]float64, len(executables)), make([][]float64, len(executables))
	const warm = 5 // starts that are not counted: what DynamoDB Local and the disk do for the first time
	for n := range warm + starts {
		for i, executable := range executables {
			start, err := deployed.Run(ctx, executable, env)
			if err != nil {
				return err
			}
			if !start.Ready {
				return fmt.Errorf("the function ended before it was ready: %s", start.Log)
			}
			if n >= warm {
				ready[i] = append(ready[i], milliseconds(start.After))
				processor[i] = append(processor[i], milliseconds(start.Processor))
			}
		}
	}
	var slow error
	for i := range executables {
		slices.Sort(ready[i])
		slices.Sort(processor[i])
		if len(executables) > 1 {
			fmt.Printf("executable %d: ", i+1)
		}
		fmt.Printf("start to ready, %d times, %s: least %.1f ms, median %.1f, p90 %.1f; processor time: least %.1f ms, median %.1f\n",
			starts, where, ready[i][0], at(ready[i], 0.5), at(ready[i], 0.9), processor[i][0], at(processor[i], 0.5))
		if at(ready[i], 0.5) > milliseconds(mostToReady) {
			slow = errSlow
		}
	}
	return slow
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func at(sorted []float64, part float64) float64 { return sorted[int(part*float64(len(sorted)-1))] }
