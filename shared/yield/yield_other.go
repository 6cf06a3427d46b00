//go:build !linux

package yield

// Now does nothing where the system is not known to run a thread for milliseconds while others wait.
func Now() {}
