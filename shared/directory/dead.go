package directory

import (
	"fmt"

	"mandate/shared/store"
)

// A Reason says what about an item ends what stands on it (docs/data-model.md, "What ends a token").
type Reason string

// The reasons.
const (
	Absent       Reason = "absent"        // it is not there: deleted, or never made
	Disabled     Reason = "disabled"      // a user, project or domain
	Revoked      Reason = "revoked"       // a token's row
	ChainRevoked Reason = "chain_revoked" // the row of a chain's root
	Expired      Reason = "expired"       // a token or a trust
	EpochMoved   Reason = "epoch_moved"   // a user's password changed, she was disabled, left a group, or ended her tokens
	GroupGone    Reason = "group_gone"    // the head: a group of a user's was deleted
	RoleLacking  Reason = "role_lacking"  // a grant without a role that is needed
	Mismatch     Reason = "mismatch"      // it is not what stands on it says that it is
	Unlawful     Reason = "unlawful"      // a trust goes beyond one above it
	Unreadable   Reason = "unreadable"    // a text that is no token of this deployment
)

// Dead says why something that a token or a trust stands on carries no authority now.
// It is a finding, not yet an answer: as X-Auth-Token it becomes 401, as a subject 404.
type Dead struct {
	Why string
	// At is the item that says so, and Reason what it says; zero where nothing was read.
	At     store.Key
	Reason Reason
	// Hollow says that a delegation was hollowed out: the trust is there, but the
	// trustor is disabled or lost a delegated role. A login then gets 403 (TR-094, TR-098).
	Hollow bool
	// Orphaned says that a user still names a group that was deleted: the next login
	// takes her out of it, if the cascade has not come by (design.md section 5).
	Orphaned bool
}

func (d *Dead) Error() string { return d.Why }

// End is the finding that an item, for a reason, carries no authority.
func End(at store.Key, r Reason, format string, a ...any) *Dead {
	return &Dead{Why: fmt.Sprintf(format, a...), At: at, Reason: r}
}
