package service

import (
	"sync/atomic"
	"time"
)

// Clock stands still until a test moves it.
type Clock struct{ micro atomic.Int64 }

// StoppedAt is a clock that shows a time, to the microsecond.
func StoppedAt(at time.Time) *Clock {
	c := new(Clock)
	c.micro.Store(at.UnixMicro())
	return c
}

// Now is what it shows.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micro.Load()).UTC() }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.micro.Add(d.Microseconds()) }
