package policy

// A Resource is what an action touches, built from the path, the table and, for a
// creation, the validated new object; never from body members that the operation does
// not own. Each type says which facts rules may look at.
type Resource interface{ facts() facts }

// facts is what Cedar sees of a resource: string, bool and []string attributes.
type facts map[string]any

// Any is for actions whose rule looks at the caller only.
type Any struct{}

// Domain is a domain.
type Domain struct{ ID string }

// User is a user, and what belongs to her.
type User struct{ ID, DomainID string }

// Project is a project.
type Project struct{ ID, DomainID string }

// Group is a group.
type Group struct{ ID, DomainID string }

// Role is a role; DomainID is "" for a global one.
type Role struct{ Name, DomainID string }

// Grant is a role of an actor (user or group) on a target (project, domain or system).
type Grant struct {
	Role         string // name
	RoleDomainID string
	ActorDomain  string // domain of the user or group
	TargetDomain string // domain of the project, or the domain; "" for the system
	System       bool
}

// DomainList is a list that is limited to one domain ("" for the whole).
type DomainList struct{ DomainID string }

// Token is the subject of a validation, check or revocation.
type Token struct {
	SubjectID string // the user who authenticated to get it
}

// Trust is a trust.
type Trust struct {
	TrustorID, TrusteeID string
	// Within says that the caller's own trust is this trust or one of its ancestors:
	// a delegated token manages its own trust and what was made from it, nothing else (TR-077a).
	Within bool
}

// TrustList is a list of trusts of a trustor, of a trustee, or (both "") of everybody.
type TrustList struct{ TrustorID, TrusteeID string }

func (Any) facts() facts       { return facts{} }
func (d Domain) facts() facts  { return facts{"domain_id": d.ID} }
func (u User) facts() facts    { return facts{"user_id": u.ID, "domain_id": u.DomainID} }
func (p Project) facts() facts { return facts{"project_id": p.ID, "domain_id": p.DomainID} }
func (g Group) facts() facts   { return facts{"group_id": g.ID, "domain_id": g.DomainID} }
func (r Role) facts() facts    { return facts{"role": r.Name, "domain_id": r.DomainID} }
func (g Grant) facts() facts {
	return facts{"role": g.Role, "role_domain_id": g.RoleDomainID, "actor_domain_id": g.ActorDomain,
		"target_domain_id": g.TargetDomain, "system": g.System}
}
func (l DomainList) facts() facts { return facts{"domain_id": l.DomainID} }
func (t Token) facts() facts      { return facts{"subject_id": t.SubjectID} }
func (t Trust) facts() facts {
	return facts{"trustor_id": t.TrustorID, "trustee_id": t.TrusteeID, "within": t.Within}
}
func (l TrustList) facts() facts {
	return facts{"trustor_id": l.TrustorID, "trustee_id": l.TrusteeID}
}
