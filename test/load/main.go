// Command load measures a running identity service: throughput and latency of validating
// and issuing tokens at several concurrencies, from the same machine. It signs in with
// the OS_* variables of an openrc, makes what it needs, and ends what it made.
//
//	source .mandate/openrc && go run ./test/load -seconds 3
//
// Figures of two runs compare only when they were taken side by side.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	seconds := flag.Float64("seconds", 3, "how long each cell of the table runs")
	levels := flag.String("concurrency", "1,8,32", "how many connections ask at once, one level after the other")
	flag.Parse()
	if err := run(time.Duration(*seconds*float64(time.Second)), *levels); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(length time.Duration, levels string) error {
	c, err := signIn(os.Getenv)
	if err != nil {
		return err
	}
	cases, err := c.cases()
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %11s %10s %9s %9s %9s %7s\n", "operation", "concurrency", "req/s", "p50 ms", "p95 ms", "p99 ms", "errors")
	for _, k := range cases {
		for level := range strings.SplitSeq(levels, ",") {
			n, err := strconv.Atoi(level)
			if err != nil || n < 1 || n > 256 {
				return fmt.Errorf("concurrency %q is no number from 1 to 256", level)
			}
			if _, err := c.measure(k, n, length/5); err != nil { // warm up
				return err
			}
			r, err := c.measure(k, n, length)
			if err != nil {
				return err
			}
			fmt.Printf("%-34s %11d %10.0f %9.2f %9.2f %9.2f %7d\n", k.name, n, r.rate, r.at(0.50), r.at(0.95), r.at(0.99), r.errors)
		}
	}
	return nil
}

// result is one cell: requests a second, the sorted latencies, and how many answers were
// not the expected ones.
type result struct {
	rate    float64
	took    []time.Duration
	errors  int
	elapsed time.Duration
}

// at is a quantile of the latencies in milliseconds.
func (r result) at(q float64) float64 {
	if len(r.took) == 0 {
		return 0
	}
	return float64(r.took[int(q*float64(len(r.took)-1))].Microseconds()) / 1000
}

// measure sends one request over and over on n connections.
func (c *client) measure(k kase, n int, length time.Duration) (result, error) {
	var (
		group  sync.WaitGroup
		all    = make([][]time.Duration, n)
		bad    atomic.Int64
		failed atomic.Value
		start  = time.Now()
	)
	for i := range n {
		group.Go(func() {
			conn, err := dial(c.host)
			if err != nil {
				failed.Store(err)
				return
			}
			defer conn.close()
			for time.Since(start) < length {
				before := time.Now()
				status, _, err := conn.do(k.raw)
				if err != nil {
					failed.Store(err)
					return
				}
				all[i] = append(all[i], time.Since(before))
				if status != k.want {
					bad.Add(1)
				}
			}
		})
	}
	group.Wait()
	if err, ok := failed.Load().(error); ok {
		return result{}, fmt.Errorf("%s: %w", k.name, err)
	}
	r := result{took: slices.Concat(all...), errors: int(bad.Load()), elapsed: time.Since(start)}
	slices.SortFunc(r.took, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	r.rate = float64(len(r.took)) / r.elapsed.Seconds()
	return r, nil
}
