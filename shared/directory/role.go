package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"mandate/shared/store"
)

// Role is a role with what it implies directly.
type Role struct {
	ID          string
	Name        string
	DomainID    string // "" for a global role; domain-owned roles never show in tokens
	Description *string
	Immutable   *bool // option; nil when never set
	Extra       []byte
	Implies     store.Set // role ids
}

const (
	attrImmutable = "immutable"
	attrImplies   = "implies"
)

func (r Role) item() store.Item {
	i := store.Item{store.AttrType: "role", attrID: r.ID, attrName: r.Name}
	setText(i, attrDomain, r.DomainID)
	setOptional(i, attrDescription, r.Description)
	setBytes(i, attrExtra, r.Extra)
	setSet(i, attrImplies, r.Implies)
	if r.Immutable != nil {
		i[attrImmutable] = *r.Immutable
	}
	return i
}

// RoleFrom reads a role's item.
func RoleFrom(i store.Item) Role {
	r := Role{
		ID: i.Str(attrID), Name: i.Str(attrName), DomainID: i.Str(attrDomain), Description: optional(i, attrDescription),
		Extra: i.Bytes(attrExtra), Implies: i.Set(attrImplies),
	}
	if i.Has(attrImmutable) {
		b := i.Bool(attrImmutable)
		r.Immutable = &b
	}
	return r
}

// Roles is all roles at one version. It is shared and must not be changed.
type Roles struct {
	Version int64
	byID    map[string]Role
}

// Get finds a role by id.
func (r *Roles) Get(id string) (Role, bool) { role, ok := r.byID[id]; return role, ok }

// Named finds roles by name in a domain ("" for global ones); names are unique there.
func (r *Roles) Named(domainID, name string) (Role, bool) {
	for _, role := range r.byID {
		if role.Name == name && role.DomainID == domainID {
			return role, true
		}
	}
	return Role{}, false
}

// All lists the roles by id.
func (r *Roles) All() []Role {
	return slices.SortedFunc(maps.Values(r.byID), func(a, b Role) int { return compare(a.ID, b.ID) })
}

// Closure follows implications from the given roles, transitively, on a set, so that
// cycles are harmless (D-121). Roles that no longer exist contribute nothing.
func (r *Roles) Closure(ids ...string) store.Set {
	seen := make(map[string]bool, 2*len(ids))
	var follow func(id string)
	follow = func(id string) {
		role, ok := r.byID[id]
		if !ok || seen[id] {
			return
		}
		seen[id] = true
		for _, implied := range role.Implies {
			follow(implied)
		}
	}
	for _, id := range ids {
		follow(id)
	}
	return store.Set(slices.Sorted(maps.Keys(seen)))
}

// global is a set of roles without those that a domain owns.
func (r *Roles) global(ids store.Set) store.Set {
	return slices.DeleteFunc(ids, func(id string) bool { return r.byID[id].DomainID != "" })
}

// Visible is what a token shows of a set of roles: the global ones, by name.
func (r *Roles) Visible(ids store.Set) []Role {
	shown := make([]Role, 0, len(ids))
	for _, id := range ids {
		if role, ok := r.byID[id]; ok && role.DomainID == "" {
			shown = append(shown, role)
		}
	}
	slices.SortFunc(shown, func(a, b Role) int { return compare(a.Name, b.Name) })
	return shown
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// Registry keeps in memory what seldom changes and what every token needs: roles with
// their implications, and the catalog. The head says which version is current; an older
// one is read again before it is used. One Registry serves a whole process.
type Registry struct {
	table   store.Table
	roles   atomic.Pointer[Roles]
	catalog atomic.Pointer[Catalog]

	guesses sync.Map // name of a domain → its id when it was last looked up
	guessed atomic.Int64
}

// NewRegistry starts with nothing in memory.
func NewRegistry(t store.Table) *Registry {
	g := &Registry{table: t}
	g.roles.Store(&Roles{Version: -1})
	g.catalog.Store(&Catalog{Version: -1})
	return g
}

// Roles is a pass: the roles, at least as new as the head that the read set saw, and the
// same whenever it asks: what one rule finds must not be gone for the next, when another
// request has read newer ones meanwhile.
func (g *Registry) Roles(rs *store.ReadSet) (*Roles, error) {
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	if r, ok := rs.Pinned().(*Roles); ok && head.Roles <= r.Version {
		return r, nil
	}
	if r := g.roles.Load(); r.Version >= head.Roles {
		rs.Pin(r)
		return r, nil
	}
	rs.WantLoad("roles", func(ctx context.Context) error {
		// What is read now is at least as new as the head that was read before, because
		// roles and head are written in one transaction. If it is newer, the next
		// request finds its label too old and reads once more.
		fresh := &Roles{Version: head.Roles, byID: map[string]Role{}}
		err := along(ctx, g.table, store.Partition(store.Role("")), func(e store.Entry) error {
			role := RoleFrom(e.Item)
			fresh.byID[role.ID] = role
			return nil
		})
		if err != nil {
			return fmt.Errorf("read roles: %w", err)
		}
		replaceIfNewer(&g.roles, fresh, func(r *Roles) int64 { return r.Version })
		return nil
	})
	return nil, store.ErrPending
}

func replaceIfNewer[T any](p *atomic.Pointer[T], fresh *T, version func(*T) int64) {
	for {
		old := p.Load()
		if version(old) >= version(fresh) || p.CompareAndSwap(old, fresh) {
			return
		}
	}
}

// along calls a function for every entry of a range, page by page.
func along(ctx context.Context, t store.Table, r store.Range, each func(store.Entry) error) error {
	for {
		page, err := t.Query(ctx, r)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := each(e); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		r.After = page.Next
	}
}
