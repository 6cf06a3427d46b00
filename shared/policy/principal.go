package policy

import "github.com/cedar-policy/cedar-go/types"

// entity is what rules see of a caller. She is "in" each Role she holds, by its name,
// implied roles included and roles owned by a domain left out. Attributes:
//
//	user_id            acting user
//	scope              "project" (an unscoped token too), "domain" or "system"
//	project_id         of a token scoped to a project; else absent
//	project_domain_id  its domain; else absent
//	domain_id          of a token scoped to a domain; else absent
//	delegation         "method", "trust" or "none" (delegated.cedar)
func (c Caller) entity() types.Entity {
	f := facts{"user_id": text(c.UserID), "scope": projectScope, "delegation": c.delegation()}
	switch {
	case c.Scope == ProjectScoped && c.ProjectID != "":
		f["project_id"], f["project_domain_id"] = text(c.ProjectID), text(c.ProjectDomainID)
	case c.Scope == DomainScoped:
		f["scope"] = text(c.Scope)
		if c.ScopeDomainID != "" { // "" would equal the domain of what does not exist
			f["domain_id"] = text(c.ScopeDomainID)
		}
	case c.Scope == SystemScoped:
		f["scope"] = text(c.Scope)
	}
	held := make([]types.EntityUID, len(c.Roles))
	for i, name := range c.Roles {
		held[i] = types.NewEntityUID("Role", text(name))
	}
	e := entity(acting, f)
	e.Parents = types.NewEntityUIDSet(held...)
	return e
}

// Values made once, because they are in every decision.
var (
	projectScope types.Value = text(ProjectScoped)

	byMethod types.Value = text("method")
	byTrust  types.Value = text("trust")
	byNobody types.Value = text("none")
)

func (c Caller) delegation() types.Value {
	switch {
	case !c.primary():
		return byMethod
	case c.TrustID != "":
		return byTrust
	default:
		return byNobody
	}
}
