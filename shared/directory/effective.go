package directory

import (
	"slices"

	"mandate/shared/store"
)

const attrGrantRoles = "roles"

// Effective is a pass: all roles that a user holds on a target now, implied ones
// included; empty when she holds none. Roles that a domain owns count for what they imply
// only: no token shows them, and one that would show nothing else has no roles. The
// target is a project, a domain or the system; a project or domain that is gone has none.
//
// The direct grant is always looked at. Other sources show on items that are read
// anyway: the user names her groups and where she inherits, the project its ancestors
// and the groups that hold grants on it, the head where groups inherit. Whatever of these
// has not been read is read then; hints in a token only make that happen sooner.
func (g *Registry) Effective(rs *store.ReadSet, u User, on store.Target) (store.Set, error) {
	h, err := g.Held(rs, u, on)
	return h.Roles, err
}

// Held is what [Registry.Effective] found, and where.
type Held struct {
	Roles  store.Set
	named  []string  // role ids as the grants name them
	direct store.Key // the user's own grant on the target
	known  *Roles
}

// Lack is where it shows that none of these roles is held, or none at all when none is
// given: on a role, when those that are needed or granted are no longer there, otherwise on
// the user's own grant.
func (h Held) Lack(needed ...string) (store.Key, Reason) {
	if len(needed) == 0 {
		needed = h.named
	}
	for _, id := range needed {
		if _, there := h.known.Get(id); there {
			return h.direct, RoleLacking
		}
	}
	if len(needed) == 0 {
		return h.direct, RoleLacking
	}
	return store.Role(needed[0]), Absent
}

// Held is the pass behind [Registry.Effective].
func (g *Registry) Held(rs *store.ReadSet, u User, on store.Target) (Held, error) {
	sources, err := sourcesOf(rs, u, on)
	if err != nil {
		return Held{}, err
	}
	known := rs.Known(sources...)
	roles, err := g.Roles(rs)
	if err != nil {
		return Held{}, err
	}
	if !known {
		return Held{}, store.ErrPending
	}
	var held []string
	for _, k := range sources {
		grant, err := rs.Get(k)
		if err != nil {
			return Held{}, err
		}
		held = append(held, grant.Set(attrGrantRoles)...)
	}
	return Held{roles.global(roles.Closure(held...)), held, sources[0], roles}, nil
}

// sourcesOf is a pass: the keys of every grant that could give the user a role on the target.
func sourcesOf(rs *store.ReadSet, u User, on store.Target) ([]store.Key, error) {
	direct := store.Grant(store.UserActor(u.ID), on)
	rs.Want(direct)
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	sources := []store.Key{direct}
	viaGroups := func(granted store.Set) {
		for _, group := range granted {
			if u.Groups.Has(group) {
				sources = append(sources, store.Grant(store.GroupActor(group), on))
			}
		}
	}
	switch on.Kind {
	case store.KindSystem:
		viaGroups(head.SystemGroups)
	case store.KindDomain:
		if len(u.Groups) == 0 {
			return sources, nil
		}
		i, err := rs.Get(store.Domain(on.ID))
		if err != nil {
			return nil, err
		}
		viaGroups(DomainFrom(i).GrantedGroups)
	case store.KindProject:
		i, err := rs.Get(store.Project(on.ID))
		if err != nil {
			return nil, err
		}
		if i == nil {
			return sources, nil
		}
		p := ProjectFrom(i)
		viaGroups(p.GrantedGroups)
		if len(u.Inherits) == 0 && len(head.Inherited) == 0 {
			return sources, nil
		}
		for _, above := range p.Above() {
			name := targetName(above)
			if u.Inherits.Has(name) {
				sources = append(sources, store.Grant(store.UserActor(u.ID), above.Below()))
			}
			if head.Inherited.Has(name) {
				for _, group := range u.Groups {
					sources = append(sources, store.Grant(store.GroupActor(group), above.Below()))
				}
			}
		}
	}
	return sources, nil
}

// Above lists the targets from which roles can be inherited to the project.
func (p Project) Above() []store.Target {
	targets := []store.Target{store.OnDomain(p.DomainID)}
	for _, id := range p.Ancestors {
		targets = append(targets, store.OnProject(id))
	}
	return targets
}

// Hints is a pass for issuing tokens: which of a user's groups and of the targets above
// contribute to her roles on a target. Where her groups inherit, all of them may, and the
// target is marked Inherited. Kept in a token they save a trip; they decide nothing.
func Hints(rs *store.ReadSet, u User, on store.Target) (groups []string, inherited []store.Target, err error) {
	keys, err := sourcesOf(rs, u, on)
	if err != nil {
		return nil, nil, err
	}
	source := func(a store.Actor, t store.Target) bool { return slices.Contains(keys, store.Grant(a, t)) }
	var above []store.Target
	if on.Kind == store.KindProject {
		p, err := FindProject(rs, on.ID)
		if err != nil {
			return nil, nil, err
		}
		above = p.Above()
	}
	for _, t := range above {
		if source(store.UserActor(u.ID), t.Below()) {
			inherited = append(inherited, t)
		}
		if len(u.Groups) > 0 && source(store.GroupActor(u.Groups[0]), t.Below()) {
			marked := t
			marked.Inherited = true
			groups, inherited = u.Groups, append(inherited, marked)
		}
	}
	if groups != nil {
		return groups, inherited, nil
	}
	for _, group := range u.Groups {
		if source(store.GroupActor(group), on) {
			groups = append(groups, group)
		}
	}
	return groups, inherited, nil
}
