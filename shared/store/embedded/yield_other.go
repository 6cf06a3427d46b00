//go:build !linux

package embedded

// yield does nothing where it is not known to help.
func yield() {}
