package directory

import "mandate/shared/store"

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
	at := store.Domain(id)
	i, err := rs.Get(at)
	switch {
	case err != nil:
		return err
	case i == nil:
		return End(at, Absent, "domain %s is gone", id)
	case !i.Bool(AttrEnabled):
		return End(at, Disabled, "domain %s is disabled", id)
	default:
		return nil
	}
}

// LiveUser is a pass: the user, if she and her domain are enabled and she belongs to no
// group that is being deleted (whoever names a gone group has no live token).
func LiveUser(rs *store.ReadSet, id string) (User, error) {
	at := store.User(id)
	if !rs.Known(at, rs.Head()) {
		return User{}, store.ErrPending
	}
	i, _ := rs.Get(at)
	if i == nil {
		return User{}, End(at, Absent, "user %s is gone", id)
	}
	u := UserFrom(i)
	if !u.Enabled {
		return u, End(at, Disabled, "user %s is disabled", id)
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
			d := End(rs.Head(), GroupGone, "group %s of user %s is gone", g, id)
			d.Orphaned = true
			return u, d
		}
	}
	return u, nil
}

// LiveProject is a pass: the project, if it and its domain are enabled.
func LiveProject(rs *store.ReadSet, id string) (Project, error) {
	at := store.Project(id)
	if !rs.Known(at, rs.Head()) {
		return Project{}, store.ErrPending
	}
	i, _ := rs.Get(at)
	if i == nil {
		return Project{}, End(at, Absent, "project %s is gone", id)
	}
	p := ProjectFrom(i)
	if !p.Enabled {
		return p, End(at, Disabled, "project %s is disabled", id)
	}
	return p, CheckDomain(rs, p.DomainID)
}

// LiveDomain is a pass: the domain, if enabled.
func LiveDomain(rs *store.ReadSet, id string) (Domain, error) {
	at := store.Domain(id)
	if !rs.Known(at, rs.Head()) {
		return Domain{}, store.ErrPending
	}
	i, _ := rs.Get(at)
	switch {
	case i == nil:
		return Domain{}, End(at, Absent, "domain %s is gone", id)
	case !i.Bool(AttrEnabled):
		return DomainFrom(i), End(at, Disabled, "domain %s is disabled", id)
	default:
		return DomainFrom(i), nil
	}
}
