package policy

import (
	"github.com/cedar-policy/cedar-go/types"
)

// entity is what rules see of a caller. She is "in" each Role she holds, by its name,
// implied roles included and roles owned by a domain left out. Attributes:
//
//	user_id            acting user
//	subject_id         who authenticated
//	scope              "project" (an unscoped token too), "domain" or "system"
//	project_id         of a token scoped to a project; else absent
//	project_domain_id  its domain; else absent
//	domain_id          of a token scoped to a domain; else absent
//	delegated          scoped to a trust, or not obtained by primary methods alone
//	primary            obtained by primary methods alone
//	trust_scoped       scoped to a trust
func (c Caller) entity() types.Entity {
	scope := c.Scope
	if scope == Unscoped {
		scope = ProjectScoped
	}
	primary := c.primary()
	f := facts{
		"user_id":      text(c.UserID),
		"subject_id":   text(c.SubjectID),
		"scope":        text(scope),
		"delegated":    types.Boolean(c.TrustID != "" || !primary),
		"primary":      types.Boolean(primary),
		"trust_scoped": types.Boolean(c.TrustID != ""),
	}
	if c.Scope == ProjectScoped && c.ProjectID != "" {
		f["project_id"], f["project_domain_id"] = text(c.ProjectID), text(c.ProjectDomainID)
	}
	if c.Scope == DomainScoped && c.ScopeDomainID != "" {
		f["domain_id"] = text(c.ScopeDomainID)
	}
	held := make([]types.EntityUID, len(c.Roles))
	for i, name := range c.Roles {
		held[i] = types.NewEntityUID("Role", text(name))
	}
	e := entity(acting, f)
	e.Parents = types.NewEntityUIDSet(held...)
	return e
}
