package oauth1

import (
	"context"
	"errors"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Find is a pass: an access token of a user. One of somebody else's is not found, nor is
// one whose consumer, user or project is gone: nothing waits for a cascade.
func (s *Service) Find(rs *store.ReadSet, userID, id string) (AccessToken, error) {
	rs.Want(store.User(userID))
	t, err := s.Standing(rs, id)
	if err == nil {
		err = present(rs, store.User(t.UserID), store.Project(t.ProjectID))
	}
	if err != nil {
		return AccessToken{}, missing(err, "access token", id)
	}
	if t.UserID != userID {
		return AccessToken{}, problem.NotFound("access token", id)
	}
	return t, nil
}

// Listing is a list of a user's access tokens that is being read.
type Listing struct {
	userID  string
	entries []store.Entry
	read    bool
}

// OfUser begins the list of a user's access tokens.
func OfUser(userID string) *Listing { return &Listing{userID: userID} }

// List is a pass: all access tokens of the list's user, by id; expired ones too, until they are
// cleaned up.
func (s *Service) List(rs *store.ReadSet, l *Listing) ([]AccessToken, error) {
	if !l.read {
		rs.WantLoad("access tokens", func(ctx context.Context) error {
			l.read = true
			return s.walk(ctx, store.Prefixed(store.AccessOfUser(l.userID, "")), func(e store.Entry) error {
				l.entries = append(l.entries, e)
				return nil
			})
		})
		return nil, store.ErrPending
	}
	for _, e := range l.entries { // all in one trip
		rs.Want(store.AccessToken(e.Item.Str(attrID)), store.Consumer(e.Item.Str(attrConsumer)), store.Project(e.Item.Str(attrProject)))
	}
	all, pending := make([]AccessToken, 0, len(l.entries)), false
	for _, e := range l.entries {
		t, err := s.Find(rs, l.userID, e.Item.Str(attrID))
		switch {
		case err == nil:
			all = append(all, t)
		case errors.Is(err, store.ErrPending):
			pending = true
		case !problem.Is(err, problem.KindNotFound):
			return nil, err
		}
	}
	if pending {
		return nil, store.ErrPending
	}
	return all, nil
}

// Roles is a pass: the roles that an access token names, without those that no longer exist.
func (s *Service) Roles(rs *store.ReadSet, t AccessToken) ([]directory.Role, error) {
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return nil, err
	}
	shown := make([]directory.Role, 0, len(t.RoleIDs))
	for _, id := range t.RoleIDs {
		if r, ok := roles.Get(id); ok {
			shown = append(shown, r)
		}
	}
	return shown, nil
}

// Effective is a pass: the roles of an access token that its user still holds on its project, with
// what they imply (O-106). Domain-owned ones are not among them.
// The second result is all that she holds.
func (s *Service) Effective(rs *store.ReadSet, t AccessToken, u directory.User) (store.Set, directory.Held, error) {
	held, err := s.registry.Held(rs, u, store.OnProject(t.ProjectID))
	if err != nil {
		return nil, held, err
	}
	roles, err := s.registry.Roles(rs)
	if err != nil {
		return nil, held, err
	}
	var both []string
	for _, id := range roles.Closure(t.RoleIDs...) {
		if held.Roles.Has(id) {
			both = append(both, id)
		}
	}
	return store.NewSet(both...), held, nil
}

// Revoke ends an access token and, because they read its item, every token obtained with it.
func (s *Service) Revoke(ctx context.Context, t AccessToken) error {
	there, err := s.remove(ctx, store.AccessToken(t.ID), t.mirrors()...)
	if err == nil && !there {
		return problem.NotFound("access token", t.ID)
	}
	return err
}
