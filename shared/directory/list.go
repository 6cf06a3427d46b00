package directory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Page is the part of a list that is wanted.
type Page struct {
	DomainID string  // "" for all domains
	Name     *string // exactly this name
	Marker   string  // id of the last member seen; "" begins
	Limit    int     // 1 or more
}

// named is how the members of one kind are listed: over the claims of their names, so
// sorted by name within each domain, domains by their names.
type named[T any] struct {
	kind  string
	claim func(domainID, name string) store.Key
	item  func(id string) store.Key
	from  func(store.Item) T
	place func(T) (domainID, name string)
	root  bool // not within domains
}

var (
	usersByName = named[User]{"user", store.UserName, store.User, UserFrom,
		func(u User) (string, string) { return u.DomainID, u.Name }, false}
	projectsByName = named[Project]{"project", store.ProjectName, store.Project, ProjectFrom,
		func(p Project) (string, string) { return p.DomainID, p.Name }, false}
	groupsByName = named[Group]{"group", store.GroupName, store.Group, GroupFrom,
		func(g Group) (string, string) { return g.DomainID, g.Name }, false}
	domainsByName = named[Domain]{"domain", func(_, name string) store.Key { return store.DomainName(name) }, store.Domain, DomainFrom,
		func(d Domain) (string, string) { return "", d.Name }, true}
)

// Users lists the users that keep lets through; more says that the list was cut.
func (d *Directory) Users(ctx context.Context, p Page, keep func(User) bool) (list []User, more bool, err error) {
	return listNamed(ctx, d, usersByName, p, keep)
}

// Projects lists projects, as Users does.
func (d *Directory) Projects(ctx context.Context, p Page, keep func(Project) bool) (list []Project, more bool, err error) {
	return listNamed(ctx, d, projectsByName, p, keep)
}

// Groups lists groups, as Users does.
func (d *Directory) Groups(ctx context.Context, p Page, keep func(Group) bool) (list []Group, more bool, err error) {
	return listNamed(ctx, d, groupsByName, p, keep)
}

// Domains lists domains, as Users does; Page.DomainID is not looked at.
func (d *Directory) Domains(ctx context.Context, p Page, keep func(Domain) bool) (list []Domain, more bool, err error) {
	return listNamed(ctx, d, domainsByName, p, keep)
}

func listNamed[T any](ctx context.Context, d *Directory, n named[T], p Page, keep func(T) bool) ([]T, bool, error) {
	domains, err := d.partitions(ctx, n.root, p.DomainID)
	if err != nil {
		return nil, false, err
	}
	list := make([]T, 0, min(p.Limit, 64))
	take := func(ids []string) error {
		found, err := byID(ctx, d, n, ids)
		for _, v := range found {
			if keep(v) {
				list = append(list, v)
			}
		}
		return err
	}
	after := ""
	if p.Marker != "" {
		if domains, after, err = startAt(ctx, d, n, p.Marker, domains); err != nil {
			return nil, false, err
		}
	}
	if p.Name != nil {
		ids, err := d.claimants(ctx, domains, func(domainID string) store.Key { return n.claim(domainID, *p.Name) })
		if err != nil {
			return nil, false, err
		}
		err = take(ids)
		return list[:min(len(list), p.Limit)], len(list) > p.Limit, err
	}
	for _, domainID := range domains {
		r := store.Partition(n.claim(domainID, ""))
		r.From, r.Limit = after, min(p.Limit+2, store.MaxReadKeys)
		for {
			page, err := d.table.Query(ctx, r)
			if err != nil {
				return nil, false, fmt.Errorf("list names of %ss: %w", n.kind, err)
			}
			ids := make([]string, 0, len(page.Entries))
			for _, e := range page.Entries {
				if e.Key.SK != after {
					ids = append(ids, e.Item.Str(attrID))
				}
			}
			if err := take(ids); err != nil {
				return nil, false, err
			}
			if len(list) > p.Limit {
				return list[:p.Limit], true, nil
			}
			if page.Next == "" {
				break
			}
			r.After = page.Next
		}
		after = ""
	}
	return list, false, nil
}

// partitions lists the ids of the domains that a list walks through, by their names.
func (d *Directory) partitions(ctx context.Context, root bool, domainID string) ([]string, error) {
	switch {
	case root:
		return []string{""}, nil
	case domainID != "":
		items, err := d.read(ctx, []store.Key{store.Domain(domainID)})
		if err != nil || len(items) == 0 {
			return nil, err
		}
		return []string{domainID}, nil
	}
	var ids []string
	err := along(ctx, d.table, store.Partition(store.DomainName("")), func(e store.Entry) error {
		ids = append(ids, e.Item.Str(attrID))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list domains: %w", err)
	}
	return ids, nil
}

// startAt finds where a list goes on: the domains from the marker's on, and the name
// after which the first of them continues.
func startAt[T any](ctx context.Context, d *Directory, n named[T], marker string, domains []string) ([]string, string, error) {
	found, err := byID(ctx, d, n, []string{marker})
	if err != nil {
		return nil, "", err
	}
	if len(found) == 0 {
		return nil, "", problem.NotFound(n.kind, marker)
	}
	domainID, name := n.place(found[0])
	i := slices.Index(domains, domainID)
	if i < 0 {
		return nil, "", problem.NotFound(n.kind, marker)
	}
	return domains[i:], name, nil
}

// claimants lists the ids of those who hold a name, one at most in each domain.
func (d *Directory) claimants(ctx context.Context, domains []string, claim func(domainID string) store.Key) ([]string, error) {
	keys := make([]store.Key, 0, len(domains))
	for _, id := range domains {
		keys = append(keys, claim(id))
	}
	items, err := d.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range keys {
		if i, ok := items[k]; ok {
			ids = append(ids, i.Str(attrID))
		}
	}
	return ids, nil
}

// byID reads members in the order of their ids; those that are gone are left out.
func byID[T any](ctx context.Context, d *Directory, n named[T], ids []string) ([]T, error) {
	keys := make([]store.Key, 0, len(ids))
	for _, id := range ids {
		keys = append(keys, n.item(id))
	}
	items, err := d.read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read %ss: %w", n.kind, err)
	}
	list := make([]T, 0, len(items))
	for _, k := range keys {
		if i, ok := items[k]; ok {
			list = append(list, n.from(i))
		}
	}
	return list, nil
}

// read gets any number of items, in as many trips as that takes.
func (d *Directory) read(ctx context.Context, keys []store.Key) (store.Items, error) {
	all := make(store.Items, len(keys))
	for chunk := range slices.Chunk(keys, store.MaxReadKeys) {
		wanted := distinct(chunk)
		if len(wanted) == 0 {
			continue
		}
		items, err := d.table.Read(ctx, wanted...)
		if err != nil {
			return nil, fmt.Errorf("read %d items: %w", len(chunk), err)
		}
		for k, i := range items {
			all[k] = i
		}
	}
	return all, nil
}

// distinct drops repeated keys and those under which nothing can be.
func distinct(keys []store.Key) []store.Key {
	seen := make(map[store.Key]bool, len(keys))
	return slices.DeleteFunc(slices.Clone(keys), func(k store.Key) bool {
		drop := seen[k] || !k.Storable()
		seen[k] = true
		return drop
	})
}

// atOnce is how many queries of one list run side by side.
const atOnce = 8

// collect runs a query for each of many things, a few at once, and joins what they found.
func collect[In, Out any](ctx context.Context, of []In, query func(context.Context, In) ([]Out, error)) ([]Out, error) {
	found := make([][]Out, len(of))
	errs := make([]error, len(of))
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, in := range of {
		slots <- struct{}{}
		group.Go(func() {
			found[i], errs[i] = query(ctx, in)
			<-slots
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(found...), nil
}
