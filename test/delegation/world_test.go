// Package delegation holds delegation as a whole, from trusts to the tokens made from them,
// to what no sequence of acts may break.
package delegation

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/meter"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// deepest is how many generations may follow a first trust: two more than by default, so
// that also tokens whose hints do not fit are among those looked at.
const deepest = 5

// world is a directory of some people, two projects and four roles, with the services
// that make and judge trusts and tokens. Trees grow in it one after another; restore
// brings back what a tree's events changed.
type world struct {
	ctx    context.Context
	engine *embedded.Table
	table  store.Table
	dir    *directory.Directory
	trusts *trust.Service
	tokens *token.Service
	now    *atomic.Int64 // microseconds since 1970
	trees  int

	domain   string
	users    []string
	projects []string
	roles    []string // lead implies dev implies view; extra stands alone

	off  map[string]bool // users and projects that are disabled
	gone map[string]bool // users, projects and roles that were deleted
	held map[holding]bool
}

// holding is a role that a user has on a project; all by their place in the world's lists.
type holding struct{ user, project, role int }

const (
	lead = iota
	dev
	view
	extra
)

// base is who has what before each tree: the first two hold all, two others less, three
// nothing.
var base = map[holding]bool{
	{0, 0, lead}: true, {0, 0, extra}: true, {0, 1, lead}: true, {0, 1, extra}: true,
	{1, 0, lead}: true, {1, 0, extra}: true, {1, 1, lead}: true, {1, 1, extra}: true,
	{2, 0, dev}: true, {2, 1, dev}: true, {3, 0, view}: true, {3, 0, extra}: true,
}

// plain stands in for argon2id, which would be nearly all that these tests do.
type plain struct{}

func (plain) Hash(_ context.Context, p secret.Text) (string, error) { return p.Reveal(), nil }
func (plain) Burn(context.Context, secret.Text) error               { return nil }
func (plain) Verify(_ context.Context, hash string, p secret.Text) (ok, rehash bool, err error) {
	return hash == p.Reveal(), false, nil
}

var password = secret.New("open sesame")

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{ctx: t.Context(), now: new(atomic.Int64), off: map[string]bool{}, gone: map[string]bool{}, held: map[holding]bool{}}
	w.now.Store(time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC).UnixMicro())
	engine, err := embedded.Open(embedded.Options{Now: w.clock})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() }) // a world that was used up is closed before
	w.engine, w.table = engine, meter.New(engine)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	rings, err := secret.OpenRings(w.ctx, secret.RingsOptions{Table: w.table, Wrapper: key})
	require.NoError(t, err)
	registry := directory.NewRegistry(w.table)
	w.dir = directory.New(directory.Options{Table: w.table, Registry: registry, Hasher: plain{}, Now: w.clock})
	w.trusts = trust.New(trust.Options{Table: w.table, Registry: registry, Now: w.clock, MaxRedelegation: deepest})
	w.tokens = token.New(token.Options{
		Table: w.table, Sealer: token.NewSealer(rings), Registry: registry, Trusts: w.trusts, Hasher: plain{}, Groups: w.dir, Now: w.clock,
		Settings: token.Settings{Life: 12 * time.Hour, AllowRescope: true},
	})
	d, err := w.dir.CreateDomain(w.ctx, w.reads(), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	w.domain = d.ID
	w.users, w.projects, w.roles = make([]string, 7), make([]string, 2), make([]string, 4)
	w.restore(t)
	require.NoError(t, w.dir.Imply(w.ctx, w.reads(), w.roles[lead], w.roles[dev]))
	require.NoError(t, w.dir.Imply(w.ctx, w.reads(), w.roles[dev], w.roles[view]))
	return w
}

func (w *world) clock() time.Time        { return time.UnixMicro(w.now.Load()).UTC() }
func (w *world) advance(d time.Duration) { w.now.Add(d.Microseconds()) }
func (w *world) reads() *store.ReadSet   { return store.NewReadSet(w.table) }
func (w *world) missing(id string) bool  { return id == "" || w.gone[id] }
func (w *world) live(id string) bool     { return !w.gone[id] && !w.off[id] }
func (w *world) role(id string) (n int)  { return index(w.roles, id) }

func index(list []string, id string) int {
	for n, s := range list {
		if s == id {
			return n
		}
	}
	panic("not in this world: " + id)
}

// restore makes the world as it was, a day later: whoever was deleted has a successor.
func (w *world) restore(t require.TestingT) {
	w.advance(24 * time.Hour)
	w.trees++
	for n, id := range w.users {
		switch {
		case w.missing(id):
			u, err := w.dir.CreateUser(w.ctx, w.reads(), directory.User{Name: fmt.Sprintf("user-%d-%d", n, w.trees), DomainID: w.domain, Enabled: true}, &password)
			require.NoError(t, err)
			w.users[n] = u.ID
			w.drop(func(h holding) bool { return h.user == n })
		case w.off[id]:
			w.enableUser(t, id, true)
		}
	}
	for n, id := range w.projects {
		switch {
		case w.missing(id):
			p, err := w.dir.CreateProject(w.ctx, w.reads(), directory.Project{Name: fmt.Sprintf("project-%d-%d", n, w.trees), DomainID: w.domain, Enabled: true})
			require.NoError(t, err)
			w.projects[n] = p.ID
			w.drop(func(h holding) bool { return h.project == n })
		case w.off[id]:
			w.enableProject(t, id, true)
		}
	}
	for n, id := range w.roles {
		if w.missing(id) {
			r, err := w.dir.CreateRole(w.ctx, w.reads(), directory.Role{Name: fmt.Sprintf("role-%d-%d", n, w.trees)})
			require.NoError(t, err)
			w.roles[n] = r.ID
			w.drop(func(h holding) bool { return h.role == n })
		}
	}
	for u := range w.users {
		for p := range w.projects {
			for r := range w.roles {
				w.hold(t, holding{u, p, r}, base[holding{u, p, r}])
			}
		}
	}
	clear(w.gone)
}

func (w *world) drop(of func(holding) bool) {
	for h := range w.held {
		if of(h) {
			delete(w.held, h)
		}
	}
}

// hold gives a role or takes it.
func (w *world) hold(t require.TestingT, h holding, on bool) {
	if w.held[h] == on {
		return
	}
	actor, target, role := store.UserActor(w.users[h.user]), store.OnProject(w.projects[h.project]), w.roles[h.role]
	if on {
		require.NoError(t, w.dir.Grant(w.ctx, w.reads(), actor, target, role))
		w.held[h] = true
	} else {
		require.NoError(t, w.dir.Revoke(w.ctx, w.reads(), actor, target, role))
		delete(w.held, h)
	}
}

func (w *world) enableUser(t require.TestingT, id string, on bool) {
	_, err := w.dir.UpdateUser(w.ctx, w.reads(), id, func(u *directory.User) error { u.Enabled = on; return nil }, nil)
	require.NoError(t, err)
	w.mark(w.off, id, !on)
}

func (w *world) enableProject(t require.TestingT, id string, on bool) {
	_, err := w.dir.UpdateProject(w.ctx, w.reads(), id, func(p *directory.Project) error { p.Enabled = on; return nil })
	require.NoError(t, err)
	w.mark(w.off, id, !on)
}

func (*world) mark(in map[string]bool, id string, on bool) {
	if on {
		in[id] = true
	} else {
		delete(in, id)
	}
}

// carries reports whether some roles, with what they imply, have all of others; by place.
func carries(some map[int]bool, others []int) bool {
	has := map[int]bool{}
	for r := range some {
		has[r] = true
		if r == lead {
			has[dev], has[view] = true, true
		}
		if r == dev {
			has[view] = true
		}
	}
	for _, r := range others {
		if !has[r] {
			return false
		}
	}
	return true
}

// has reports whether a user has roles on a project now.
func (w *world) has(userID, projectID string, roleIDs []string) bool {
	some := map[int]bool{}
	for h := range w.held {
		if w.users[h.user] == userID && w.projects[h.project] == projectID && !w.gone[w.roles[h.role]] {
			some[h.role] = true
		}
	}
	var others []int
	for _, id := range roleIDs {
		others = append(others, w.role(id))
	}
	return carries(some, others)
}
