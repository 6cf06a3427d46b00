// Package trust decides delegation: who may hand which roles on which project to whom,
// for how long and how often, who may hand them on, and whether such a trust carries
// authority at this moment (contract/trusts.md).
//
// A trust is immutable but for its counter of uses. Nothing about it is kept in step
// with the rest of the directory; instead everything that it stands on is read each time
// it is used (stand.go): the trust, every trust above it, their people, the project, and
// the grants of every trustor. So deleting one item, or disabling one person, ends all
// that was made from it by the next read, and no cascade has to run first.
//
//	standing, err := trusts.Stand(rs, id) // *directory.Dead says why not
package trust

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"mandate/shared/directory"
	"mandate/shared/store"
)

// Trust is a delegation of roles on a project from a trustor to a trustee.
type Trust struct {
	ID            string // 32 lower-case hex digits
	TrustorID     string
	TrusteeID     string
	ProjectID     string // "": no project and no roles (TR-009)
	Impersonation bool   // the trustee acts as the trustor
	RoleIDs       store.Set
	ExpiresAt     time.Time // whole seconds, UTC; zero: never
	RemainingUses *int64    // nil: unlimited; counts tokens still to be issued
	UsedAt        time.Time // when a token was last obtained by it, to the hour; zero: no use is on record

	ParentID          string   // the trust it was redelegated from; "": a first trust
	RedelegationCount int64    // how many generations may follow; 0: none
	Ancestors         []string // full ids, root first, parent last
	CreatedAt         time.Time

	// PreauthID is the pre-authentication that holds the trust; "": none. It is nobody's
	// business but its creator's (preauthentications.md section 2).
	PreauthID string

	// above is everybody in the trusts above. It lets their items come in the same trip
	// as the trusts that name them, and decides nothing.
	above store.Set
}

// Expired reports whether the trust has ended by time. Whether TTL has removed the item
// is of no meaning.
func (t Trust) Expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// UsedUp reports whether no further token can be issued. Those that were issued live on.
func (t Trust) UsedUp() bool { return t.RemainingUses != nil && *t.RemainingUses <= 0 }

// ActingID is who acts with a token of the trust, and so who may redelegate it.
func (t Trust) ActingID() string {
	if t.Impersonation {
		return t.TrustorID
	}
	return t.TrusteeID
}

// Service keeps trusts.
type Service struct {
	table     store.Table
	registry  *directory.Registry
	now       func() time.Time
	max       int
	retention time.Duration
	newID     func() string
	memory    memory
}

// Options are a Service's parts.
type Options struct {
	Table    store.Table
	Registry *directory.Registry
	Now      func() time.Time
	// MaxRedelegation is how many generations may follow a first trust
	// (Keystone's max_redelegation_count, 3 there).
	MaxRedelegation int
	// Retention is how long an expired trust stays listed before TTL takes it away.
	Retention time.Duration
}

// DefaultRetention of expired trusts.
const DefaultRetention = 90 * 24 * time.Hour

// New puts a Service together.
func New(o Options) *Service {
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	return &Service{
		table: o.Table, registry: o.Registry, now: o.Now, max: o.MaxRedelegation, retention: o.Retention, newID: newID,
	}
}

// newID draws 32 hex digits: a version 4 UUID without dashes, as Keystone's.
func newID() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}

// wellFormed keeps whatever cannot be a trust's id away from the table.
func wellFormed(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// Within reports whether the trust is another one, or was made from it: what a token of
// that other trust may manage (TR-077a). It is false for "", no trust.
func (t Trust) Within(trustID string) bool {
	return trustID != "" && (t.ID == trustID || slices.Contains(t.Ancestors, trustID))
}
