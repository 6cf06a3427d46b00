package directory

import "fmt"

// Dead says why something that a token or a trust stands on carries no authority now.
// It is a finding, not yet an answer: as X-Auth-Token it becomes 401, as a subject 404.
type Dead struct {
	Why string
	// Hollow says that a delegation was hollowed out: the trust is there, but the
	// trustor is disabled or lost a delegated role. A login then gets 403 (TR-094, TR-098).
	Hollow bool
	// Orphaned says that a user still names a group that was deleted: the next login
	// takes her out of it, if the cascade has not come by (design.md section 5).
	Orphaned bool
}

func (d *Dead) Error() string { return d.Why }

func dead(format string, a ...any) error { return &Dead{Why: fmt.Sprintf(format, a...)} }
