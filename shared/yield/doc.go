// Package yield keeps work that nobody waits for from holding up those who do. Linux looks at a
// thread that computes only at its clock's next tick, up to 4 ms later, and until then another
// that has just become ready waits on the same processor even when its neighbour is idle
// (measured with perf sched, decision 0009). Go's scheduler does not see that: it deals
// with goroutines. So a sweep says between its entries that others may go first.
package yield
