package app

import (
	"os"
	"runtime/debug"
	"strconv"
)

// garbage is how much a process may leave lying, in hundredths of what is alive, before it
// cleans up. Alive are a few megabytes, and a request leaves 45 KB: with Go's 100 a quarter
// of its processor time went into cleaning.
const garbage = 400

// CollectLess trades memory for processor time, for mains of processes that serve. GOGC and
// GOMEMLIMIT, where an operator sets them, win. A Lambda function stays below three quarters
// of its memory as long as it can.
func CollectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	megabytes, err := strconv.ParseInt(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 64)
	if err == nil && megabytes > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(megabytes << 20 / 4 * 3)
	}
}
