package trust

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Grant is what a trustor asks for.
type Grant struct {
	TrustorID     string
	TrusteeID     string
	ProjectID     string // "": none
	Impersonation bool
	RoleIDs       store.Set
	RoleNames     []string  // resolved to ids by Create
	ExpiresAt     time.Time // zero: never or, when redelegating, as long as the parent
	RemainingUses *int64    // nil: unlimited

	AllowRedelegation bool
	RedelegationCount *int64 // nil: not given

	In string // the object that asks, as messages name it; "": trust
}

// named is an attribute as the client knows it.
func (g Grant) named(attribute string) string { return cmp.Or(g.In, "trust") + "." + attribute }

// redelegatable reports whether others may follow. To allow it and to ask for none is
// not to allow it, and a number without allowing it says nothing (TR-043).
func (g Grant) redelegatable() bool {
	return g.AllowRedelegation && (g.RedelegationCount == nil || *g.RedelegationCount > 0)
}

// declineUses refuses a limit of uses together with redelegation (TR-045).
func (g Grant) declineUses() error {
	if g.redelegatable() && g.RemainingUses != nil {
		return problem.Invalid(g.named("remaining_uses"), "must be absent when redelegation is allowed")
	}
	return nil
}

// trust is the grant as a trust of its own, without what its place in a chain gives it.
func (g Grant) trust() Trust {
	return Trust{
		TrustorID: g.TrustorID, TrusteeID: g.TrusteeID, ProjectID: g.ProjectID, Impersonation: g.Impersonation,
		RoleIDs: g.RoleIDs, ExpiresAt: g.ExpiresAt, RemainingUses: g.RemainingUses,
	}
}

// first is the grant as the first trust of a chain: the asked number of generations may
// follow, or as many as the deployment allows (TR-040 to TR-045).
func (g Grant) first(maximum int) (Trust, error) {
	t := g.trust()
	if err := g.declineUses(); err != nil {
		return Trust{}, err
	}
	if !g.redelegatable() {
		return t, nil
	}
	t.RedelegationCount = int64(maximum)
	if g.RedelegationCount != nil {
		t.RedelegationCount = *g.RedelegationCount
	}
	if t.RedelegationCount > int64(maximum) {
		return Trust{}, problem.ForbiddenBecause(fmt.Sprintf("a trust may be redelegated at most %d times", maximum))
	}
	return t, nil
}

// under is the grant as a child of a parent: it ends with the parent unless it says
// otherwise (TR-051), and one generation fewer may follow, or none (TR-046, TR-047).
func (g Grant) under(parent Trust) Trust {
	t := g.trust()
	t.ParentID = parent.ID
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = parent.ExpiresAt
	}
	if g.redelegatable() {
		t.RedelegationCount = parent.RedelegationCount - 1
	}
	return t
}

// Redelegate says whether a grant may be made under a parent: nil, or why not. Ancestors
// are the trusts above the parent, maximum is the deployment's limit of generations. The laws
// are those of trusts.md section 2, each checked against every trust above, so that no chain
// of small steps leads where one step may not.
//
// That the trustors hold the roles is asked before (Service.Create).
func Redelegate(parent Trust, ancestors []Trust, g Grant, maximum int) error {
	above := append(ancestors[:len(ancestors):len(ancestors)], parent)
	for _, a := range above {
		if a.RedelegationCount <= 0 || a.RedelegationCount > int64(maximum) {
			return problem.ForbiddenBecause("trust " + a.ID + " may not be redelegated")
		}
	}
	if err := g.declineUses(); err != nil {
		return err
	}
	if g.redelegatable() && g.RedelegationCount != nil && *g.RedelegationCount != parent.RedelegationCount-1 {
		return problem.ForbiddenBecause(fmt.Sprintf("the redelegation count can only be %d or 0", parent.RedelegationCount-1))
	}
	if err := lineage(append(above, g.under(parent))).lawful(); err != nil {
		return problem.ForbiddenBecause(err.Error())
	}
	return nil
}

// lawful says whether the last trust of a lineage keeps every law of delegation that can
// be seen on the trusts themselves. Create asks it of what is to be, Stand of what was
// read: a trust that got into the table in another way carries nothing beyond them either.
func (l lineage) lawful() error {
	t := l.trust()
	if (t.ProjectID == "") != (len(t.RoleIDs) == 0) {
		return errors.New("a project and roles belong together")
	}
	for n, a := range l.ancestors() {
		if l[n+1].TrustorID != a.ActingID() {
			return fmt.Errorf("only who acts with trust %s can redelegate it", a.ID)
		}
		if err := t.within(a); err != nil {
			return err
		}
	}
	return nil
}

// within says what a trust has that a trust above it has not; nil when nothing.
func (t Trust) within(a Trust) error {
	switch {
	case t.RedelegationCount < 0 || a.RedelegationCount <= t.RedelegationCount:
		return fmt.Errorf("trust %s ends its chain earlier", a.ID)
	case t.RemainingUses != nil || a.RemainingUses != nil:
		return errors.New("a chain of trusts cannot limit its uses")
	case !a.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(a.ExpiresAt)):
		return fmt.Errorf("trust %s expires earlier", a.ID)
	case t.ProjectID != a.ProjectID:
		return fmt.Errorf("trust %s is for another project", a.ID)
	case t.Impersonation && !a.Impersonation:
		return fmt.Errorf("trust %s does not impersonate", a.ID)
	}
	for _, id := range t.RoleIDs {
		if !a.RoleIDs.Has(id) {
			return fmt.Errorf("trust %s does not have role %s", a.ID, id)
		}
	}
	return nil
}
