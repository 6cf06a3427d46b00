package embedded

import "syscall"

// yield lets a thread that waits for this processor go first. Linux looks at one that computes only
// at the next tick of its clock, up to 4 ms later, and until then another that has just become
// ready waits, even when the neighbouring processor is idle (perf sched, decision 0009). Go's
// scheduler does not see that: it deals with goroutines. So those who work for many at once
// say between one and the next that others may run. It costs less than a microsecond.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
