package directory

import (
	"context"
	"fmt"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/walk"
)

// Sweep tidies up after a change of the table: what stood on a deleted user, project,
// group or domain is removed, and copies of a renamed domain's name are renewed. It
// follows the change log and may be repeated. Nothing waits for it: whatever it removes
// carried no authority from the moment of the deletion. Two signs in the head are taken
// down at its very end, that a group and that a domain is gone, because until then
// somebody may still name them.
func (d *Directory) Sweep(ctx context.Context, c store.Change) error {
	k, ok := Ended(c)
	if !ok {
		return nil
	}
	if err := d.Depart(ctx, c); err != nil {
		return err
	}
	return walk.Run(ctx, d.table, d.Walks(k))
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

// Ended reports what a change ended, if it is this package's: what [Directory.Walks] takes.
// Memberships of a deleted user stand in her item only; [Directory.Sweep] ends them.
func Ended(c store.Change) (walk.Kill, bool) {
	if c.Old == nil || c.Expired {
		return walk.Kill{}, false
	}
	id, kind := c.Old.Str(attrID), c.Old.Str(store.AttrType)
	if c.New != nil {
		renamed := kind == "domain" && c.Old.Str(attrName) != c.New.Str(attrName)
		return walk.Kill{Kind: walk.Renamed, ID: id}, renamed
	}
	switch kind {
	case "user":
		return walk.Kill{Kind: walk.User, ID: id, Epoch: UserFrom(c.Old).Epoch + 1}, true
	case "project", "group", "domain":
		return walk.Kill{Kind: walk.Kind(kind), ID: id}, true
	}
	return walk.Kill{}, false
}

// Depart takes a deleted user out of the lists of her groups, which only her item named.
func (d *Directory) Depart(ctx context.Context, c store.Change) error {
	if c.New != nil || c.Expired || c.Old.Str(store.AttrType) != "user" {
		return nil
	}
	return eachOf(UserFrom(c.Old).Groups, func(g string) error {
		return d.drop(ctx, store.Member(g, c.Old.Str(attrID)))
	})
}

// Walks are the lists of what stood on something that ended, and what becomes of it.
func (d *Directory) Walks(k walk.Kill) []walk.Walk {
	switch k.Kind {
	case walk.User:
		return []walk.Walk{d.grantsGo(store.GrantsOf(store.UserActor(k.ID))), d.credentialsGo(store.CredentialOfUser(k.ID, ""))}
	case walk.Project:
		return []walk.Walk{d.grantsGo(store.GrantsOn(store.OnProject(k.ID))), d.credentialsGo(store.CredentialOfProject(k.ID, ""))}
	case walk.Group:
		return []walk.Walk{
			d.membersGo(k.ID), d.grantsGo(store.GrantsOf(store.GroupActor(k.ID))),
			{Then: func(ctx context.Context) error { return d.forget(ctx, attrGoneGroups, k.ID) }},
		}
	case walk.Domain:
		return d.domainGoes(k.ID)
	case walk.Renamed:
		return []walk.Walk{renames(d, usersByName, k.ID), renames(d, projectsByName, k.ID), renames(d, groupsByName, k.ID)}
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

// grantsGo removes grants with their mirrors, and the signs of them on what is left.
func (d *Directory) grantsGo(r store.Range) walk.Walk {
	return walk.Walk{
		Range: r,
		Each: func(ctx context.Context, e store.Entry) error {
			g := AssignmentFrom(e.Item)
			return d.dropGrant(ctx, g.Actor, g.Target)
		},
		Ends: func(e store.Entry) (walk.Kill, bool) { return walk.Kill{Kind: walk.Grant, ID: e.Key.String()}, true },
	}
}

func (d *Directory) credentialsGo(list store.Key) walk.Walk {
	return walk.Walk{
		Range: store.Prefixed(list),
		Each: func(ctx context.Context, e store.Entry) error {
			c := credentialFrom(e.Item)
			return d.drop(ctx, append(c.lists(), store.Credential(c.ID))...)
		},
		Ends: ends(walk.Secret),
	}
}

// ends says that each entry of a list stands for one of a kind.
func ends(kind walk.Kind) func(store.Entry) (walk.Kill, bool) {
	return func(e store.Entry) (walk.Kill, bool) { return walk.Kill{Kind: kind, ID: e.Item.Str(attrID)}, true }
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

// membersGo takes the members out of a group and ends their tokens.
func (d *Directory) membersGo(groupID string) walk.Walk {
	return walk.Walk{
		Range: store.Prefixed(store.Member(groupID, "")),
		Each: func(ctx context.Context, e store.Entry) error {
			userID := e.Item.Str(attrID)
			rs := store.NewReadSet(d.table)
			err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
				if !rs.Known(store.User(userID), e.Key) {
					return nil, store.ErrPending
				}
				i, _ := rs.Get(store.User(userID))
				listed, _ := rs.Get(e.Key)
				switch {
				case i.Set(attrGroups).Has(groupID):
					return leave(groupID, userID), nil
				case listed != nil:
					return []store.Mutation{store.Delete(e.Key)}, nil
				}
				return nil, nil
			})
			if err != nil {
				return fmt.Errorf("sweep member %s of group %s: %w", userID, groupID, err)
			}
			return nil
		},
		Ends: ends(walk.Member),
	}
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

// domainGoes removes all that was in a deleted domain; each removal is a change of its
// own, with consequences of its own. Then the domain's id is free again.
//
// A project goes when none is below it, so the list of them is walked once for each level
// that there can be.
func (d *Directory) domainGoes(id string) []walk.Walk {
	groups := namesGo(d, groupsByName, walk.Group, id, removeGroup)
	groups.InTurn = true // each moves the head
	walks := []walk.Walk{
		namesGo(d, usersByName, walk.User, id, func(u User, _ Head) []store.Mutation { return removeUser(u) }), groups,
	}
	for level := range MaxDepth {
		w := namesGo(d, projectsByName, walk.Project, id, func(p Project, _ Head) []store.Mutation { return removeProject(p) })
		each := w.Each
		w.Each = func(ctx context.Context, e store.Entry) error {
			k := store.Project(e.Item.Str(attrID))
			items, err := d.table.Read(ctx, k)
			if err != nil || items[k].Int(attrChildren) > 0 {
				return err
			}
			return each(ctx, e)
		}
		if level > 0 {
			w.Ends = nil // counted in the first
		}
		walks = append(walks, w)
	}
	return append(walks, d.rolesGo(id), d.grantsGo(store.GrantsOn(store.OnDomain(id))),
		walk.Walk{Then: func(ctx context.Context) error { return d.forget(ctx, attrOff, domainHash(id)) }})
}

func namesGo[T any](d *Directory, n named[T], kind walk.Kind, domainID string, remove func(T, Head) []store.Mutation) walk.Walk {
	return walk.Walk{
		Range: store.Partition(n.claim(domainID, "")),
		Each: func(ctx context.Context, e store.Entry) error {
			if err := removeSwept(ctx, d, n, e.Item.Str(attrID), remove); err != nil {
				return fmt.Errorf("sweep %s %s of domain %s: %w", n.kind, e.Item.Str(attrID), domainID, err)
			}
			return nil
		},
		Ends: ends(kind),
	}
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

func (d *Directory) rolesGo(domainID string) walk.Walk {
	return walk.Walk{
		Range: store.Partition(store.RoleName(domainID, "")), InTurn: true, // each moves the head
		Each: func(ctx context.Context, e store.Entry) error {
			rs := store.NewReadSet(d.table)
			err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
				r, head, err := roleItem(rs, e.Item.Str(attrID))
				if err != nil {
					return nil, err
				}
				return removeRole(r, head), nil
			})
			if problem.Is(err, problem.KindNotFound) {
				return nil
			}
			return err
		},
		Ends: ends(walk.Role),
	}
}

// renames renews the copies of a domain's name in what belongs to it.
func renames[T any](d *Directory, n named[T], domainID string) walk.Walk {
	return walk.Walk{
		Range: store.Partition(n.claim(domainID, "")),
		Each: func(ctx context.Context, e store.Entry) error {
			id := e.Item.Str(attrID)
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
		},
	}
}
