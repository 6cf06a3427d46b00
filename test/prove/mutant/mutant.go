// Package mutant says which of the seeded faults of test/prove/mutants is switched on. Only
// the copies of our sources that are built for that import it.
package mutant

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
)

var chosen = os.Getenv("MUTANT")

// Is reports whether a fault is on.
func Is(name string) bool { return chosen == name }

// Stale is what a cache without an end would make of an item that was read.
func Stale[V any](key fmt.Stringer, fresh V) V { return remember(key, fresh, time.Hour) }

// Late is what an eventually consistent read may make of it.
func Late[V any](key fmt.Stringer, fresh V) V { return remember(key, fresh, 10*time.Millisecond) }

// fleeting are kinds of items whose ids are drawn: the tables of one process share no other.
var fleeting = map[string]bool{
	"USER": true, "GROUP": true, "PROJECT": true, "TRUST": true, "TOKEN": true, "CONSUMER": true, "ACCESS": true,
}

var seen sync.Map

type kept struct {
	value any
	at    time.Time
}

func remember[V any](key fmt.Stringer, fresh V, life time.Duration) V {
	name := key.String()
	if kind, _, _ := strings.Cut(name, "#"); !fleeting[kind] {
		return fresh
	}
	if old, ok := seen.Load(name); ok && time.Since(old.(kept).at) < life {
		return old.(kept).value.(V)
	}
	if !reflect.ValueOf(fresh).IsNil() {
		seen.Store(name, kept{fresh, time.Now()})
	}
	return fresh
}
