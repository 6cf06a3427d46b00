package directory

import (
	"context"
	"strings"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Check says what one of this package's items stands on; no needs: on nothing.
func (d *Directory) Check(e store.Entry) walk.Check {
	i := e.Item
	discard := walk.Discard(d.table, e)
	switch i.Str(store.AttrType) {
	case "user", "group", "project", "role":
		if id := i.Str(attrDomain); id != "" {
			return walk.All(walk.Follow(walk.Kill{Kind: walk.Domain, ID: id}), store.Domain(id))
		}
	case "password":
		return walk.All(discard, store.User(strings.TrimPrefix(e.Key.PK, store.User("").PK)))
	case "grant":
		g := AssignmentFrom(i)
		keys := []store.Key{actorKey(g.Actor)}
		if k, ok := targetKey(g.Target); ok {
			keys = append(keys, k)
		}
		return walk.All(walk.Do(func(ctx context.Context) error { return d.dropGrant(ctx, g.Actor, g.Target) }), keys...)
	case "grant_mirror":
		g := AssignmentFrom(i)
		return walk.All(discard, store.Grant(g.Actor, g.Target))
	case "member":
		group, user := store.Group(strings.TrimPrefix(e.Key.PK, store.Group("").PK)), store.User(i.Str(attrID))
		return walk.Check{Needs: []store.Key{user}, Amiss: func(found store.Items) walk.Fix {
			if !found[user].Set(attrGroups).Has(strings.TrimPrefix(group.PK, store.Group("").PK)) {
				return discard
			}
			return nil
		}}
	case "child":
		return walk.All(discard, store.Project(i.Str(attrID)))
	case "name":
		for _, n := range []struct {
			claim store.Key
			owner func(string) store.Key
		}{
			{store.UserName("", ""), store.User}, {store.ProjectName("", ""), store.Project}, {store.GroupName("", ""), store.Group},
			{store.RoleName("", ""), store.Role}, {store.DomainName(""), store.Domain},
		} {
			if strings.HasPrefix(e.Key.PK, n.claim.PK) {
				return walk.All(discard, n.owner(i.Str(attrID)))
			}
		}
	case "credential":
		c := credentialFrom(i)
		keys := []store.Key{store.User(c.UserID)}
		if c.ProjectID != "" {
			keys = append(keys, store.Project(c.ProjectID))
		}
		return walk.All(walk.Do(func(ctx context.Context) error { return d.drop(ctx, append(c.lists(), e.Key)...) }), keys...)
	case "credential_mirror":
		return walk.All(discard, store.Credential(i.Str(attrID)))
	}
	return walk.Check{}
}

// Signs are the ids of deleted groups that the head still names, and what it calls domains
// that are disabled or gone.
func (d *Directory) Signs(ctx context.Context) (groups, domains store.Set, err error) {
	rs := store.NewReadSet(d.table)
	err = rs.Settle(ctx, func() error {
		head, err := ReadHead(rs)
		groups, domains = head.GoneGroups, head.Off
		return err
	})
	return groups, domains, err
}

// ForgetDomains takes from the head the signs of domains that are not there. Only those may
// be named in which nothing was left.
func (d *Directory) ForgetDomains(ctx context.Context, signs store.Set) error {
	there := map[string]bool{}
	err := along(ctx, d.table, store.Partition(store.DomainName("")), func(e store.Entry) error {
		there[domainHash(e.Item.Str(attrID))] = true
		return nil
	})
	if err != nil {
		return err
	}
	return eachOf(signs, func(sign string) error {
		if there[sign] {
			return nil
		}
		return d.forget(ctx, attrOff, sign)
	})
}
