package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Entry is one thing to be brought in from elsewhere under the id that it had there.
type Entry interface {
	// plan is a pass: the write that adds it, none when it is there as it should be, or
	// the problem for which it is refused.
	plan(d *Directory, rs *store.ReadSet, left *leftovers) ([]store.Mutation, error)
}

// Entries of an import. Epochs are not theirs to say: they start when the thing is
// created here, so that no token of an earlier holder of an id comes back to life.
type (
	// NewUser is a user, with the hash of her password unless it is "".
	NewUser struct {
		User         User
		PasswordHash string
	}
	NewGroup   struct{ Group Group }     // a group
	NewProject struct{ Project Project } // a project; ParentID "" is the top of its domain
	NewDomain  struct{ Domain Domain }   // a domain
	NewRole    struct{ Role Role }       // a role, without what it implies

	NewMember      struct{ GroupID, UserID string }    // a membership
	NewImplication struct{ PriorID, ImpliedID string } // a role that carries another
	NewGrant       struct {                            // one role of an actor on a target
		Actor  store.Actor
		Target store.Target
		RoleID string
	}
)

// Outcome says what became of an entry.
type Outcome struct {
	Made    bool  // written now; false and not refused: it was there already
	Refused error // a problem, nil when it was not refused
}

// Import adds entries in as few transactions as they fit into, by the same rules and
// mutations as the single writes. Entries may build on earlier ones. Each is made,
// found there with the same content, or refused, and none stands in the way of another;
// an error is for the table, and then some may have been made. It may be called from
// several goroutines.
func (d *Directory) Import(ctx context.Context, entries []Entry) ([]Outcome, error) {
	out := make([]Outcome, len(entries))
	rs := store.NewReadSet(d.table)
	left := &leftovers{table: d.table, found: map[store.Key]bool{}}
	rest := make([]int, len(entries))
	for i := range rest {
		rest[i] = i
	}
	for len(rest) > 0 {
		var later []int
		err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
			var b batch
			var err error
			b, later, err = d.fill(rs, left, entries, rest, out)
			return b.m, err
		})
		if err != nil {
			return out, fmt.Errorf("import %d entries: %w", len(entries), err)
		}
		if len(later) == len(rest) {
			return out, fmt.Errorf("import %d entries: none of the last %d can be written", len(entries), len(rest))
		}
		rest = later
	}
	return out, nil
}

// fill is a pass: a batch of as many entries as fit, with what became of them, and those
// that wait for the next. An entry is refused only when nothing before it is still to be
// written, because that may be what it misses.
func (d *Directory) fill(rs *store.ReadSet, left *leftovers, entries []Entry, rest []int, out []Outcome) (b batch, later []int, err error) {
	pending := false
	for n, i := range rest {
		if b.full {
			later = append(later, rest[n:]...)
			break
		}
		m, err := entries[i].plan(d, rs, left)
		_, refused := problem.As(err)
		switch {
		case errors.Is(err, store.ErrPending):
			pending = true
		case err != nil && !refused:
			return b, nil, err
		case pending: // the pass is run again
		case refused && len(b.m) == 0:
			out[i] = Outcome{Refused: err}
		case refused:
			later = append(later, i)
		case len(m) == 0:
			out[i] = Outcome{}
		case b.add(m):
			out[i] = Outcome{Made: true}
		default:
			later = append(later, i)
		}
	}
	if pending {
		return batch{}, nil, store.ErrPending
	}
	return b, later, nil
}

// leftovers remembers under which ids something is left of what was deleted: grants,
// trusts, memberships that nobody has swept yet. Nothing new comes under an id while its
// holder is not there (law 7), so what was found empty stays empty.
type leftovers struct {
	table store.Table
	mu    sync.Mutex
	found map[store.Key]bool // by the item that is to be created
}

// none is a pass: a Conflict when something is left of an earlier holder of the id.
func (l *leftovers) none(rs *store.ReadSet, k store.Key, kind, id string) error {
	l.mu.Lock()
	found, known := l.found[k]
	l.mu.Unlock()
	switch {
	case found:
		return problem.Conflict(kind, "the id "+id+" belonged to one that was deleted, and not all that stood on it has been swept yet")
	case known:
		return nil
	}
	rs.WantLoad("leftovers of "+k.PK, func(ctx context.Context) error {
		page, err := l.table.Query(ctx, store.Range{PK: k.PK, Limit: 1})
		found := len(page.Entries) > 0
		if err == nil && found {
			// Perhaps somebody has just made it; then the write will be refused, and says so.
			var items store.Items
			items, err = l.table.Read(ctx, k)
			found = items[k] == nil
		}
		if err != nil {
			return fmt.Errorf("look what is left of %s %s: %w", kind, id, err)
		}
		l.mu.Lock()
		l.found[k] = found
		l.mu.Unlock()
		return nil
	})
	return store.ErrPending
}

// differs is the Conflict of an id that is there with other content.
func differs(kind, id string, same map[string]bool) error {
	var what []string
	for attribute, equal := range same {
		if !equal {
			what = append(what, attribute)
		}
	}
	if len(what) == 0 {
		return nil
	}
	slices.Sort(what)
	return problem.Conflict(kind, fmt.Sprintf("the id %s is there with another %v", id, what))
}

// gone tells an id of something whose domain was deleted from one that was never there.
func gone(err error, there bool, kind, id string) error {
	if there && problem.Is(err, problem.KindNotFound) {
		return problem.Conflict(kind, "the id "+id+" is there in a domain that was deleted")
	}
	return err
}

func (e NewUser) plan(d *Directory, rs *store.ReadSet, left *leftovers) ([]store.Mutation, error) {
	u := e.User
	WantNewUser(rs, u.DomainID, u.Name)
	i, err := rs.Get(store.User(u.ID))
	if err != nil {
		return nil, err
	}
	if i != nil {
		was, err := FindUser(rs, u.ID)
		if err != nil {
			return nil, gone(err, true, "user", u.ID)
		}
		// Her password is hers to change meanwhile; whether she has one is not compared either.
		return nil, differs("user", u.ID, map[string]bool{
			"name": was.Name == u.Name, "domain_id": was.DomainID == u.DomainID, "enabled": was.Enabled == u.Enabled,
			"description": equal(was.Description, u.Description), "default_project_id": was.DefaultProjectID == u.DefaultProjectID,
			"options": bytes.Equal(was.Options, u.Options), "further attributes": bytes.Equal(was.Extra, u.Extra),
		})
	}
	if err := left.none(rs, store.User(u.ID), "user", u.ID); err != nil {
		return nil, err
	}
	u.Epoch, u.PasswordVersion = d.epoch(), 0
	if e.PasswordHash != "" {
		u.PasswordVersion = 1
	}
	return newUser(rs, &u, e.PasswordHash)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func (e NewGroup) plan(_ *Directory, rs *store.ReadSet, left *leftovers) ([]store.Mutation, error) {
	g := e.Group
	rs.Want(store.Domain(g.DomainID), store.GroupName(g.DomainID, g.Name))
	if !rs.Known(store.Group(g.ID), rs.Head()) {
		return nil, store.ErrPending
	}
	if i, _ := rs.Get(store.Group(g.ID)); i != nil {
		was, err := FindGroup(rs, g.ID)
		if err != nil {
			return nil, gone(err, true, "group", g.ID)
		}
		return nil, differs("group", g.ID, map[string]bool{
			"name": was.Name == g.Name, "domain_id": was.DomainID == g.DomainID,
			"description": was.Description == g.Description, "further attributes": bytes.Equal(was.Extra, g.Extra),
		})
	}
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	if head.GoneGroups.Has(g.ID) {
		return nil, problem.Conflict("group", "the id "+g.ID+" belonged to one that was deleted, and whose members may still name it")
	}
	if err := left.none(rs, store.Group(g.ID), "group", g.ID); err != nil {
		return nil, err
	}
	return newGroup(rs, &g)
}

func (e NewProject) plan(d *Directory, rs *store.ReadSet, left *leftovers) ([]store.Mutation, error) {
	p := e.Project
	if p.ParentID == "" {
		p.ParentID = p.DomainID
	}
	WantNewProject(rs, p.DomainID, p.ParentID, p.Name)
	i, err := rs.Get(store.Project(p.ID))
	if err != nil {
		return nil, err
	}
	if i != nil {
		was, err := FindProject(rs, p.ID)
		if err != nil {
			return nil, gone(err, true, "project", p.ID)
		}
		return nil, differs("project", p.ID, map[string]bool{
			"name": was.Name == p.Name, "domain_id": was.DomainID == p.DomainID, "parent_id": was.ParentID == p.ParentID,
			"enabled": was.Enabled == p.Enabled, "description": was.Description == p.Description, "tags": slices.Equal(was.Tags, p.Tags),
			"options": bytes.Equal(was.Options, p.Options), "further attributes": bytes.Equal(was.Extra, p.Extra),
		})
	}
	if err := left.none(rs, store.Project(p.ID), "project", p.ID); err != nil {
		return nil, err
	}
	p.Epoch = d.epoch()
	// A disabled project below a disabled one cannot be made, but both can have been disabled.
	return newProject(rs, &p, p.Enabled)
}

func (e NewDomain) plan(_ *Directory, rs *store.ReadSet, left *leftovers) ([]store.Mutation, error) {
	dom := e.Domain
	rs.Want(store.DomainName(dom.Name), rs.Head())
	i, err := rs.Get(store.Domain(dom.ID))
	if err != nil {
		return nil, err
	}
	if i != nil {
		was := DomainFrom(i)
		return nil, differs("domain", dom.ID, map[string]bool{
			"name": was.Name == dom.Name, "enabled": was.Enabled == dom.Enabled, "description": was.Description == dom.Description,
			"tags": slices.Equal(was.Tags, dom.Tags), "options": bytes.Equal(was.Options, dom.Options),
			"further attributes": bytes.Equal(was.Extra, dom.Extra),
		})
	}
	if err := left.none(rs, store.Domain(dom.ID), "domain", dom.ID); err != nil {
		return nil, err
	}
	return newDomain(rs, dom)
}

func (e NewRole) plan(_ *Directory, rs *store.ReadSet, _ *leftovers) ([]store.Mutation, error) {
	r := e.Role
	rs.Want(store.RoleName(r.DomainID, r.Name), rs.Head())
	if !rs.Known(store.Role(r.ID), store.GoneRole(r.ID)) {
		return nil, store.ErrPending
	}
	i, _ := rs.Get(store.Role(r.ID))
	if deleted, _ := rs.Get(store.GoneRole(r.ID)); deleted != nil {
		return nil, problem.Conflict("role", "the id "+r.ID+" belonged to one that was deleted, and grants or trusts may still name it")
	}
	if i == nil {
		return newRole(rs, r)
	}
	was := RoleFrom(i)
	return nil, differs("role", r.ID, map[string]bool{
		"name": was.Name == r.Name, "domain_id": was.DomainID == r.DomainID, "description": equal(was.Description, r.Description),
		"options": was.immutable() == r.immutable(), "further attributes": bytes.Equal(was.Extra, r.Extra),
	})
}

func (e NewMember) plan(_ *Directory, rs *store.ReadSet, _ *leftovers) ([]store.Mutation, error) {
	return newMember(rs, e.GroupID, e.UserID)
}

func (e NewImplication) plan(_ *Directory, rs *store.ReadSet, _ *leftovers) ([]store.Mutation, error) {
	i, err := rs.Get(store.Role(e.PriorID))
	if err != nil || i.Set(attrImplies).Has(e.ImpliedID) {
		return nil, err
	}
	return newImplication(rs, e.PriorID, e.ImpliedID)
}

func (e NewGrant) plan(_ *Directory, rs *store.ReadSet, _ *leftovers) ([]store.Mutation, error) {
	return newGrant(rs, e.Actor, e.Target, e.RoleID)
}
