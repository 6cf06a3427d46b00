package directory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// sweep follows the change log to its end, every change twice.
func (b *bench) sweep() {
	b.t.Helper()
	for {
		changes, err := b.log.Changes(b.t.Context(), b.seen, 100)
		require.NoError(b.t, err)
		if len(changes) == 0 {
			return
		}
		for _, c := range changes {
			require.NoError(b.t, b.Sweep(b.t.Context(), c))
			require.NoError(b.t, b.Sweep(b.t.Context(), c))
			b.seen = c.Position
		}
	}
}

func (b *bench) entries(r store.Range) int {
	b.t.Helper()
	page, err := b.table.Query(b.t.Context(), r)
	require.NoError(b.t, err)
	return len(page.Entries)
}

func TestSweep(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	setting := func(t *testing.T) (directory.User, directory.Group, directory.Project, directory.Domain) {
		dom, err := b.CreateDomain(ctx, b.rs(), directory.Domain{Name: t.Name(), Enabled: true})
		require.NoError(t, err)
		u, err := b.CreateUser(ctx, b.rs(), directory.User{Name: "ada", DomainID: dom.ID, Enabled: true}, nil)
		require.NoError(t, err)
		g, err := b.CreateGroup(ctx, b.rs(), directory.Group{Name: "crew", DomainID: dom.ID})
		require.NoError(t, err)
		p, err := b.CreateProject(ctx, b.rs(), directory.Project{Name: "work", DomainID: dom.ID, Enabled: true})
		require.NoError(t, err)
		_, err = b.CreateProject(ctx, b.rs(), directory.Project{Name: "below", DomainID: dom.ID, ParentID: p.ID, Enabled: true})
		require.NoError(t, err)
		require.NoError(t, b.Join(ctx, b.rs(), g.ID, u.ID))
		for _, a := range []store.Actor{store.UserActor(u.ID), store.GroupActor(g.ID)} {
			for _, on := range []store.Target{store.OnProject(p.ID), store.OnProject(p.ID).Below(), store.OnDomain(dom.ID), store.OnSystem()} {
				b.grant(a, on, "member")
			}
		}
		return u, g, p, dom
	}
	t.Run("a deleted user", func(t *testing.T) {
		u, g, p, _ := setting(t)
		require.NoError(t, b.DeleteUser(ctx, b.rs(), u.ID))
		b.sweep()
		require.Zero(t, b.entries(store.Range{PK: store.User(u.ID).PK}))
		require.Zero(t, b.entries(store.Prefixed(store.Member(g.ID, ""))))
		require.Equal(t, 2, b.entries(store.GrantsOn(store.OnProject(p.ID))), "the group's remain")
	})
	t.Run("a deleted group", func(t *testing.T) {
		u, g, p, dom := setting(t)
		require.NoError(t, b.DeleteGroup(ctx, b.rs(), g.ID))
		b.sweep()
		require.Zero(t, b.entries(store.Range{PK: store.Group(g.ID).PK}))
		require.Equal(t, 2, b.entries(store.GrantsOn(store.OnProject(p.ID))), "the user's remain")
		after, err := b.find(u.ID)
		require.NoError(t, err)
		require.Empty(t, after.Groups)
		require.Equal(t, u.Epoch+1, after.Epoch)
		require.NotContains(t, b.head().GoneGroups, g.ID)
		require.NotContains(t, b.head().Inherited, "PROJECT#"+p.ID)
		items, err := b.table.Read(ctx, store.Project(p.ID), store.Domain(dom.ID))
		require.NoError(t, err)
		require.Empty(t, directory.ProjectFrom(items[store.Project(p.ID)]).GrantedGroups)
		require.Empty(t, directory.DomainFrom(items[store.Domain(dom.ID)]).GrantedGroups)
	})
	t.Run("a deleted domain and all that was in it, then its id is free", func(t *testing.T) {
		u, g, p, dom := setting(t)
		_, err := b.UpdateDomain(ctx, b.rs(), dom.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
		require.NoError(t, err)
		require.NoError(t, b.DeleteDomain(ctx, b.rs(), dom.ID))
		_, err = b.CreateDomain(ctx, b.rs(), dom)
		requireKind(t, problem.KindConflict, err)
		b.sweep()
		for _, pk := range []string{
			store.User(u.ID).PK, store.Group(g.ID).PK, store.Project(p.ID).PK, store.Domain(dom.ID).PK,
			store.UserName(dom.ID, "").PK, store.GroupName(dom.ID, "").PK, store.ProjectName(dom.ID, "").PK,
		} {
			require.Zero(t, b.entries(store.Range{PK: pk}), pk)
		}
		head := b.head()
		require.Empty(t, head.Off)
		require.NotContains(t, head.GoneGroups, g.ID)
		_, err = b.CreateDomain(ctx, b.rs(), dom)
		require.NoError(t, err)
	})
	t.Run("a renamed domain", func(t *testing.T) {
		u, _, _, dom := setting(t)
		_, err := b.UpdateDomain(ctx, b.rs(), dom.ID, func(d *directory.Domain) error { d.Name = "renamed"; return nil })
		require.NoError(t, err)
		b.sweep()
		after, err := b.find(u.ID)
		require.NoError(t, err)
		require.Equal(t, "renamed", after.DomainName)
	})
}
