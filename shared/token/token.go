// Package token decides what a bearer token is worth at this moment: it issues tokens by
// password, token, trust or OAuth1 access token, judges them from what was just read, and revokes them
// (contract/tokens-v3.md, design.md sections 3 and 5).
//
// A token on the wire is sealed hints (seal.go, hints.go); its row in the table says
// everything (row.go). Hints only decide what is read in the first trip. What a token
// means is judged in one pass (judge.go) over items read since the request began: its
// row, the root of its chain, the people, the project, the grants and the trusts that it
// stands on. An act that revokes changes one of those items; nothing else has to be told.
package token

import (
	"slices"
	"time"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// ScopeKind is what a token is for.
type ScopeKind string

// Kinds of scope, as they stand in rows.
const (
	Unscoped ScopeKind = "unscoped"
	Project  ScopeKind = "project"
	Domain   ScopeKind = "domain"
	System   ScopeKind = "system"
)

// Scope is what a token is for; ID names the project or domain.
type Scope struct {
	Kind ScopeKind
	ID   string
}

// Target is what roles must be held on for the scope.
func (s Scope) Target() (store.Target, bool) {
	switch s.Kind {
	case Project:
		return store.OnProject(s.ID), true
	case Domain:
		return store.OnDomain(s.ID), true
	case System:
		return store.OnSystem(), true
	default:
		return store.Target{}, false
	}
}

// Token is a live token, as the evidence says: its row and what it stands on.
type Token struct {
	Row
	Subject directory.User // who authenticated; for any trust token the trustee
	User    directory.User // who acts: the trustor when a trust impersonates, else the subject
	Project directory.Project
	Domain  directory.Domain
	RoleIDs store.Set           // effective now, implied ones included
	Roles   []directory.Role    // what is shown of them
	Trust   *trust.Standing     // of a trust-scoped token
	Access  *oauth1.AccessToken // of a token obtained by OAuth1
}

// Caller is who calls with this token.
func (t Token) Caller() policy.Caller {
	c := policy.Caller{
		UserID: t.User.ID, DomainID: t.User.DomainID, SubjectID: t.Subject.ID,
		RoleIDs: t.RoleIDs, Methods: t.Methods, AuditID: t.Audit.String(),
	}
	for _, r := range t.Roles {
		c.Roles = append(c.Roles, r.Name)
	}
	switch t.Scope.Kind {
	case Project:
		c.Scope, c.ProjectID, c.ProjectDomainID = policy.ProjectScoped, t.Project.ID, t.Project.DomainID
	case Domain:
		c.Scope, c.ScopeDomainID = policy.DomainScoped, t.Scope.ID
	case System:
		c.Scope = policy.SystemScoped
	case Unscoped:
	}
	if t.Trust != nil {
		c.TrustID, c.TrustChain, c.Impersonation = t.Trust.ID, t.Trust.Ancestors, t.Trust.Impersonation
		c.TrustorID, c.TrusteeID = t.Trust.TrustorID, t.Trust.TrusteeID
	}
	return c
}

// Delegated reports whether the token carries authority that somebody delegated.
func (t Token) Delegated() bool { return t.Caller().Delegated() }

// AuditIDs are the token's own and, for a derived one, that of its chain's root.
func (t Token) AuditIDs() []string {
	if t.Derived() {
		return []string{t.Audit.String(), t.Root.String()}
	}
	return []string{t.Audit.String()}
}

// union of methods, sorted.
func union(a ...[]string) []string {
	all := slices.Concat(a...)
	slices.Sort(all)
	return slices.Compact(all)
}

// expiry of a token issued now: the earliest of a full life and what it is derived from.
// Whole seconds, because that is what goes over the wire.
func expiry(now time.Time, life time.Duration, bounds ...time.Time) time.Time {
	end := now.Truncate(time.Second).Add(life)
	for _, b := range bounds {
		if !b.IsZero() && b.Before(end) {
			end = b
		}
	}
	return end
}
