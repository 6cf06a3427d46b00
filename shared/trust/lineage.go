package trust

import (
	"errors"
	"slices"
	"strings"
	"time"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// lineage is a trust with all trusts above it: root first, the trust itself last. Every
// id was compared in full.
type lineage []Trust

func (l lineage) trust() Trust       { return l[len(l)-1] }
func (l lineage) ancestors() []Trust { return l[:len(l)-1] }

// users are the ids of everybody in the lineage, each once.
func (l lineage) users() store.Set {
	var ids []string
	for _, t := range l {
		ids = append(ids, t.TrustorID, t.TrusteeID)
	}
	return store.NewSet(ids...)
}

// one is a pass: a trust's own item.
func one(rs *store.ReadSet, id string) (Trust, error) {
	if !wellFormed(id) {
		return Trust{}, directory.End(store.Trust(id), directory.Absent, "%q is no id of a trust", id)
	}
	at := store.Trust(id)
	i, err := rs.Get(at)
	if err != nil {
		return Trust{}, err
	}
	// The key holds the first 8 bytes of the id only.
	if i == nil || i.Str(attrID) != id || i.Str(store.AttrType) != typeTrust {
		return Trust{}, directory.End(at, directory.Absent, "trust %s is gone", id)
	}
	return From(i), nil
}

// lineageOf is a pass: a trust and all above it; *directory.Dead when one of them is gone.
// A deleted trust takes its descendants along by this read alone.
func (s *Service) lineageOf(rs *store.ReadSet, id string) (lineage, error) {
	if seen, ok := s.memory.recall(id); ok {
		seen.want(rs)
	}
	t, err := one(rs, id)
	if err != nil {
		return nil, err
	}
	s.memory.keep(t)
	t.want(rs)
	l := make(lineage, 0, len(t.Ancestors)+1)
	for _, a := range t.Ancestors {
		ancestor, err := one(rs, a)
		if err != nil {
			return nil, err
		}
		l = append(l, ancestor)
	}
	l = append(l, t)
	return l, l.check()
}

// want notes everything that the trust's presence stands on, so that it comes in one
// trip; mirrors of trusts can do it too.
func (t Trust) want(rs *store.ReadSet) {
	rs.Want(rs.Head(), store.Trust(t.ID), store.User(t.TrustorID), store.User(t.TrusteeID))
	if t.ProjectID != "" {
		rs.Want(store.Project(t.ProjectID))
	}
	for _, id := range t.Ancestors {
		rs.Want(store.Trust(id))
	}
	for _, id := range t.above {
		rs.Want(store.User(id))
	}
}

// check makes sure that every trust was made from the one before it and the first from
// none, whatever wrote it.
func (l lineage) check() error {
	parent := ""
	for _, t := range l {
		if t.ParentID != parent {
			return directory.End(store.Trust(t.ID), directory.Mismatch, "trust %s is not where its descendant %s has it", t.ID, l.trust().ID)
		}
		parent = t.ID
	}
	return nil
}

// unexpired decides by comparing times.
func (l lineage) unexpired(now time.Time) error {
	for _, t := range l {
		if t.Expired(now) {
			return directory.End(store.Trust(t.ID), directory.Expired, "trust %s expired", t.ID)
		}
	}
	return nil
}

// present is a pass: nil when everybody in the lineage and the project are there,
// enabled or not. Deleting one of them deletes the trust (trusts.md section 5); this
// makes it so before the cascade has come by.
func (l lineage) present(rs *store.ReadSet) error {
	for _, id := range l.users() {
		if _, err := directory.FindUser(rs, id); err != nil {
			return missing(rs, store.User(id), err)
		}
	}
	for _, t := range l {
		if t.ProjectID == "" {
			continue
		}
		if _, err := directory.FindProject(rs, t.ProjectID); err != nil {
			return missing(rs, store.Project(t.ProjectID), err)
		}
	}
	return nil
}

// missing turns a NotFound about what a trust stands on into a finding about the trust:
// the user or project itself is gone, or its domain.
func missing(rs *store.ReadSet, at store.Key, err error) error {
	if !problem.Is(err, problem.KindNotFound) {
		return err
	}
	if i, pending := rs.Get(at); pending == nil && i != nil {
		at = store.Domain(directory.DomainOf(i))
	}
	return &directory.Dead{Why: err.Error(), At: at, Reason: directory.Absent}
}

// Find is a pass: the trust, as whoever may see it sees it. For everybody alike, it is
// NotFound when it or a trust above it was deleted, expired or is used up, or when one of
// its people or its project was deleted (TR-062, TR-063). That somebody is disabled or a
// role was taken away does not hide it (TR-064).
//
// A trust with a limit of uses cannot be redelegated, so no trust above can be used up.
func (s *Service) Find(rs *store.ReadSet, id string) (Trust, error) {
	t, err := s.find(rs, id)
	if d, ok := errors.AsType[*directory.Dead](err); ok {
		return Trust{}, problem.NotFound("trust", id).Because(d)
	}
	return t, err
}

func (s *Service) find(rs *store.ReadSet, id string) (Trust, error) {
	l, err := s.lineageOf(rs, id)
	if err != nil {
		return Trust{}, err
	}
	if err := l.unexpired(s.now()); err != nil {
		return Trust{}, err
	}
	t := l.trust()
	if t.UsedUp() {
		return Trust{}, directory.End(store.Trust(id), directory.Expired, "trust %s is used up", id)
	}
	return t, l.present(rs)
}

// Roles is a pass: the roles that a trust names (not what they imply, TR-068), by name.
// A role that was deleted is left out.
func (s *Service) Roles(rs *store.ReadSet, t Trust) ([]directory.Role, error) {
	all, err := s.registry.Roles(rs)
	if err != nil {
		return nil, err
	}
	roles := make([]directory.Role, 0, len(t.RoleIDs))
	for _, id := range t.RoleIDs {
		if r, ok := all.Get(id); ok {
			roles = append(roles, r)
		}
	}
	slices.SortFunc(roles, func(a, b directory.Role) int { return strings.Compare(a.Name, b.Name) })
	return roles, nil
}
