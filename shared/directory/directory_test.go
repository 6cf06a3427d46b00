package directory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/retry"
	"mandate/shared/store/tear"
)

// bench is a directory over a table in memory whose reads are torn apart, with the default
// domain and its roles.
type bench struct {
	*directory.Directory
	t        *testing.T
	table    store.Table
	registry *directory.Registry
	boot     directory.BootstrapResult

	log  store.Log
	seen string // position of the log that sweep came to
}

var rootPassword = secret.New("root's password")

func newBench(t *testing.T) *bench {
	t.Helper()
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	table := retry.New(tear.New(engine, tear.Options{Seed: 1}), retry.Options{})
	registry := directory.NewRegistry(table)
	b := &bench{t: t, table: table, log: engine, registry: registry, Directory: directory.New(directory.Options{
		Table: table, Registry: registry, Hasher: secret.NewHasher(), Now: time.Now,
	})}
	b.boot, err = b.Bootstrap(t.Context(), directory.BootstrapOptions{AdminPassword: rootPassword, PublicURL: "https://id.example/v3"})
	require.NoError(t, err)
	return b
}

func (b *bench) rs() *store.ReadSet { return store.NewReadSet(b.table) }

func (b *bench) user(name string) directory.User {
	b.t.Helper()
	u, err := b.CreateUser(b.t.Context(), b.rs(), directory.User{Name: name, DomainID: "default", Enabled: true}, nil)
	require.NoError(b.t, err)
	return u
}

func (b *bench) project(name, parent string) directory.Project {
	b.t.Helper()
	p, err := b.CreateProject(b.t.Context(), b.rs(), directory.Project{Name: name, DomainID: "default", ParentID: parent, Enabled: true})
	require.NoError(b.t, err)
	return p
}

func (b *bench) group(name string, members ...directory.User) directory.Group {
	b.t.Helper()
	g, err := b.CreateGroup(b.t.Context(), b.rs(), directory.Group{Name: name, DomainID: "default"})
	require.NoError(b.t, err)
	for _, u := range members {
		require.NoError(b.t, b.Join(b.t.Context(), b.rs(), g.ID, u.ID))
	}
	return g
}

func (b *bench) role(name string) string {
	b.t.Helper()
	var id string
	b.settle(func(rs *store.ReadSet) error {
		roles, err := b.registry.Roles(rs)
		if err == nil {
			r, ok := roles.Named("", name)
			require.True(b.t, ok, name)
			id = r.ID
		}
		return err
	})
	return id
}

func (b *bench) settle(pass func(*store.ReadSet) error) {
	b.t.Helper()
	rs := b.rs()
	require.NoError(b.t, rs.Settle(b.t.Context(), func() error { return pass(rs) }))
}

func (b *bench) find(id string) (u directory.User, err error) {
	rs := b.rs()
	err = rs.Settle(b.t.Context(), func() (err error) {
		u, err = directory.FindUser(rs, id)
		return err
	})
	return u, err
}

// knows reports whether a password is a user's.
func (b *bench) knows(id string, password secret.Text) bool {
	b.t.Helper()
	var hash string
	b.settle(func(rs *store.ReadSet) (err error) { hash, err = directory.PasswordHash(rs, id); return err })
	if hash == "" {
		return false
	}
	ok, _, err := secret.NewHasher().Verify(b.t.Context(), hash, password)
	require.NoError(b.t, err)
	return ok
}

func (b *bench) grant(a store.Actor, t store.Target, role string) {
	b.t.Helper()
	require.NoError(b.t, b.Grant(b.t.Context(), b.rs(), a, t, b.role(role)))
}

func (b *bench) revoke(a store.Actor, t store.Target, role string) {
	b.t.Helper()
	require.NoError(b.t, b.Revoke(b.t.Context(), b.rs(), a, t, b.role(role)))
}

// effective names the roles that a user holds on a target now.
func (b *bench) effective(userID string, on store.Target) []string {
	b.t.Helper()
	names := []string{}
	b.settle(func(rs *store.ReadSet) error {
		u, err := directory.FindUser(rs, userID)
		if err != nil {
			return err
		}
		held, err := b.registry.Effective(rs, u, on)
		if err != nil {
			return err
		}
		roles, err := b.registry.Roles(rs)
		if err != nil {
			return err
		}
		for _, r := range roles.Visible(held) {
			names = append(names, r.Name)
		}
		return nil
	})
	return names
}

func (b *bench) head() (h directory.Head) {
	b.t.Helper()
	b.settle(func(rs *store.ReadSet) (err error) {
		h, err = directory.ReadHead(rs)
		return err
	})
	return h
}

func requireKind(t *testing.T, kind problem.Kind, err error) {
	t.Helper()
	require.True(t, problem.Is(err, kind), "want problem %d, got %v", kind, err)
}

func TestBootstrap(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	snapshot := func() (ids []string) {
		users, _, err := b.Users(ctx, directory.Page{Limit: 100}, func(directory.User) bool { return true })
		require.NoError(t, err)
		for _, u := range users {
			ids = append(ids, "user "+u.Name+" "+u.ID)
		}
		b.settle(func(rs *store.ReadSet) error {
			roles, err := b.registry.Roles(rs)
			if err != nil {
				return err
			}
			catalog, err := b.registry.Catalog(rs)
			if err != nil {
				return err
			}
			for _, r := range roles.All() {
				ids = append(ids, fmt.Sprint("role ", r.Name, r.ID, *r.Immutable, r.Implies))
			}
			for id, e := range catalog.Endpoints {
				ids = append(ids, "endpoint "+id+e.Interface+e.URL+e.RegionID+e.ServiceID)
			}
			require.Len(t, catalog.Services, 1)
			require.Len(t, catalog.Regions, 1)
			return nil
		})
		return ids
	}
	first := snapshot()
	require.Len(t, first, 1+5+1)

	t.Run("D-198_first_login_holds_the_chain_of_roles", func(t *testing.T) {
		require.Equal(t, []string{"admin", "manager", "member", "reader"}, b.effective(b.boot.UserID, store.OnProject(b.boot.ProjectID)))
		require.Equal(t, []string{"admin", "manager", "member", "reader"}, b.effective(b.boot.UserID, store.OnSystem()))
	})
	t.Run("D-197_again_and_at_once_changes_nothing", func(t *testing.T) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				again, err := b.Bootstrap(ctx, directory.BootstrapOptions{AdminPassword: rootPassword, PublicURL: "https://id.example/v3"})
				require.NoError(t, err)
				require.False(t, again.UserMade)
				again.UserMade = b.boot.UserMade
				require.Equal(t, b.boot, again)
			})
		}
		group.Wait()
		require.Equal(t, first, snapshot())
	})
	t.Run("D-192_the_user_is_enabled_and_gets_the_password", func(t *testing.T) {
		_, err := b.UpdateUser(ctx, b.rs(), b.boot.UserID, func(u *directory.User) error { u.Enabled = false; return nil }, nil)
		require.NoError(t, err)
		fresh := secret.New("another")
		_, err = b.Bootstrap(ctx, directory.BootstrapOptions{AdminPassword: fresh})
		require.NoError(t, err)
		require.False(t, b.knows(b.boot.UserID, rootPassword))
		require.True(t, b.knows(b.boot.UserID, fresh))
		proved, err := b.find(b.boot.UserID)
		require.NoError(t, err)
		require.NoError(t, b.ChangePassword(ctx, b.rs(), proved, rootPassword))
		require.True(t, b.knows(b.boot.UserID, rootPassword))
		requireKind(t, problem.KindUnauthorized, b.ChangePassword(ctx, b.rs(), proved, fresh)) // proved by a password that is no longer hers
	})
	t.Run("D-196_again_updates_urls", func(t *testing.T) {
		_, err := b.Bootstrap(ctx, directory.BootstrapOptions{AdminPassword: rootPassword, PublicURL: "https://new.example/v3", AdminURL: "https://admin.example/v3"})
		require.NoError(t, err)
		b.settle(func(rs *store.ReadSet) error {
			catalog, err := b.registry.Catalog(rs)
			if err != nil {
				return err
			}
			urls := map[string]string{}
			for _, e := range catalog.Endpoints {
				urls[e.Interface] = e.URL
			}
			require.Equal(t, map[string]string{"public": "https://new.example/v3", "admin": "https://admin.example/v3"}, urls)
			return nil
		})
	})
}

func TestBootstrapAtOnceOnAnEmptyTable(t *testing.T) {
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	table := retry.New(tear.New(engine, tear.Options{Seed: 2}), retry.Options{})
	results := make([]directory.BootstrapResult, 4)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { // four processes: each with a registry of its own
			d := directory.New(directory.Options{Table: table, Registry: directory.NewRegistry(table), Hasher: secret.NewHasher(), Now: time.Now})
			var err error
			results[i], err = d.Bootstrap(t.Context(), directory.BootstrapOptions{AdminPassword: rootPassword, PublicURL: "https://id.example/v3"})
			require.NoError(t, err)
		})
	}
	group.Wait()
	made := 0
	for _, r := range results {
		if r.UserMade {
			made++
		}
		require.Equal(t, results[0].UserID+results[0].ProjectID+results[0].RoleID, r.UserID+r.ProjectID+r.RoleID)
	}
	require.Equal(t, 1, made, "one of them made the user")
	page, err := table.Query(t.Context(), store.Partition(store.Service("")))
	require.NoError(t, err)
	require.Len(t, page.Entries, 3, "one service, one endpoint, one region")
}

func TestCreateUserAtOnce(t *testing.T) {
	b := newBench(t)
	var made, taken atomic.Int32
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			_, err := b.CreateUser(t.Context(), b.rs(), directory.User{Name: "ada", DomainID: "default", Enabled: true}, nil)
			switch {
			case err == nil:
				made.Add(1)
			case problem.Is(err, problem.KindConflict):
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, made.Load())
	require.EqualValues(t, 199, taken.Load())
}

func TestRolesAtOnceMoveTheHead(t *testing.T) {
	b := newBench(t)
	before := b.head()
	var group sync.WaitGroup
	const n = 30
	for i := range n {
		group.Go(func() {
			_, err := b.CreateRole(t.Context(), b.rs(), directory.Role{Name: fmt.Sprint("role", i)})
			require.NoError(t, err)
		})
	}
	group.Wait()
	after := b.head()
	require.Equal(t, before.Roles+n, after.Roles)
	for copied := range store.HeadCopies {
		items, err := b.table.Read(t.Context(), store.Head(copied))
		require.NoError(t, err)
		require.Equal(t, after.Version, items[store.Head(copied)].Int("version"))
	}
	require.NotEmpty(t, b.role("role17"))
}

func TestKills(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	alive := func(id string) error {
		rs := b.rs()
		return rs.Settle(ctx, func() error {
			_, err := directory.LiveUser(rs, id)
			return err
		})
	}
	epoch := func(id string) int64 {
		u, err := b.find(id)
		require.NoError(t, err)
		return u.Epoch
	}
	edit := func(id string, f func(*directory.User), password *secret.Text) {
		t.Helper()
		_, err := b.UpdateUser(ctx, b.rs(), id, func(u *directory.User) error { f(u); return nil }, password)
		require.NoError(t, err)
	}
	var dead *directory.Dead

	t.Run("disabling raises the epoch, enabling leaves it", func(t *testing.T) {
		u := b.user("disabled")
		require.NoError(t, alive(u.ID))
		edit(u.ID, func(u *directory.User) { u.Enabled = false }, nil)
		require.ErrorAs(t, alive(u.ID), &dead)
		require.Equal(t, u.Epoch+1, epoch(u.ID))
		edit(u.ID, func(u *directory.User) { u.Enabled = true }, nil)
		require.NoError(t, alive(u.ID))
		require.Equal(t, u.Epoch+1, epoch(u.ID))
	})
	t.Run("a password moves epoch and version, and both items agree", func(t *testing.T) {
		u := b.user("password")
		one, two := secret.New("one"), secret.New("two")
		edit(u.ID, func(*directory.User) {}, &one)
		edit(u.ID, func(*directory.User) {}, &two)
		require.Equal(t, u.Epoch+2, epoch(u.ID))
		items, err := b.table.Read(ctx, store.User(u.ID), store.Password(u.ID))
		require.NoError(t, err)
		require.EqualValues(t, 2, items[store.User(u.ID)].Int(directory.AttrPasswordVersion))
		require.EqualValues(t, 2, items[store.Password(u.ID)].Int(directory.AttrPasswordVersion))
		none := secret.New("")
		edit(u.ID, func(*directory.User) {}, &none)
		for _, p := range []secret.Text{one, two, none} {
			require.False(t, b.knows(u.ID, p))
		}
		require.NoError(t, b.DeleteUser(ctx, b.rs(), u.ID))
		items, err = b.table.Read(ctx, store.User(u.ID), store.Password(u.ID), store.UserName("default", "password"))
		require.NoError(t, err)
		require.Empty(t, items)
		requireKind(t, problem.KindNotFound, b.DeleteUser(ctx, b.rs(), u.ID))
	})
	t.Run("leaving a group raises the epoch", func(t *testing.T) {
		u := b.user("leaver")
		g := b.group("left", u)
		require.NoError(t, b.Leave(ctx, b.rs(), g.ID, u.ID))
		require.Equal(t, u.Epoch+1, epoch(u.ID))
		requireKind(t, problem.KindNotFound, b.Leave(ctx, b.rs(), g.ID, u.ID))
	})
	t.Run("a gone group kills its members until they are told", func(t *testing.T) {
		u := b.user("member")
		g := b.group("gone", u)
		require.NoError(t, b.DeleteGroup(ctx, b.rs(), g.ID))
		require.ErrorAs(t, alive(u.ID), &dead)
		require.NoError(t, b.LeaveGone(ctx, b.rs(), u.ID))
		require.NoError(t, alive(u.ID))
		require.Equal(t, u.Epoch+1, epoch(u.ID))
		requireKind(t, problem.KindNotFound, b.Join(ctx, b.rs(), g.ID, u.ID))
	})
	t.Run("a domain that is off kills its users; a deleted one has none, and its id is kept", func(t *testing.T) {
		dom, err := b.CreateDomain(ctx, b.rs(), directory.Domain{ID: "0123456789abcdef0123456789abcdef", Name: "acme", Enabled: true})
		require.NoError(t, err)
		u, err := b.CreateUser(ctx, b.rs(), directory.User{Name: "eve", DomainID: dom.ID, Enabled: true}, nil)
		require.NoError(t, err)
		requireKind(t, problem.KindForbidden, b.DeleteDomain(ctx, b.rs(), dom.ID))
		enable := func(on bool) {
			_, err := b.UpdateDomain(ctx, b.rs(), dom.ID, func(d *directory.Domain) error { d.Enabled = on; return nil })
			require.NoError(t, err)
		}
		enable(false)
		require.ErrorAs(t, alive(u.ID), &dead)
		enable(true)
		require.NoError(t, alive(u.ID))
		enable(false)
		require.NoError(t, b.DeleteDomain(ctx, b.rs(), dom.ID))
		require.ErrorAs(t, alive(u.ID), &dead)
		_, err = b.find(u.ID)
		requireKind(t, problem.KindNotFound, err)
		_, err = b.CreateDomain(ctx, b.rs(), dom)
		requireKind(t, problem.KindConflict, err)
		_, err = b.CreateUser(ctx, b.rs(), directory.User{Name: "mallory", DomainID: dom.ID, Enabled: true}, nil)
		requireKind(t, problem.KindNotFound, err)
	})
}

// TestEffective: how each kind of grant reaches which target, and that revoking it takes
// the roles and every sign of them away again.
func TestEffective(t *testing.T) {
	b := newBench(t)
	u := b.user("ada")
	g := b.group("crew", u)
	top := b.project("top", "")
	below := b.project("below", top.ID)
	other := b.project("other", "")
	member := []string{"member", "reader"}
	user, group := store.UserActor(u.ID), store.GroupActor(g.ID)
	for _, c := range []struct {
		name  string
		actor store.Actor
		on    store.Target
		has   []store.Target
	}{
		{"a user on a project", user, store.OnProject(top.ID), []store.Target{store.OnProject(top.ID)}},
		{"a group on a project", group, store.OnProject(top.ID), []store.Target{store.OnProject(top.ID)}},
		{"a user on a domain", user, store.OnDomain("default"), []store.Target{store.OnDomain("default")}},
		{"a group on a domain", group, store.OnDomain("default"), []store.Target{store.OnDomain("default")}},
		{"a user on the system", user, store.OnSystem(), []store.Target{store.OnSystem()}},
		{"a group on the system", group, store.OnSystem(), []store.Target{store.OnSystem()}},
		{"D-137 a user below a project", user, store.OnProject(top.ID).Below(), []store.Target{store.OnProject(below.ID)}},
		{"D-137 a group below a project", group, store.OnProject(top.ID).Below(), []store.Target{store.OnProject(below.ID)}},
		{"D-136 a user below a domain", user, store.OnDomain("default").Below(),
			[]store.Target{store.OnProject(top.ID), store.OnProject(below.ID), store.OnProject(other.ID)}},
		{"D-136 a group below a domain", group, store.OnDomain("default").Below(),
			[]store.Target{store.OnProject(top.ID), store.OnProject(below.ID), store.OnProject(other.ID)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(held bool) {
				t.Helper()
				for _, on := range []store.Target{store.OnProject(top.ID), store.OnProject(below.ID), store.OnProject(other.ID), store.OnDomain("default"), store.OnSystem()} {
					want := []string{}
					for _, has := range c.has {
						if held && has == on {
							want = member
						}
					}
					require.Equal(t, want, b.effective(u.ID, on), on)
				}
				reach, err := b.Reach(t.Context(), b.rs(), u, directory.ReachOf{Projects: true, Domains: true, System: true})
				require.NoError(t, err)
				reached := map[store.Target]bool{}
				for _, p := range reach.Projects {
					reached[store.OnProject(p.ID)] = true
				}
				for _, d := range reach.Domains {
					reached[store.OnDomain(d.ID)] = true
				}
				delete(reached, store.OnProject(b.boot.ProjectID)) // of the same domain, and not asked for here
				if reach.System {
					reached[store.OnSystem()] = true
				}
				if !held {
					require.Empty(t, reached)
					return
				}
				require.Len(t, reached, len(c.has))
				for _, on := range c.has {
					require.True(t, reached[on], on)
				}
			}
			u, _ = b.find(u.ID)
			before := b.head()
			check(false)
			b.grant(c.actor, c.on, "member")
			b.grant(c.actor, c.on, "member") // again: nothing happens
			b.grant(c.actor, c.on, "reader")
			check(true)
			b.revoke(c.actor, c.on, "reader")
			check(true)
			b.revoke(c.actor, c.on, "member")
			check(false)
			after := b.head()
			require.Equal(t, before.SystemGroups, after.SystemGroups)
			require.Equal(t, before.Inherited, after.Inherited)
			again, err := b.find(u.ID)
			require.NoError(t, err)
			require.Equal(t, u, again)
			requireKind(t, problem.KindNotFound, b.Revoke(t.Context(), b.rs(), c.actor, c.on, b.role("member")))
		})
	}
	t.Run("the sign of an inheriting group stays while another inherits", func(t *testing.T) {
		second := store.GroupActor(b.group("second").ID)
		on := store.OnProject(top.ID).Below()
		b.grant(group, on, "member")
		b.grant(second, on, "member")
		b.revoke(second, on, "member")
		require.Equal(t, member, b.effective(u.ID, store.OnProject(below.ID)))
		b.revoke(group, on, "member")
		require.Empty(t, b.head().Inherited)
	})
	t.Run("a deleted role is held by nobody", func(t *testing.T) {
		r, err := b.CreateRole(t.Context(), b.rs(), directory.Role{Name: "passing"})
		require.NoError(t, err)
		require.NoError(t, b.Imply(t.Context(), b.rs(), r.ID, b.role("reader")))
		b.grant(user, store.OnProject(other.ID), "passing")
		require.Equal(t, []string{"passing", "reader"}, b.effective(u.ID, store.OnProject(other.ID)))
		require.NoError(t, b.DeleteRole(t.Context(), b.rs(), r.ID))
		require.Empty(t, b.effective(u.ID, store.OnProject(other.ID)))
	})
	t.Run("cycles of implications end", func(t *testing.T) {
		require.NoError(t, b.Imply(t.Context(), b.rs(), b.role("reader"), b.role("member")))
		b.grant(user, store.OnSystem(), "reader")
		require.Equal(t, member, b.effective(u.ID, store.OnSystem()))
	})
}

func TestProjectTree(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	parent := ""
	var chain []directory.Project
	for i := range directory.MaxDepth {
		p := b.project(fmt.Sprint("level", i), parent)
		chain, parent = append(chain, p), p.ID
	}
	_, err := b.CreateProject(ctx, b.rs(), directory.Project{Name: "too deep", DomainID: "default", ParentID: parent, Enabled: true})
	requireKind(t, problem.KindForbidden, err)
	require.Equal(t, []string{chain[0].ID, chain[1].ID, chain[2].ID, chain[3].ID}, chain[4].Ancestors)

	requireKind(t, problem.KindForbidden, b.DeleteProject(ctx, b.rs(), chain[3].ID))
	enable := func(p directory.Project, on bool) error {
		_, err := b.UpdateProject(ctx, b.rs(), p.ID, func(p *directory.Project) error { p.Enabled = on; return nil })
		return err
	}
	requireKind(t, problem.KindForbidden, enable(chain[3], false))
	require.NoError(t, enable(chain[4], false))
	require.NoError(t, enable(chain[3], false))
	requireKind(t, problem.KindForbidden, enable(chain[4], true))
	require.NoError(t, b.DeleteProject(ctx, b.rs(), chain[4].ID))
	require.NoError(t, b.DeleteProject(ctx, b.rs(), chain[3].ID))
	below, err := b.Subtree(ctx, store.OnProject(chain[0].ID))
	require.NoError(t, err)
	require.Len(t, below, 2)
}

// TestDeleteAgainstCreateBelow: a project cannot vanish under one being created.
func TestDeleteAgainstCreateBelow(t *testing.T) {
	b := newBench(t)
	for i := range 20 {
		top := b.project(fmt.Sprint("top", i), "")
		var deleted, created error
		var group sync.WaitGroup
		group.Go(func() { deleted = b.DeleteProject(t.Context(), b.rs(), top.ID) })
		group.Go(func() {
			_, created = b.CreateProject(t.Context(), b.rs(), directory.Project{Name: fmt.Sprint("sub", i), DomainID: "default", ParentID: top.ID, Enabled: true})
		})
		group.Wait()
		require.NotEqual(t, deleted == nil, created == nil, "deleted: %v, created: %v", deleted, created)
	}
}

func TestListPages(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	other, err := b.CreateDomain(ctx, b.rs(), directory.Domain{Name: "Another", Enabled: true})
	require.NoError(t, err)
	want := map[string]bool{"admin": true}
	for i := range 5 {
		name := fmt.Sprint("user", i)
		b.user(name)
		_, err := b.CreateUser(ctx, b.rs(), directory.User{Name: name, DomainID: other.ID, Enabled: i%2 == 0}, nil)
		require.NoError(t, err)
		want[name] = true
	}
	all := func(directory.User) bool { return true }
	for _, limit := range []int{1, 2, 3, 100} {
		seen := map[string]bool{}
		marker := ""
		for more := true; more; {
			var page []directory.User
			page, more, err = b.Users(ctx, directory.Page{Limit: limit, Marker: marker}, all)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), limit)
			for _, u := range page {
				require.False(t, seen[u.ID])
				seen[u.ID], marker = true, u.ID
			}
		}
		require.Len(t, seen, 11)
	}
	_, _, err = b.Users(ctx, directory.Page{Limit: 1, Marker: "unknown"}, all)
	requireKind(t, problem.KindNotFound, err)
	name := "user3"
	both, _, err := b.Users(ctx, directory.Page{Limit: 10, Name: &name}, all)
	require.NoError(t, err)
	require.Len(t, both, 2)
	one, _, err := b.Users(ctx, directory.Page{Limit: 10, Name: &name, DomainID: other.ID}, all)
	require.NoError(t, err)
	require.Len(t, one, 1)
	odd, more, err := b.Users(ctx, directory.Page{Limit: 2, DomainID: other.ID}, func(u directory.User) bool { return !u.Enabled })
	require.NoError(t, err)
	require.Len(t, odd, 2)
	require.False(t, more)
	for _, hostile := range []string{"", string(make([]byte, 3000))} {
		none, _, err := b.Users(ctx, directory.Page{Limit: 10, Name: &hostile, DomainID: hostile}, all)
		require.NoError(t, err)
		require.Empty(t, none)
	}
}

func TestAssignments(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	u := b.user("ada")
	g := b.group("crew", u)
	top := b.project("top", "")
	below := b.project("below", top.ID)
	b.grant(store.UserActor(u.ID), store.OnProject(top.ID), "member")
	b.grant(store.GroupActor(g.ID), store.OnProject(top.ID).Below(), "reader")
	b.grant(store.GroupActor(g.ID), store.OnDomain("default"), "manager")
	b.grant(store.UserActor(u.ID), store.OnSystem(), "reader")
	for _, c := range []struct {
		name string
		f    directory.AssignmentFilter
		want int
	}{
		{"everything", directory.AssignmentFilter{}, 2 + 4},
		{"of a user, her own only", directory.AssignmentFilter{UserID: u.ID}, 2},
		{"of a group", directory.AssignmentFilter{GroupID: g.ID}, 2},
		{"of a role", directory.AssignmentFilter{RoleID: b.role("reader")}, 2},
		{"on a project", directory.AssignmentFilter{ProjectID: top.ID}, 2},
		{"on a project and below", directory.AssignmentFilter{ProjectID: top.ID, Subtree: true}, 2},
		{"on a domain", directory.AssignmentFilter{DomainID: "default"}, 1},
		{"on the system", directory.AssignmentFilter{System: true}, 2},
		{"inherited", directory.AssignmentFilter{Inherited: true}, 1},
		{"effective, of a user", directory.AssignmentFilter{UserID: u.ID, Effective: true}, 2 + 1 + 3 + 1},
		{"effective, on a project", directory.AssignmentFilter{ProjectID: below.ID, Effective: true}, 1},
		{"effective, inherited", directory.AssignmentFilter{Inherited: true, Effective: true}, 1},
		{"effective, a role", directory.AssignmentFilter{RoleID: b.role("reader"), UserID: u.ID, Effective: true}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := b.Assignments(ctx, b.rs(), c.f)
			require.NoError(t, err)
			require.Len(t, h.List, c.want, "%v", h.List)
		})
	}
	require.NoError(t, b.DeleteUser(ctx, b.rs(), u.ID))
	h, err := b.Assignments(ctx, b.rs(), directory.AssignmentFilter{ProjectID: top.ID})
	require.NoError(t, err)
	require.Len(t, h.List, 1, "what a deleted user held is not listed")
}

// unanswered is a table whose first writes are done but never heard of.
type unanswered struct {
	store.Table
	lost atomic.Int32
}

func (u *unanswered) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	err := u.Table.Write(ctx, id, m...)
	if u.lost.Add(-1) >= 0 {
		return errors.Join(store.ErrUnavailable, err)
	}
	return err
}

func TestLostAnswerIsSettled(t *testing.T) {
	b := newBench(t)
	table := &unanswered{Table: b.table}
	d := directory.New(directory.Options{Table: retry.New(table, retry.Options{}), Registry: b.registry, Hasher: secret.NewHasher(), Now: time.Now})
	table.lost.Store(1)
	u, err := d.CreateUser(t.Context(), b.rs(), directory.User{Name: "ada", DomainID: "default", Enabled: true}, nil)
	require.NoError(t, err)
	table.lost.Store(1)
	require.NoError(t, d.DeleteUser(t.Context(), b.rs(), u.ID))
	_, err = b.find(u.ID)
	requireKind(t, problem.KindNotFound, err)
}

// TestInheritingGroupsAtOnce: the head names a target exactly while a group inherits from
// it, whoever comes and goes at the same time.
func TestInheritingGroupsAtOnce(t *testing.T) {
	b := newBench(t)
	on := store.OnProject(b.project("top", "").ID).Below()
	role := b.role("member")
	groups := [2]store.Actor{store.GroupActor(b.group("one").ID), store.GroupActor(b.group("two").ID)}
	b.grant(groups[0], on, "member")
	for i := range 30 {
		leaves, comes := groups[i%2], groups[(i+1)%2]
		var group sync.WaitGroup
		group.Go(func() { require.NoError(t, b.Revoke(t.Context(), b.rs(), leaves, on, role)) })
		group.Go(func() { require.NoError(t, b.Grant(t.Context(), b.rs(), comes, on, role)) })
		group.Wait()
		require.Equal(t, store.Set{"PROJECT#" + on.ID}, b.head().Inherited)
	}
	b.revoke(groups[0], on, "member")
	require.Empty(t, b.head().Inherited)
}
