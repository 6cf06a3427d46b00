package directory

import (
	"fmt"

	"mandate/shared/store"
)

// The passes of this file answer: can it carry authority now? They fail with *Dead.

// CheckDomain is a pass: nil when the domain is there and enabled. The head says so in
// the ordinary case; only a hit in its short list, or one that is full, reads the domain's
// own item.
func CheckDomain(rs *store.ReadSet, id string) error {
	head, err := ReadHead(rs)
	if err != nil {
		return err
	}
	if !head.mayBeOff(id) {
		return nil
	}
	i, err := rs.Get(store.Domain(id))
	switch {
	case err != nil:
		return err
	case i == nil:
		return dead("domain %s is gone", id)
	case !i.Bool(AttrEnabled):
		return dead("domain %s is disabled", id)
	default:
		return nil
	}
}

// LiveUser is a pass: the user, if she and her domain are enabled and she belongs to no
// group that is being deleted (whoever names a gone group has no live token).
func LiveUser(rs *store.ReadSet, id string) (User, error) {
	if !rs.Known(store.User(id), rs.Head()) {
		return User{}, store.ErrPending
	}
	i, _ := rs.Get(store.User(id))
	if i == nil {
		return User{}, dead("user %s is gone", id)
	}
	u := UserFrom(i)
	if !u.Enabled {
		return u, dead("user %s is disabled", id)
	}
	if err := CheckDomain(rs, u.DomainID); err != nil {
		return u, err
	}
	head, err := ReadHead(rs)
	if err != nil {
		return u, err
	}
	for _, g := range head.GoneGroups {
		if u.Groups.Has(g) {
			return u, &Dead{Why: fmt.Sprintf("group %s of user %s is gone", g, id), Orphaned: true}
		}
	}
	return u, nil
}

// LiveProject is a pass: the project, if it and its domain are enabled.
func LiveProject(rs *store.ReadSet, id string) (Project, error) {
	if !rs.Known(store.Project(id), rs.Head()) {
		return Project{}, store.ErrPending
	}
	i, _ := rs.Get(store.Project(id))
	if i == nil {
		return Project{}, dead("project %s is gone", id)
	}
	p := ProjectFrom(i)
	if !p.Enabled {
		return p, dead("project %s is disabled", id)
	}
	return p, CheckDomain(rs, p.DomainID)
}

// LiveDomain is a pass: the domain, if enabled.
func LiveDomain(rs *store.ReadSet, id string) (Domain, error) {
	if !rs.Known(store.Domain(id), rs.Head()) {
		return Domain{}, store.ErrPending
	}
	i, _ := rs.Get(store.Domain(id))
	switch {
	case i == nil:
		return Domain{}, dead("domain %s is gone", id)
	case !i.Bool(AttrEnabled):
		return DomainFrom(i), dead("domain %s is disabled", id)
	default:
		return DomainFrom(i), nil
	}
}
