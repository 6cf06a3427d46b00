package directory

import (
	"context"
	"fmt"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Group is a group of users. Who belongs to it stands in the users.
type Group struct {
	ID          string
	Name        string
	DomainID    string
	DomainName  string
	Description string
	Extra       []byte
}

func (g Group) item() store.Item {
	i := store.Item{
		store.AttrType: "group", attrID: g.ID, attrName: g.Name, attrDomain: g.DomainID, attrDomainName: g.DomainName,
		attrDescription: g.Description,
	}
	setBytes(i, attrExtra, g.Extra)
	return i
}

// GroupFrom reads a group's item.
func GroupFrom(i store.Item) Group {
	return Group{
		ID: i.Str(attrID), Name: i.Str(attrName), DomainID: i.Str(attrDomain), DomainName: i.Str(attrDomainName),
		Description: i.Str(attrDescription), Extra: i.Bytes(attrExtra),
	}
}

// FindGroup is a pass: the group; NotFound when there is none.
func FindGroup(rs *store.ReadSet, id string) (Group, error) {
	if !rs.Known(store.Group(id), rs.Head()) {
		return Group{}, store.ErrPending
	}
	i, _ := rs.Get(store.Group(id))
	if i == nil {
		return Group{}, problem.NotFound("group", id)
	}
	g := GroupFrom(i)
	if err := within(rs, g.DomainID, "group", id); err != nil {
		return Group{}, err
	}
	return g, nil
}

// CreateGroup adds a group. NotFound without the domain, Conflict when the name is taken.
func (d *Directory) CreateGroup(ctx context.Context, rs *store.ReadSet, g Group) (Group, error) {
	g.ID = newID()
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) { return newGroup(rs, &g) })
	return g, err
}

// newGroup is a pass: the write that adds a group under its id.
func newGroup(rs *store.ReadSet, g *Group) ([]store.Mutation, error) {
	name := store.GroupName(g.DomainID, g.Name)
	rs.Want(name)
	dom, err := FindDomain(rs, g.DomainID)
	if err != nil {
		return nil, err
	}
	if err := free(rs, name, g.ID, "group"); err != nil {
		return nil, err
	}
	g.DomainName = dom.Name
	return []store.Mutation{store.Create(store.Group(g.ID), g.item()), claim(name, g.ID), under(dom)}, nil
}

// UpdateGroup changes a group.
func (d *Directory) UpdateGroup(ctx context.Context, rs *store.ReadSet, id string, edit func(*Group) error) (Group, error) {
	var after Group
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		before, err := FindGroup(rs, id)
		if err != nil {
			return nil, err
		}
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		var m []store.Mutation
		c := changes(store.Group(id))
		if after.Name != before.Name {
			name := store.GroupName(before.DomainID, after.Name)
			if err := free(rs, name, id, "group"); err != nil {
				return nil, err
			}
			c.set(attrName, after.Name)
			c.where(store.Equals(attrName, before.Name))
			m = append(m, release(store.GroupName(before.DomainID, before.Name), id), claim(name, id))
		}
		c.keep(attrDescription, before.Description, after.Description)
		c.blob(attrExtra, before.Extra, after.Extra)
		return append(m, c.mutations()...), nil
	})
	return after, err
}

// DeleteGroup removes a group. The head names it as gone, and whoever belongs to a gone
// group has no live token, until she has been taken out of it (design.md section 5).
func (d *Directory) DeleteGroup(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		g, err := FindGroup(rs, id)
		if err != nil {
			return nil, err
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		return removeGroup(g, head), nil
	})
}

func removeGroup(g Group, head Head) []store.Mutation {
	m := []store.Mutation{
		store.Delete(store.Group(g.ID)).Where(store.Equals(attrName, g.Name)),
		release(store.GroupName(g.DomainID, g.Name), g.ID),
	}
	return append(m, MoveHead(head, func(h store.Mutation) store.Mutation {
		return h.Insert(attrGoneGroups, g.ID).Take(attrSystemGroups, g.ID)
	})...)
}

// Join makes a user a member of a group; nothing happens when she is (D-101).
func (d *Directory) Join(ctx context.Context, rs *store.ReadSet, groupID, userID string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) { return newMember(rs, groupID, userID) })
}

// newMember is a pass: the write that makes a user a member of a group, none when she is.
func newMember(rs *store.ReadSet, groupID, userID string) ([]store.Mutation, error) {
	u, g, err := userAndGroup(rs, userID, groupID)
	if err != nil || u.Groups.Has(groupID) {
		return nil, err
	}
	if err := roomForGroup(u); err != nil {
		return nil, err
	}
	return []store.Mutation{
		store.Update(store.User(userID)).Insert(attrGroups, groupID).Where(store.Lacks(attrGroups, groupID)),
		store.Create(store.Member(groupID, userID), store.Item{store.AttrType: "member", attrID: userID}),
		store.Check(store.Group(groupID)).Where(store.Equals(attrName, g.Name)),
	}, nil
}

func userAndGroup(rs *store.ReadSet, userID, groupID string) (User, Group, error) {
	rs.Want(store.User(userID), store.Group(groupID))
	u, err := FindUser(rs, userID)
	if err != nil {
		return User{}, Group{}, err
	}
	g, err := FindGroup(rs, groupID)
	return u, g, err
}

// IsMember is a pass: NotFound unless user and group are there and she belongs to it.
func IsMember(rs *store.ReadSet, groupID, userID string) error {
	u, _, err := userAndGroup(rs, userID, groupID)
	if err == nil && !u.Groups.Has(groupID) {
		return problem.NotFound("user in group "+groupID, userID)
	}
	return err
}

// Leave takes a user out of a group and ends her tokens: roles that came through the
// group end in issued tokens, too (D-103). NotFound when she does not belong to it.
func (d *Directory) Leave(ctx context.Context, rs *store.ReadSet, groupID, userID string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		if err := IsMember(rs, groupID, userID); err != nil {
			return nil, err
		}
		return leave(groupID, userID), nil
	})
}

func leave(groupID, userID string) []store.Mutation {
	return []store.Mutation{
		store.Update(store.User(userID)).Take(attrGroups, groupID).Add(AttrEpoch, 1).Where(store.Contains(attrGroups, groupID)),
		store.Delete(store.Member(groupID, userID)),
	}
}

// LeaveGone takes a user out of the groups that were deleted under her. A login does it
// before it mints, if the cascade has not come to her yet: as long as she names a gone
// group, no token of hers is live.
func (d *Directory) LeaveGone(ctx context.Context, rs *store.ReadSet, userID string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		u, err := FindUser(rs, userID)
		if err != nil {
			return nil, err
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		for _, g := range head.GoneGroups {
			if u.Groups.Has(g) {
				return leave(g, userID), nil
			}
		}
		return nil, nil
	})
}

// Members lists the users of a group.
func (d *Directory) Members(ctx context.Context, groupID string) ([]User, error) {
	var keys []store.Key
	err := along(ctx, d.table, store.Prefixed(store.Member(groupID, "")), func(e store.Entry) error {
		keys = append(keys, store.User(e.Item.Str(attrID)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list members of group %s: %w", groupID, err)
	}
	items, err := d.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	users := make([]User, 0, len(items))
	for _, k := range keys {
		if u := UserFrom(items[k]); u.Groups.Has(groupID) { // whoever is gone names no group
			users = append(users, u)
		}
	}
	return users, nil
}

// GroupsOf is a pass: the groups that a user belongs to.
func GroupsOf(rs *store.ReadSet, u User) ([]Group, error) {
	keys := make([]store.Key, 0, len(u.Groups))
	for _, id := range u.Groups {
		keys = append(keys, store.Group(id))
	}
	if !rs.Known(keys...) {
		return nil, store.ErrPending
	}
	groups := make([]Group, 0, len(keys))
	for _, id := range u.Groups {
		switch g, err := FindGroup(rs, id); {
		case err == nil:
			groups = append(groups, g)
		case !problem.Is(err, problem.KindNotFound):
			return nil, err
		}
	}
	return groups, nil
}
