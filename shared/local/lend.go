package local

import (
	"runtime"
	"sync"
	"time"
)

const (
	longWork  = 50 * time.Millisecond // a delivery that takes longer is work that requests must not wait for
	lendAfter = 2 * time.Second       // how long what was lent is kept, for the next such delivery
	lendTimes = 2
)

// A lender gives Go more processors than it would take (GOMAXPROCS) while deliveries are long, as
// those of a sweep are. When all of them are at such work, Go looks at the network only every
// 10 ms, so that a request waits that long; one that is free looks at once, and the system
// shares the real ones out. At other times more of them would only look for work in vain.
type lender struct {
	mu    sync.Mutex
	own   int // before anything was lent
	loans int
}

// processors are those of the process.
var processors lender

// lend is called when a delivery begins, and what it returns when it is over.
func (l *lender) lend() (over func()) {
	done, lent := false, false
	timer := time.AfterFunc(longWork, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if done {
			return
		}
		if lent = true; l.loans == 0 {
			l.own = runtime.GOMAXPROCS(0)
			runtime.GOMAXPROCS(lendTimes * l.own)
		}
		l.loans++
	})
	return func() {
		timer.Stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		if done = true; lent {
			time.AfterFunc(lendAfter, l.giveBack)
		}
	}
}

func (l *lender) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loans--; l.loans == 0 {
		runtime.GOMAXPROCS(l.own)
	}
}
