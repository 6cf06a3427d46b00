package policy

import "github.com/cedar-policy/cedar-go/types"

// A Resource is what an action touches, built from the path, the table and, for a
// creation, the validated new object; never from body members that the operation does
// not own. Each type says which facts rules may look at.
type Resource interface{ facts() facts }

// facts are what Cedar sees of a caller or a resource. A domain that does not exist, or
// of something that does not, is "", which equals no caller's.
type facts = types.RecordMap

type text = types.String

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

// Membership is a user's place in a group.
type Membership struct{ GroupDomainID, UserDomainID string }

// Credential is a credential of a user.
type Credential struct{ UserID string }

// Preauthentication is a pre-authentication of a user, or her list of them.
type Preauthentication struct{ UserID string }

func (Any) facts() facts      { return nil }
func (d Domain) facts() facts { return facts{"domain_id": text(d.ID)} }
func (u User) facts() facts   { return facts{"user_id": text(u.ID), "domain_id": text(u.DomainID)} }
func (p Project) facts() facts {
	return facts{"project_id": text(p.ID), "domain_id": text(p.DomainID)}
}
func (g Group) facts() facts { return facts{"domain_id": text(g.DomainID)} }
func (r Role) facts() facts  { return facts{"domain_id": text(r.DomainID)} }
func (g Grant) facts() facts {
	return facts{"role": text(g.Role), "role_domain_id": text(g.RoleDomainID),
		"actor_domain_id": text(g.ActorDomain), "target_domain_id": text(g.TargetDomain)}
}
func (l DomainList) facts() facts { return facts{"domain_id": text(l.DomainID)} }
func (m Membership) facts() facts {
	return facts{"group_domain_id": text(m.GroupDomainID), "user_domain_id": text(m.UserDomainID)}
}
func (c Credential) facts() facts { return facts{"user_id": text(c.UserID)} }
func (p Preauthentication) facts() facts {
	return facts{"user_id": text(p.UserID)}
}
func (t Token) facts() facts { return facts{"subject_id": text(t.SubjectID)} }
func (t Trust) facts() facts {
	return facts{"trustor_id": text(t.TrustorID), "trustee_id": text(t.TrusteeID), "within": types.Boolean(t.Within)}
}
func (l TrustList) facts() facts {
	return facts{"trustor_id": text(l.TrustorID), "trustee_id": text(l.TrusteeID)}
}
