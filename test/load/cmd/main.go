// Command cmd measures one running service: throughput and latency of validating, issuing,
// delegating and revoking at several concurrencies, from the same machine. It signs in with
// the OS_* variables of an openrc and makes what it needs.
//
//	source .mandate/openrc && go run ./test/load/cmd -seconds 3
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"mandate/test/load"
)

func main() {
	seconds := flag.Float64("seconds", 3, "how long each cell of the table runs")
	levels := flag.String("concurrency", "1,8,32", "how many connections ask at once, one level after the other")
	only := flag.String("only", "", "measure only what has this in its name (issue by)")
	pid := flag.Int("pid", 0, "process of the service, to count its processor time")
	flag.Parse()
	if err := run(time.Duration(*seconds*float64(time.Second)), *levels, *only, *pid); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(length time.Duration, levels, only string, pid int) error {
	var processes load.Processes
	if pid != 0 {
		processes = load.Processes{pid}
	}
	c, err := load.SignIn(os.Getenv, processes)
	if err != nil {
		return err
	}
	w, err := c.Build()
	if err != nil {
		return err
	}
	cases, err := w.Cases()
	if err != nil {
		return err
	}
	fmt.Printf("%-30s %11s %10s %9s %9s %9s %10s %7s\n", "operation", "concurrency", "req/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "errors")
	for _, k := range cases {
		if !strings.Contains(k.Name, only) {
			continue
		}
		for level := range strings.SplitSeq(levels, ",") {
			n, err := strconv.Atoi(level)
			if err != nil || n < 1 || n > 256 {
				return fmt.Errorf("concurrency %q is no number from 1 to 256", level)
			}
			if _, err := c.Measure(k, n, length/5); err != nil { // warm up
				return err
			}
			r, err := c.Measure(k, n, length)
			if err != nil {
				return err
			}
			fmt.Printf("%-30s %11d %10.0f %9.2f %9.2f %9.2f %10.3f %7d %s\n", k.Name, n, r.Rate, r.At(0.50), r.At(0.95), r.At(0.99), r.CPU, r.Errors, r.First)
		}
	}
	return nil
}
