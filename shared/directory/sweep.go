package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Sweep tidies up after a change of the table: what stood on a deleted user, project,
// group or domain is removed, and copies of a renamed domain's name are renewed. It
// follows the change log and may be repeated. Nothing waits for it: whatever it removes
// carried no authority from the moment of the deletion. Two signs in the head are taken
// down at its very end, that a group and that a domain is gone, because until then
// somebody may still name them.
func (d *Directory) Sweep(ctx context.Context, c store.Change) error {
	switch {
	case c.Old == nil || c.Expired:
		return nil
	case c.New == nil:
		return d.sweepDeleted(ctx, c.Old)
	case c.Old.Str(store.AttrType) == "domain" && c.Old.Str(attrName) != c.New.Str(attrName):
		return d.copyDomainName(ctx, c.New.Str(attrID))
	}
	return nil
}

// EndedTokens reports whether a change ended a user's tokens for good, and below which
// epoch: all of them when she was deleted.
func EndedTokens(c store.Change) (userID string, epoch int64, ok bool) {
	if c.Old == nil || c.Expired || c.Key != store.User(c.Old.Str(attrID)) {
		return "", 0, false
	}
	before, after := UserFrom(c.Old), UserFrom(c.New)
	if c.New == nil {
		after.Epoch = before.Epoch + 1
	}
	return before.ID, after.Epoch, after.Epoch > before.Epoch
}

func (d *Directory) sweepDeleted(ctx context.Context, old store.Item) error {
	id := old.Str(attrID)
	switch old.Str(store.AttrType) {
	case "user":
		memberships := UserFrom(old).Groups
		return errors.Join(d.dropGrants(ctx, store.GrantsOf(store.UserActor(id))), eachOf(memberships, func(g string) error {
			return d.drop(ctx, store.Member(g, id))
		}), d.dropCredentials(ctx, store.CredentialOfUser(id, "")))
	case "project":
		return errors.Join(d.dropGrants(ctx, store.GrantsOn(store.OnProject(id))), d.dropCredentials(ctx, store.CredentialOfProject(id, "")))
	case "group":
		return d.sweepGroup(ctx, id)
	case "domain":
		return d.sweepDomain(ctx, id)
	}
	return nil
}

func eachOf[T any](list []T, do func(T) error) error {
	for _, v := range list {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}

// drop removes an item unless it is gone.
func (d *Directory) drop(ctx context.Context, keys ...store.Key) error {
	rs := store.NewReadSet(d.table)
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		if !rs.Known(keys...) {
			return nil, store.ErrPending
		}
		var m []store.Mutation
		for _, k := range keys {
			if i, _ := rs.Get(k); i != nil {
				m = append(m, store.Delete(k))
			}
		}
		return m, nil
	})
}

// dropGrants removes grants with their mirrors, and the signs of them on what is left.
func (d *Directory) dropGrants(ctx context.Context, r store.Range) error {
	found, err := d.grants(ctx, r)
	if err != nil {
		return err
	}
	return eachOf(found, func(g Assignment) error { return d.dropGrant(ctx, g.Actor, g.Target) })
}

func (d *Directory) dropGrant(ctx context.Context, a store.Actor, t store.Target) error {
	shared := others{directory: d, group: a.ID, target: t}
	rs := store.NewReadSet(d.table)
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		keys := []store.Key{store.Grant(a, t), store.GrantMirror(a, t), actorKey(a)}
		target, has := targetKey(t)
		if has {
			keys = append(keys, target)
		}
		if !rs.Known(keys...) {
			return nil, store.ErrPending
		}
		grant, _ := rs.Get(keys[0])
		if grant == nil {
			return nil, nil
		}
		m, err := lastRevoke(rs, Assignment{a, t, grant.Set(attrGrantRoles)}, &shared)
		if err != nil {
			return nil, err
		}
		// The sign on an item that was deleted is gone with it.
		return slices.DeleteFunc(m, func(m store.Mutation) bool {
			if m.Kind != store.KindUpdate {
				return false
			}
			i, _ := rs.Get(m.Key)
			return i == nil
		}), nil
	})
	if err != nil {
		return fmt.Errorf("sweep grant of %s %s: %w", a.Kind, a.ID, err)
	}
	return nil
}

// sweepGroup takes the members out, ends their tokens, and only then forgets the group.
func (d *Directory) sweepGroup(ctx context.Context, id string) error {
	members, err := d.Members(ctx, id)
	if err != nil {
		return err
	}
	err = eachOf(members, func(u User) error {
		rs := store.NewReadSet(d.table)
		return d.commit(ctx, rs, func() ([]store.Mutation, error) {
			if !rs.Known(store.User(u.ID), store.Member(id, u.ID)) {
				return nil, store.ErrPending
			}
			i, _ := rs.Get(store.User(u.ID))
			if !i.Set(attrGroups).Has(id) {
				return nil, nil
			}
			return leave(id, u.ID), nil
		})
	})
	if err != nil {
		return fmt.Errorf("sweep members of group %s: %w", id, err)
	}
	if err := d.dropGrants(ctx, store.GrantsOf(store.GroupActor(id))); err != nil {
		return err
	}
	return d.forget(ctx, attrGoneGroups, id)
}

// forget takes a sign down from the head, which counts it (ReadHead).
func (d *Directory) forget(ctx context.Context, attribute, member string) error {
	rs := store.NewReadSet(d.table)
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		i, err := rs.Get(rs.Head())
		if err != nil || !i.Set(attribute).Has(member) {
			return nil, err
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		return MoveHead(head, func(h store.Mutation) store.Mutation {
			return h.Take(attribute, member).Set(attrCleared, head.Cleared+1)
		}), nil
	})
}

// sweepDomain removes all that was in a deleted domain; each removal is a change of its
// own, with a sweep of its own. Then the domain's id is free again.
func (d *Directory) sweepDomain(ctx context.Context, id string) error {
	err := errors.Join(
		sweepNames(ctx, d, usersByName, id, func(u User, _ Head) []store.Mutation { return removeUser(u) }),
		sweepNames(ctx, d, groupsByName, id, removeGroup),
		d.sweepProjects(ctx, id),
		d.sweepRoles(ctx, id),
		d.dropGrants(ctx, store.GrantsOn(store.OnDomain(id))),
	)
	if err != nil {
		return fmt.Errorf("sweep domain %s: %w", id, err)
	}
	return d.forget(ctx, attrOff, domainHash(id))
}

// names lists the ids of those who hold a name of one kind in a domain.
func names[T any](ctx context.Context, d *Directory, n named[T], domainID string) (ids []string, err error) {
	err = walk(ctx, d.table, store.Partition(n.claim(domainID, "")), func(e store.Entry) error {
		ids = append(ids, e.Item.Str(attrID))
		return nil
	})
	return ids, err
}

func sweepNames[T any](ctx context.Context, d *Directory, n named[T], domainID string, remove func(T, Head) []store.Mutation) error {
	ids, err := names(ctx, d, n, domainID)
	if err != nil {
		return err
	}
	return eachOf(ids, func(id string) error { return removeSwept(ctx, d, n, id, remove) })
}

func removeSwept[T any](ctx context.Context, d *Directory, n named[T], id string, remove func(T, Head) []store.Mutation) error {
	rs := store.NewReadSet(d.table)
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		if !rs.Known(n.item(id), rs.Head()) {
			return nil, store.ErrPending
		}
		i, _ := rs.Get(n.item(id))
		if i == nil {
			return nil, nil
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		return remove(n.from(i), head), nil
	})
}

// sweepProjects removes the projects of a domain, the lowest first.
func (d *Directory) sweepProjects(ctx context.Context, domainID string) error {
	below, err := d.Subtree(ctx, store.OnDomain(domainID))
	if err != nil {
		return err
	}
	slices.Reverse(below)
	return eachOf(below, func(p Project) error {
		return removeSwept(ctx, d, projectsByName, p.ID, func(p Project, _ Head) []store.Mutation { return removeProject(p) })
	})
}

func (d *Directory) sweepRoles(ctx context.Context, domainID string) error {
	var ids []string
	err := walk(ctx, d.table, store.Partition(store.RoleName(domainID, "")), func(e store.Entry) error {
		ids = append(ids, e.Item.Str(attrID))
		return nil
	})
	if err != nil {
		return err
	}
	return eachOf(ids, func(id string) error {
		rs := store.NewReadSet(d.table)
		err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
			r, head, err := roleItem(rs, id)
			if err != nil {
				return nil, err
			}
			return removeRole(r, head), nil
		})
		if problem.Is(err, problem.KindNotFound) {
			return nil
		}
		return err
	})
}

// copyDomainName renews the copies of a domain's name in what belongs to it.
func (d *Directory) copyDomainName(ctx context.Context, domainID string) error {
	return errors.Join(
		renameIn(ctx, d, usersByName, domainID),
		renameIn(ctx, d, projectsByName, domainID),
		renameIn(ctx, d, groupsByName, domainID),
	)
}

func renameIn[T any](ctx context.Context, d *Directory, n named[T], domainID string) error {
	ids, err := names(ctx, d, n, domainID)
	if err != nil {
		return err
	}
	return eachOf(ids, func(id string) error {
		rs := store.NewReadSet(d.table)
		err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
			if !rs.Known(n.item(id), store.Domain(domainID)) {
				return nil, store.ErrPending
			}
			i, _ := rs.Get(n.item(id))
			dom, _ := rs.Get(store.Domain(domainID))
			if i == nil || dom == nil || i.Str(attrDomainName) == dom.Str(attrName) {
				return nil, nil
			}
			return []store.Mutation{
				store.Update(n.item(id)).Set(attrDomainName, dom.Str(attrName)),
				store.Check(store.Domain(domainID)).Where(store.Equals(attrName, dom.Str(attrName))),
			}, nil
		})
		if err != nil {
			return fmt.Errorf("copy name of domain %s to %s %s: %w", domainID, n.kind, id, err)
		}
		return nil
	})
}
