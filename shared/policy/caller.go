// Package policy decides who may do what (common.md section 6; directory.md section 3).
//
// The rules are the Cedar files beside this text, grouped by area; reading them is the
// security review. Actions have Keystone's names. What no rule permits is denied, and a
// forbid (delegated.cedar) wins over every permit. Two presets share all files but the
// one that bears the preset's name.
//
//	engine, err := policy.New(policy.SelfService)
//	engine.Allowed("identity:create_trust", caller, policy.Trust{TrustorID: caller.UserID})
package policy

import "slices"

// A Caller is who makes a request, as the token's evidence was just read. It is an
// argument, never ambient; the zero Caller is nobody and may do nothing but what is
// open to all.
type Caller struct {
	UserID   string // acting user: with an impersonating trust the trustor
	DomainID string // domain of the acting user

	SubjectID string // who authenticated: for any trust token the trustee

	Scope           ScopeType
	ProjectID       string // project scope and trusts on a project
	ProjectDomainID string
	ScopeDomainID   string // domain scope

	RoleIDs []string // effective roles in the scope, implied ones included
	Roles   []string // their names, domain-owned roles left out

	Methods []string // how the token was obtained; sorted
	AuditID string   // of the token

	TrustID       string   // trust-scoped tokens
	TrustChain    []string // full ids of the trust's ancestors, root first, without itself
	TrustorID     string
	TrusteeID     string
	Impersonation bool
}

// ScopeType is what a token is scoped to, as policy sees it.
type ScopeType string

// Scope types. An unscoped token counts as project where a rule lists scope types
// (common.md section 6).
const (
	Unscoped      ScopeType = ""
	ProjectScoped ScopeType = "project"
	DomainScoped  ScopeType = "domain"
	SystemScoped  ScopeType = "system"
)

// primaryMethods are the methods by which a person herself authenticates (common.md section 6).
var primaryMethods = []string{"external", "kerberos", "mapped", "openid", "password", "saml2", "token", "totp", "x509"}

// Delegated reports whether the token carries authority that somebody delegated: it is
// scoped to a trust, or was not obtained by primary methods alone.
func (c Caller) Delegated() bool {
	return c.TrustID != "" || !c.primary()
}

// primary reports whether the token was obtained by primary methods alone.
func (c Caller) primary() bool {
	return len(c.Methods) > 0 &&
		!slices.ContainsFunc(c.Methods, func(m string) bool { return !slices.Contains(primaryMethods, m) })
}

// Anonymous reports whether nobody was authenticated.
func (c Caller) Anonymous() bool { return c.UserID == "" }
