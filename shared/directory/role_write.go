package directory

import (
	"context"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// FindRole is a pass: a role, global or owned by a domain.
func (g *Registry) FindRole(rs *store.ReadSet, id string) (Role, error) {
	roles, err := g.Roles(rs)
	if err != nil {
		return Role{}, err
	}
	r, ok := roles.Get(id)
	if !ok {
		return Role{}, problem.NotFound("role", id)
	}
	if r.DomainID == "" {
		return r, nil
	}
	if err := within(rs, r.DomainID, "role", id); err != nil {
		return Role{}, err
	}
	return r, nil
}

// moveRoles is the part of a write that makes everybody read the roles again.
func moveRoles(head Head) []store.Mutation {
	return MoveHead(head, func(m store.Mutation) store.Mutation { return m.Set(attrRoles, head.Roles+1) })
}

// CreateRole adds a role. Conflict when the name is taken among the global roles, or in
// its domain.
func (d *Directory) CreateRole(ctx context.Context, rs *store.ReadSet, r Role) (Role, error) {
	r.ID = newID()
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) { return newRole(rs, r) })
	return r, err
}

// newRole is a pass: the write that adds a role under its id.
func newRole(rs *store.ReadSet, r Role) ([]store.Mutation, error) {
	name := store.RoleName(r.DomainID, r.Name)
	rs.Want(name)
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	if err := free(rs, name, r.ID, "role"); err != nil {
		return nil, err
	}
	m := append(moveRoles(head), store.Create(store.Role(r.ID), r.item()), claim(name, r.ID))
	if r.DomainID != "" {
		dom, err := FindDomain(rs, r.DomainID)
		if err != nil {
			return nil, err
		}
		m = append(m, under(dom))
	}
	return m, nil
}

// roleItem is a pass: a role as the table has it, for changing it. The registry's copy
// may be newer or older than the item that a write will meet.
func roleItem(rs *store.ReadSet, id string) (Role, Head, error) {
	if !rs.Known(store.Role(id), rs.Head()) {
		return Role{}, Head{}, store.ErrPending
	}
	i, _ := rs.Get(store.Role(id))
	if i == nil {
		return Role{}, Head{}, problem.NotFound("role", id)
	}
	head, err := ReadHead(rs)
	return RoleFrom(i), head, err
}

func (r Role) immutable() bool { return r.Immutable != nil && *r.Immutable }

// UpdateRole changes a role; Forbidden while it is immutable (D-113).
func (d *Directory) UpdateRole(ctx context.Context, rs *store.ReadSet, id string, edit func(*Role) error) (Role, error) {
	var after Role
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		before, head, err := roleItem(rs, id)
		if err != nil {
			return nil, err
		}
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		if err := forbidImmutable("role", id, before.immutable(), after.immutable()); err != nil {
			return nil, err
		}
		var m []store.Mutation
		c := changes(store.Role(id))
		if after.Name != before.Name {
			name := store.RoleName(before.DomainID, after.Name)
			if err := free(rs, name, id, "role"); err != nil {
				return nil, err
			}
			c.set(attrName, after.Name)
			c.where(store.Equals(attrName, before.Name))
			m = append(m, release(store.RoleName(before.DomainID, before.Name), id), claim(name, id))
		}
		c.optional(attrDescription, before.Description, after.Description)
		c.blob(attrExtra, before.Extra, after.Extra)
		switch {
		case after.Immutable == nil && before.Immutable != nil:
			c.set(attrImmutable, nil)
		case after.Immutable != nil && (before.Immutable == nil || *before.Immutable != *after.Immutable):
			c.set(attrImmutable, *after.Immutable)
		}
		if !c.changed {
			return nil, nil
		}
		return append(append(m, c.mutations()...), moveRoles(head)...), nil
	})
	return after, err
}

// DeleteRole removes a role; Forbidden while it is immutable. Every grant of it and
// implication with it ends with it, because roles of the current version lack it. What
// names it (grants, trusts) may stay for ever, so its id is kept from being given again.
func (d *Directory) DeleteRole(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		r, head, err := roleItem(rs, id)
		if err != nil {
			return nil, err
		}
		if err := forbidImmutable("role", id, r.immutable(), true); err != nil {
			return nil, err
		}
		return removeRole(r, head), nil
	})
}

func removeRole(r Role, head Head) []store.Mutation {
	return append(moveRoles(head),
		store.Upsert(store.GoneRole(r.ID)).Set(store.AttrType, "gone"),
		store.Delete(store.Role(r.ID)).Where(store.Equals(attrName, r.Name)),
		release(store.RoleName(r.DomainID, r.Name), r.ID))
}

// Imply makes a role carry another one. Conflict when it does (D-117), Forbidden when
// a global role would carry one of a domain (D-122). Cycles are allowed (D-121).
func (d *Directory) Imply(ctx context.Context, rs *store.ReadSet, prior, implied string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) { return newImplication(rs, prior, implied) })
}

// newImplication is a pass: the write that makes a role carry another one.
func newImplication(rs *store.ReadSet, prior, implied string) ([]store.Mutation, error) {
	rs.Want(store.Role(implied))
	r, head, err := roleItem(rs, prior)
	if err != nil {
		return nil, err
	}
	to, _, err := roleItem(rs, implied)
	switch {
	case err != nil:
		return nil, err
	case to.DomainID != "" && r.DomainID == "":
		return nil, problem.ForbiddenBecause("a global role cannot imply a role of a domain")
	case r.Implies.Has(implied):
		return nil, problem.Conflict("implied role", "role "+prior+" implies "+implied)
	}
	m := append(moveRoles(head), store.Update(store.Role(prior)).Insert(attrImplies, implied).Where(store.Lacks(attrImplies, implied)))
	if prior != implied {
		m = append(m, store.Check(store.Role(implied)))
	}
	return m, nil
}

// Unimply ends an implication; NotFound when there is none.
func (d *Directory) Unimply(ctx context.Context, rs *store.ReadSet, prior, implied string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		r, head, err := roleItem(rs, prior)
		if err != nil {
			return nil, err
		}
		if !r.Implies.Has(implied) {
			return nil, problem.NotFound("implication of role "+prior, implied)
		}
		return append(moveRoles(head), store.Update(store.Role(prior)).Take(attrImplies, implied).
			Where(store.Contains(attrImplies, implied))), nil
	})
}
