package directory

import (
	"context"
	"fmt"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// A grant's item, and its mirror under the target, say whose it is and on what.
const (
	attrActorKind  = "actor_kind"
	attrActorID    = "actor_id"
	attrTargetKind = "target_kind"
	attrTargetID   = "target_id"
	attrBelow      = "inherited"
)

// Assignment is the roles that one actor holds on one target.
type Assignment struct {
	Actor  store.Actor
	Target store.Target
	Roles  store.Set
}

func (a Assignment) item(kind string) store.Item {
	i := store.Item{
		store.AttrType: kind, attrGrantRoles: a.Roles, attrActorKind: a.Actor.Kind, attrActorID: a.Actor.ID,
		attrTargetKind: a.Target.Kind, attrBelow: a.Target.Inherited,
	}
	setText(i, attrTargetID, a.Target.ID)
	return i
}

// AssignmentFrom reads a grant's item, or its mirror under the target.
func AssignmentFrom(i store.Item) Assignment {
	return Assignment{
		Actor:  store.Actor{Kind: i.Str(attrActorKind), ID: i.Str(attrActorID)},
		Target: store.Target{Kind: i.Str(attrTargetKind), ID: i.Str(attrTargetID), Inherited: i.Bool(attrBelow)},
		Roles:  i.Set(attrGrantRoles),
	}
}

// Parties are the two ends of a grant, as far as rules look at them.
type Parties struct {
	ActorDomain  string
	TargetDomain string // "" for the system
}

// FindParties is a pass: the ends of a grant; NotFound when one is not there (D-133).
// What was found is returned with the error, too.
func FindParties(rs *store.ReadSet, a store.Actor, t store.Target) (Parties, error) {
	rs.Want(actorKey(a))
	if k, ok := targetKey(t); ok {
		rs.Want(k)
	}
	var p Parties
	var missing error
	note := func(domain *string, value string, err error) error {
		if problem.Is(err, problem.KindNotFound) {
			missing = err
			return nil
		}
		*domain = value
		return err
	}
	if a.Kind == store.KindUser {
		u, err := FindUser(rs, a.ID)
		if err := note(&p.ActorDomain, u.DomainID, err); err != nil {
			return p, err
		}
	} else {
		g, err := FindGroup(rs, a.ID)
		if err := note(&p.ActorDomain, g.DomainID, err); err != nil {
			return p, err
		}
	}
	switch t.Kind {
	case store.KindProject:
		project, err := FindProject(rs, t.ID)
		if err := note(&p.TargetDomain, project.DomainID, err); err != nil {
			return p, err
		}
	case store.KindDomain:
		dom, err := FindDomain(rs, t.ID)
		if err := note(&p.TargetDomain, dom.ID, err); err != nil {
			return p, err
		}
	}
	return p, missing
}

func actorKey(a store.Actor) store.Key {
	if a.Kind == store.KindUser {
		return store.User(a.ID)
	}
	return store.Group(a.ID)
}

// targetKey is the item of a target; the system has none.
func targetKey(t store.Target) (store.Key, bool) {
	switch t.Kind {
	case store.KindProject:
		return store.Project(t.ID), true
	case store.KindDomain:
		return store.Domain(t.ID), true
	default:
		return store.Key{}, false
	}
}

// Granted is a pass: the roles of the grant itself, without implied, inherited ones or
// those of groups (D-134). Roles that no longer exist are left out.
func (g *Registry) Granted(rs *store.ReadSet, a store.Actor, t store.Target) ([]Role, error) {
	rs.Want(store.Grant(a, t))
	roles, err := g.Roles(rs)
	if err != nil {
		return nil, err
	}
	i, err := rs.Get(store.Grant(a, t))
	if err != nil {
		return nil, err
	}
	held := make([]Role, 0, len(i.Set(attrGrantRoles)))
	for _, id := range i.Set(attrGrantRoles) {
		if r, ok := roles.Get(id); ok {
			held = append(held, r)
		}
	}
	return held, nil
}

// Grant gives an actor a role on a target; nothing happens when it holds it (D-130).
// NotFound when role, actor or target are not there; Forbidden for a role of another domain.
func (d *Directory) Grant(ctx context.Context, rs *store.ReadSet, a store.Actor, t store.Target, roleID string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) { return newGrant(rs, a, t, roleID) })
}

// newGrant is a pass: the write that gives an actor a role on a target, none when it holds it.
func newGrant(rs *store.ReadSet, a store.Actor, t store.Target, roleID string) ([]store.Mutation, error) {
	rs.Want(store.Grant(a, t), store.Role(roleID))
	parties, err := FindParties(rs, a, t)
	if err != nil {
		return nil, err
	}
	role, head, err := roleItem(rs, roleID)
	if err != nil {
		return nil, err
	}
	if role.DomainID != "" && role.DomainID != parties.TargetDomain {
		return nil, problem.ForbiddenBecause("role " + roleID + " belongs to another domain")
	}
	held, err := rs.Get(store.Grant(a, t))
	switch {
	case err != nil:
		return nil, err
	case held == nil:
		if err := roomForGrant(rs, a, t, head); err != nil {
			return nil, err
		}
		return firstGrant(Assignment{a, t, store.NewSet(roleID)}, head), nil
	case held.Set(attrGrantRoles).Has(roleID):
		return nil, nil
	}
	m := []store.Mutation{
		store.Update(store.Grant(a, t)).Insert(attrGrantRoles, roleID),
		store.Update(store.GrantMirror(a, t)).Insert(attrGrantRoles, roleID),
		store.Check(store.Role(roleID)), store.Check(actorKey(a)),
	}
	if k, ok := targetKey(t); ok {
		m = append(m, store.Check(k))
	}
	return m, nil
}

// firstGrant writes the first role of an actor on a target. Where a validation would not
// look by itself (a group's grant, an inherited one), a head that it reads anyway must
// show the new source: the project or domain, the user, or the head of the directory.
func firstGrant(g Assignment, head Head) []store.Mutation {
	a, t := g.Actor, g.Target
	m := []store.Mutation{
		store.Create(store.Grant(a, t), g.item("grant")),
		store.Create(store.GrantMirror(a, t), g.item("grant_mirror")),
		store.Check(store.Role(g.Roles[0])),
	}
	group := a.Kind == store.KindGroup
	switch {
	case !group && t.Inherited:
		m = append(m, store.Update(store.User(a.ID)).Insert(attrInherits, targetName(t)))
	default:
		m = append(m, store.Check(actorKey(a)))
	}
	if k, ok := targetKey(t); ok {
		if group && !t.Inherited {
			m = append(m, store.Update(k).Insert(attrGrantedGroups, a.ID))
		} else {
			m = append(m, store.Check(k))
		}
	}
	switch {
	case group && t.Kind == store.KindSystem:
		m = append(m, MoveHead(head, func(h store.Mutation) store.Mutation { return h.Insert(attrSystemGroups, a.ID) })...)
	case group && t.Inherited:
		m = append(m, MoveHead(head, func(h store.Mutation) store.Mutation { return h.Insert(attrInherited, targetName(t)) })...)
	}
	return m
}

// Revoke takes a role on a target from an actor; NotFound when it does not hold it
// (D-132). It is effective at once: validations read the grant.
func (d *Directory) Revoke(ctx context.Context, rs *store.ReadSet, a store.Actor, t store.Target, roleID string) error {
	shared := others{directory: d, group: a.ID, target: t}
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		rs.Want(store.Grant(a, t), store.Role(roleID))
		if _, err := FindParties(rs, a, t); err != nil {
			return nil, err
		}
		if _, _, err := roleItem(rs, roleID); err != nil {
			return nil, err
		}
		held, err := rs.Get(store.Grant(a, t))
		if err != nil {
			return nil, err
		}
		roles := held.Set(attrGrantRoles)
		if !roles.Has(roleID) {
			return nil, problem.NotFound("grant of role", roleID)
		}
		if len(roles) > 1 {
			return []store.Mutation{
				store.Update(store.Grant(a, t)).Take(attrGrantRoles, roleID).Where(store.Equals(attrGrantRoles, roles)),
				store.Update(store.GrantMirror(a, t)).Take(attrGrantRoles, roleID),
			}, nil
		}
		return lastRevoke(rs, Assignment{a, t, roles}, &shared)
	})
}

// lastRevoke is a pass: the write that removes a grant with its last role, and takes the
// sign that firstGrant put up.
func lastRevoke(rs *store.ReadSet, g Assignment, shared *others) ([]store.Mutation, error) {
	a, t := g.Actor, g.Target
	m := []store.Mutation{
		store.Delete(store.Grant(a, t)).Where(store.Equals(attrGrantRoles, g.Roles)),
		store.Delete(store.GrantMirror(a, t)),
	}
	group := a.Kind == store.KindGroup
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	switch k, _ := targetKey(t); {
	case !group && t.Inherited:
		return append(m, store.Update(store.User(a.ID)).Take(attrInherits, targetName(t))), nil
	case !group:
		return m, nil
	case t.Kind == store.KindSystem:
		return append(m, MoveHead(head, func(h store.Mutation) store.Mutation { return h.Take(attrSystemGroups, a.ID) })...), nil
	case !t.Inherited:
		return append(m, store.Update(k).Take(attrGrantedGroups, a.ID)), nil
	}
	remain, err := shared.inherit(rs, head)
	if err != nil {
		return nil, err
	}
	return append(m, MoveHead(head, func(h store.Mutation) store.Mutation {
		if remain {
			return h
		}
		return h.Take(attrInherited, targetName(t))
	})...), nil
}

// others looks whether other groups hold inherited roles on a target, too. Every first
// such grant moves the head, so the answer belongs to one version of it.
type others struct {
	directory *Directory
	group     string
	target    store.Target
	version   int64
	remain    bool
}

func (o *others) inherit(rs *store.ReadSet, head Head) (bool, error) {
	if o.version == head.Version {
		return o.remain, nil
	}
	rs.WantLoad("inheriting groups", func(ctx context.Context) error {
		found, err := o.directory.on(ctx, o.target)
		o.version = head.Version
		o.remain = slices.ContainsFunc(found, func(a Assignment) bool {
			return a.Target.Inherited && a.Actor.Kind == store.KindGroup && a.Actor.ID != o.group
		})
		return err
	})
	return false, store.ErrPending
}

// on lists all grants on a target and, where it is a project or domain, inherited from it.
func (d *Directory) on(ctx context.Context, t store.Target) ([]Assignment, error) {
	return d.grants(ctx, store.GrantsOn(t))
}

// of lists all grants of an actor.
func (d *Directory) of(ctx context.Context, a store.Actor) ([]Assignment, error) {
	return d.grants(ctx, store.GrantsOf(a))
}

func (d *Directory) grants(ctx context.Context, r store.Range) ([]Assignment, error) {
	var found []Assignment
	err := along(ctx, d.table, r, func(e store.Entry) error {
		found = append(found, AssignmentFrom(e.Item))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list grants of %s: %w", r.PK, err)
	}
	return found, nil
}
