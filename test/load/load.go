// Package load is the generator of every measurement over a socket: it makes the same
// people, projects, trusts and programs on any service that speaks the Identity API, sends
// it the same requests, and says how long they took and what they cost the service's
// processes. Figures of two services compare only when they were taken in turn.
package load

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Case is one kind of request that is measured.
type Case struct {
	Name string
	want int                    // the status it must get
	next func() ([]byte, error) // the request to send; errDry when there is no more
	took func(reply)            // given each answer that was as wanted; nil: nobody wants them
	body bool                   // whether took wants the body
	// Stock makes what requests use up, not measured; nil when they use nothing up.
	stock func(until time.Time) error
	// Heavy cases hash passwords or list thousands: few answers, one at a time.
	Heavy bool
	each  float64 // how much an answer counts; 0: one
}

// errDry says that all that was made to be used up was used up.
var errDry = errors.New("nothing left to use up")

func same(raw []byte) func() ([]byte, error) { return func() ([]byte, error) { return raw, nil } }

// Cell is one measurement of one case.
type Cell struct {
	N      int
	Errors int // answers that were not the expected ones
	First  string
	Rate   float64 // answers a second
	CPU    float64 // milliseconds of processor time per answer, of all processes of the service
	took   []time.Duration
}

// At is a quantile of the latencies in milliseconds.
func (c Cell) At(q float64) float64 {
	if len(c.took) == 0 {
		return 0
	}
	return float64(c.took[int(q*float64(len(c.took)-1))].Microseconds()) / 1000
}

// Measure sends requests of one case on n connections for a while.
func (c *Client) Measure(k *Case, n int, length time.Duration) (Cell, error) {
	if k.stock != nil {
		if err := k.stock(time.Now().Add(length)); err != nil {
			return Cell{}, fmt.Errorf("prepare %s: %w", k.Name, err)
		}
	}
	before, err := c.processes.cpu()
	if err != nil {
		return Cell{}, err
	}
	start := time.Now()
	cell, err := c.send(k, n, start.Add(length))
	if err != nil {
		return Cell{}, fmt.Errorf("%s: %w", k.Name, err)
	}
	elapsed := time.Since(start)
	after, err := c.processes.cpu()
	if err != nil {
		return Cell{}, err
	}
	cell.N = len(cell.took)
	if cell.N == 0 {
		return Cell{}, fmt.Errorf("%s: no answer", k.Name)
	}
	slices.SortFunc(cell.took, cmp.Compare)
	worth := float64(cell.N) * max(k.each, 1)
	cell.Rate = worth / elapsed.Seconds()
	cell.CPU = after.since(before).Seconds() * 1000 / worth
	return cell, nil
}

func (c *Client) send(k *Case, n int, until time.Time) (Cell, error) {
	var (
		group sync.WaitGroup
		all   = make([][]time.Duration, n)
		bad   atomic.Int64
		first atomic.Pointer[string]
		errs  = make([]error, n)
	)
	for i := range n {
		group.Go(func() {
			conn, err := dial(c.host)
			if err != nil {
				errs[i] = err
				return
			}
			defer conn.close()
			for time.Now().Before(until) {
				raw, err := k.next()
				if errors.Is(err, errDry) {
					return
				}
				if err != nil {
					errs[i] = err
					return
				}
				before := time.Now()
				r, err := conn.do(raw, k.body)
				if err != nil {
					errs[i] = err
					return
				}
				all[i] = append(all[i], time.Since(before))
				if r.status != k.want {
					bad.Add(1)
					text := fmt.Sprintf("%d %s", r.status, bytes.TrimSpace(r.body))
					first.CompareAndSwap(nil, &text)
				} else if k.took != nil {
					k.took(r)
				}
			}
		})
	}
	group.Wait()
	cell := Cell{took: slices.Concat(all...), Errors: int(bad.Load())}
	if text := first.Load(); text != nil {
		cell.First = *text
	}
	return cell, errors.Join(errs...)
}
