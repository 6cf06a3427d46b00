package revocation

import (
	"slices"
	"strconv"
	"time"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/shared/store/author"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// nearby is how far apart the time of a deletion in the change log, which may be in whole
// seconds, and that of its author's item may be. Farther apart, the author deleted an
// item of the same key at another time.
const nearby = 10 * time.Second

// Consequences are the events that follow from a change; from most nothing does. The
// author is of a deletion; an update carries its own. deleter is nil when nobody is known.
//
// What TTL removes ended by itself, and is not told. What a cascade removes or marks
// because of something else (rows of a chain's tokens, access tokens of a consumer,
// grants on a project) has no author, and the event of that something covers it; users,
// projects and trusts are told whoever deleted them.
func Consequences(c store.Change, deleter *author.Of) []Event {
	if c.Expired || c.Old == nil {
		return nil
	}
	s := scribe{change: c, at: c.At.UTC()}
	if c.New != nil {
		s.by, s.authored = author.Read(c.New)
	} else if deleter != nil {
		s.by, s.authored = *deleter, true
	}
	if s.authored {
		if d := s.by.At.Sub(c.At); d > -nearby && d < nearby {
			s.at = s.by.At
		} else if c.New == nil {
			s.by = author.Of{}
		}
	}
	if c.New == nil {
		s.deleted()
	} else {
		s.updated()
	}
	return s.events
}

type scribe struct {
	change   store.Change
	at       time.Time
	by       author.Of
	authored bool
	events   []Event
}

func (s *scribe) tell(t Type, m Match) {
	s.events = append(s.events, Event{
		ID: ChangeID(s.change, strconv.Itoa(len(s.events))), Type: t, Match: m, RevokedAt: s.at, By: s.by.UserID, RequestID: s.by.RequestID,
	})
}

func (s *scribe) deleted() {
	k, old := s.change.Key, s.change.Old
	switch old.Str(store.AttrType) {
	case "user":
		s.tell(UserDeleted, Match{UserID: directory.UserFrom(old).ID})
	case "project":
		s.tell(ProjectDeleted, Match{ProjectID: directory.ProjectFrom(old).ID})
	case "domain":
		s.tell(DomainDeleted, Match{DomainID: directory.DomainFrom(old).ID})
	case "group":
		s.tell(GroupDeleted, Match{GroupID: directory.GroupFrom(old).ID})
	case "role":
		s.tell(RoleDeleted, Match{RoleID: directory.RoleFrom(old).ID})
	case "grant":
		if s.authored {
			s.taken(directory.AssignmentFrom(old), nil)
		}
	case "consumer":
		s.tell(ConsumerDeleted, Match{ConsumerID: oauth1.ConsumerFrom(old).ID})
	}
	if id, revoked := oauth1.WasRevoked(s.change); revoked && s.authored {
		s.tell(AccessTokenDeleted, Match{AccessTokenID: id})
	}
	if t, deleted := trust.WasDeleted(s.change); deleted && k == store.Trust(t.ID) {
		s.tell(TrustDeleted, Match{TrustID: t.ID})
	}
}

func (s *scribe) updated() {
	before, after := s.change.Old, s.change.New
	disabled := before.Bool(directory.AttrEnabled) && !after.Bool(directory.AttrEnabled)
	switch after.Str(store.AttrType) {
	case "user":
		s.userUpdated(directory.UserFrom(before), directory.UserFrom(after))
	case "project":
		if disabled {
			s.tell(ProjectDisabled, Match{ProjectID: directory.ProjectFrom(after).ID})
		}
	case "domain":
		if disabled {
			s.tell(DomainDisabled, Match{DomainID: directory.DomainFrom(after).ID})
		}
	case "grant":
		s.taken(directory.AssignmentFrom(before), directory.AssignmentFrom(after).Roles)
	case "role":
		was, is := directory.RoleFrom(before), directory.RoleFrom(after)
		if slices.ContainsFunc(was.Implies, func(id string) bool { return !is.Implies.Has(id) }) {
			s.tell(RoleImplicationEnds, Match{RoleID: is.ID})
		}
	}
	if t, revoked := token.WasRevoked(s.change); revoked && s.authored {
		s.at = t.At
		s.tell(TokenRevoked, Match{AuditID: t.Audit.String()})
		// Keystone tells the chain of a derived token, too, which names no other (T-114).
		if t.Derived || after.Bool(token.AttrChainDead) {
			s.tell(TokenRevoked, Match{AuditChainID: t.Audit.String()})
		}
	}
}

// userUpdated tells that a user's epoch grew, which ends her tokens for good.
func (s *scribe) userUpdated(was, is directory.User) {
	if is.Epoch <= was.Epoch {
		return
	}
	t := UserTokensRevoked
	switch {
	case was.Enabled && !is.Enabled:
		t = UserDisabled
	case was.PasswordVersion != is.PasswordVersion:
		t = UserPassword
	case slices.ContainsFunc(was.Groups, func(id string) bool { return !is.Groups.Has(id) }):
		t = UserLeftGroup
	}
	s.tell(t, Match{UserID: is.ID})
}

// taken tells of the roles of a grant that are not left.
func (s *scribe) taken(g directory.Assignment, left store.Set) {
	m := Match{}
	switch g.Actor.Kind {
	case store.KindUser:
		m.UserID = g.Actor.ID
	case store.KindGroup:
		m.GroupID = g.Actor.ID
	}
	// What is inherited ends below its target: which projects that are, an event cannot
	// say, so it is about all of them.
	switch {
	case g.Target.Inherited:
	case g.Target.Kind == store.KindProject:
		m.ProjectID = g.Target.ID
	case g.Target.Kind == store.KindDomain:
		m.DomainID = g.Target.ID
	}
	for _, id := range g.Roles {
		if !left.Has(id) {
			m.RoleID = id
			s.tell(GrantTaken, m)
		}
	}
}
