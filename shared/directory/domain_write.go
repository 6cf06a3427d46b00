package directory

import (
	"context"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// CreateDomain adds a domain; with an ID, under that id (D-087). Conflict when the name
// or the id is taken; an id stays taken after a deletion until everything in the domain
// is gone, lest what belonged to the old domain wake up in the new one.
func (d *Directory) CreateDomain(ctx context.Context, rs *store.ReadSet, dom Domain) (Domain, error) {
	chosen := dom.ID != ""
	if !chosen {
		dom.ID = newID()
	}
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		for !chosen && head.Off.Has(domainHash(dom.ID)) {
			dom.ID = newID()
		}
		return newDomain(rs, dom)
	})
	return dom, err
}

// newDomain is a pass: the write that adds a domain under its id.
func newDomain(rs *store.ReadSet, dom Domain) ([]store.Mutation, error) {
	if !rs.Known(rs.Head(), store.Domain(dom.ID), store.DomainName(dom.Name)) {
		return nil, store.ErrPending
	}
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	if i, _ := rs.Get(store.Domain(dom.ID)); i != nil || head.Off.Has(domainHash(dom.ID)) {
		return nil, problem.Conflict("domain", "the id "+dom.ID+" is taken")
	}
	if err := free(rs, store.DomainName(dom.Name), dom.ID, "domain"); err != nil {
		return nil, err
	}
	m := []store.Mutation{store.Create(store.Domain(dom.ID), dom.item()), claim(store.DomainName(dom.Name), dom.ID)}
	if !dom.Enabled {
		return append(m, MoveHead(head, func(h store.Mutation) store.Mutation {
			return head.disable(h, dom.ID)
		})...), nil
	}
	if head.Version > 0 {
		m = append(m, store.Check(rs.Head()).Where(store.Lacks(attrOff, domainHash(dom.ID))))
	}
	return m, nil
}

// UpdateDomain changes a domain. Disabling it is seen by every token of its users and
// projects at once, through the head (D-084).
func (d *Directory) UpdateDomain(ctx context.Context, rs *store.ReadSet, id string, edit func(*Domain) error) (Domain, error) {
	var after Domain
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		rs.Want(rs.Head())
		before, err := FindDomain(rs, id)
		if err != nil {
			return nil, err
		}
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		if err := forbidImmutable("domain", id, Immutable(before.Options), Immutable(after.Options)); err != nil {
			return nil, err
		}
		var m []store.Mutation
		c := changes(store.Domain(id))
		if after.Name != before.Name {
			name := store.DomainName(after.Name)
			if err := free(rs, name, id, "domain"); err != nil {
				return nil, err
			}
			c.set(attrName, after.Name)
			c.where(store.Equals(attrName, before.Name))
			m = append(m, release(store.DomainName(before.Name), id), claim(name, id))
		}
		c.keep(attrDescription, before.Description, after.Description)
		c.blob(attrOptions, before.Options, after.Options)
		c.blob(attrExtra, before.Extra, after.Extra)
		if !slices.Equal(before.Tags, after.Tags) {
			c.set(attrTags, after.Tags)
		}
		if before.Enabled != after.Enabled {
			head, err := ReadHead(rs)
			if err != nil {
				return nil, err
			}
			c.set(AttrEnabled, after.Enabled)
			c.where(store.Equals(AttrEnabled, before.Enabled))
			m = append(m, MoveHead(head, func(h store.Mutation) store.Mutation {
				if after.Enabled {
					return h.Take(attrOff, domainHash(id))
				}
				return head.disable(h, id)
			})...)
		}
		return append(m, c.mutations()...), nil
	})
	return after, err
}

// DeleteDomain removes a disabled domain; Forbidden while it is enabled (D-082). The head
// keeps it as off until all that was in it has been swept.
func (d *Directory) DeleteDomain(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		rs.Want(rs.Head())
		dom, err := FindDomain(rs, id)
		if err != nil {
			return nil, err
		}
		if err := forbidImmutable("domain", id, Immutable(dom.Options), true); err != nil {
			return nil, err
		}
		if dom.Enabled {
			return nil, problem.ForbiddenBecause("domain " + id + " must be disabled before it is deleted")
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		m := []store.Mutation{
			store.Delete(store.Domain(id)).Where(store.Equals(AttrEnabled, false), store.Equals(attrName, dom.Name)),
			release(store.DomainName(dom.Name), id),
		}
		return append(m, MoveHead(head, func(h store.Mutation) store.Mutation {
			return h.Insert(attrOff, domainHash(id))
		})...), nil
	})
}
