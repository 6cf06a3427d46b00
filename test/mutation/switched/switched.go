// Package switched holds what the faults of test/mutation are made of: each does what the source
// says, until the fault of its number is the one that is switched on. Only the copies of our
// sources that are built for that import it.
package switched

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// On is the variable that names the fault, by its number; Reached the one that names a file
// to which every fault that a run comes across is written, a number a line.
const (
	On      = "MUTATION"
	Reached = "MUTATION_REACHED"
)

var (
	chosen, _ = strconv.Atoi(os.Getenv(On))
	reached   = os.Getenv(Reached)
	told      sync.Map
)

func is(n int) bool {
	if reached != "" {
		tell(n)
	}
	return n == chosen
}

func tell(n int) {
	if _, before := told.LoadOrStore(n, true); before {
		return
	}
	f, err := os.OpenFile(reached, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // G304: named by the command that started the test
	if err == nil {
		_, err = fmt.Fprintln(f, n)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// Keep reports whether a statement stays.
func Keep(n int) bool { return !is(n) }

// Flip turns a condition round.
func Flip(n int, v bool) bool { return v != is(n) }

// And is a && b, or a || b.
func And(n int, a bool, b func() bool) bool {
	if is(n) {
		return a || b()
	}
	return a && b()
}

// Or is a || b, or a && b.
func Or(n int, a bool, b func() bool) bool {
	if is(n) {
		return a && b()
	}
	return a || b()
}

// Less is a < b, or a <= b.
func Less[T cmp.Ordered](n int, a, b T) bool { return a < b || is(n) && a == b }

// AtMost is a <= b, or a < b.
func AtMost[T cmp.Ordered](n int, a, b T) bool { return a < b || !is(n) && a == b }

// All is what a list of conditions says, or none of it.
func All[T any](n int, list ...T) []T {
	if is(n) {
		return nil
	}
	return list
}
