package token

import (
	"errors"
	"fmt"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// delegation is what a signed request for a token was found to be.
type delegation struct {
	access oauth1.AccessToken
	user   directory.User
	err    error // a problem, or *directory.Dead of the user
}

// delegated is a pass: the access token of a signed request, and its user if she is live.
// Her account is held to the same as with every other method (oauth1.md section 9).
func (s *Service) delegated(rs *store.ReadSet, r oauth1.Request) (d delegation) {
	if d.access, d.err = s.oauth1.Access(rs, r); d.err != nil {
		return d
	}
	if d.user, d.err = directory.LiveUser(rs, d.access.UserID); d.user.ID == "" {
		d.user.ID = d.access.UserID
	}
	return d
}

// resolveDelegated is a pass: the scope is always the access token's project, whatever is
// wanted; what is wanted must exist nevertheless (O-116).
func (s *Service) resolveDelegated(rs *store.ReadSet, d delegation, w Wanted) (Token, error) {
	t := Token{Subject: d.user, User: d.user, Row: Row{
		UserID: d.user.ID, Scope: Scope{Project, d.access.ProjectID}, Epoch: d.user.Epoch, AccessID: d.access.ID, ConsumerID: d.access.ConsumerID,
	}}
	if d.err != nil {
		return t, nil // said by the proof
	}
	exists := s.exists(rs, w)
	if exists != nil && !errors.Is(exists, store.ErrPending) {
		return t, exists
	}
	if err := s.fillDelegated(rs, &t, d.access); err != nil {
		return t, err
	}
	return t, exists
}

// exists is a pass: nil when a wanted scope is there.
func (s *Service) exists(rs *store.ReadSet, w Wanted) error {
	id := w.ID
	var err error
	switch w.Kind {
	case WantProject:
		if w.Name != "" {
			if id, err = s.registry.InDomain(rs, w.Domain, "project", w.Name); err != nil {
				return err
			}
		}
		_, err = directory.LiveProject(rs, id)
	case WantDomain:
		if w.Name != "" {
			if id, err = s.registry.DomainNamed(rs, w.Name); err != nil {
				return err
			}
		}
		_, err = directory.LiveDomain(rs, id)
	case WantTrust:
		_, err = s.trusts.Find(rs, id)
	case WantDefault, WantUnscoped, WantSystem:
	}
	return err
}

// checkDelegated says whether the proof by signed request is good, and of the same user as
// the others.
func checkDelegated(f findings) error {
	var d *directory.Dead
	switch {
	case errors.As(f.delegated.err, &d):
		if _, told := problem.As(f.delegated.err); told {
			return f.delegated.err
		}
		return problem.Unauthorized(d)
	case f.delegated.err != nil:
		return f.delegated.err
	}
	owner := f.delegated.access.UserID
	if (f.user.ID != "" && f.user.ID != owner) || (f.parent.Subject.ID != "" && f.parent.Subject.ID != owner) {
		return problem.Unauthorized(errors.New("the access token is of another user than the other proofs"))
	}
	return nil
}

// judgeDelegated is the pass for tokens by OAuth1: the access token and its consumer are
// there, and its user still holds some of what she handed over.
func (s *Service) judgeDelegated(rs *store.ReadSet, row Row) (Token, error) {
	rs.Want(store.AccessToken(row.AccessID), store.Consumer(row.ConsumerID))
	access, err := s.oauth1.Standing(rs, row.AccessID)
	if err != nil {
		return Token{}, err
	}
	if access.UserID != row.UserID || access.ConsumerID != row.ConsumerID {
		return Token{}, directory.End(store.AccessToken(row.AccessID), directory.Mismatch, "access token %s is not that of token %s", row.AccessID, row.Audit)
	}
	t := Token{Row: row}
	if t.Subject, err = s.liveSubject(rs, row); err != nil {
		return Token{}, err
	}
	t.User = t.Subject
	return t, s.fillDelegated(rs, &t, access)
}

// fillDelegated is a pass: what a token of an access token carries. The roles are those
// that its user holds now, of those that she handed over.
func (s *Service) fillDelegated(rs *store.ReadSet, t *Token, access oauth1.AccessToken) error {
	t.Access = &access
	ids, held, rolesErr := s.oauth1.Effective(rs, access, t.User)
	if rolesErr != nil && !errors.Is(rolesErr, store.ErrPending) {
		return fmt.Errorf("roles of access token %s: %w", access.ID, rolesErr)
	}
	var err error
	if t.Project, err = directory.LiveProject(rs, access.ProjectID); err != nil {
		return err
	}
	if rolesErr != nil {
		return rolesErr
	}
	if len(ids) == 0 {
		at, reason := held.Lack(access.RoleIDs...)
		return directory.End(at, reason, "user %s holds none of the roles of access token %s", t.User.ID, access.ID)
	}
	return s.showRoles(rs, t, ids)
}
