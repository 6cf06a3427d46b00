package cloud

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Clock compares this machine's clock with the one that AWS shows in its answers. Nothing
// here can work on a machine whose clock is wrong: requests are refused by their signatures,
// and what has expired is taken for valid.
type Clock struct{ ahead atomic.Int64 }

// Ahead is by how much this machine's clock was ahead in the last answer.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// A Doer sends requests, as the SDK's clients want it.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Watch sends requests by another client and reads the clock in the answers.
func (c *Clock) Watch(d Doer) Doer { return watching{c, d} }

type watching struct {
	clock *Clock
	Doer
}

// Do sends a request.
func (w watching) Do(r *http.Request) (*http.Response, error) {
	answer, err := w.Doer.Do(r)
	if err == nil {
		if at, e := http.ParseTime(answer.Header.Get("Date")); e == nil {
			w.clock.ahead.Store(int64(time.Since(at)))
		}
	}
	return answer, err
}
