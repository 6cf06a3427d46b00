package oauth1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// TestAuthorizeRaced: what comes between what a user was shown and her choice.
func TestAuthorizeRaced(t *testing.T) {
	w := newWorld(t, lives)
	first, second := int64(0), int64(1)
	for _, c := range []struct {
		name  string
		seen  *int64
		comes func(id string)
		want  problem.Kind
		round int64
		holds string // who it is authorised by in the end
	}{
		{"nobody", &first, nil, 0, 1, w.ada},
		{"O-066 another authorises", nil, func(id string) { w.authorize(w.bob, id) }, 0, 2, w.ada},
		{"another authorises what was shown", &first, func(id string) { w.authorize(w.bob, id) }, problem.KindConflict, 1, w.bob},
		{"a round that was not yet", &second, nil, problem.KindConflict, 0, ""},
		{"O-058 it is exchanged", nil, func(id string) { w.put(store.Delete(store.RequestToken(id))) }, problem.KindNotFound, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := w.ask()
			if c.comes != nil {
				w.table.before(func() { c.comes(request.id) })
			}
			choice := roles(w.member)
			choice.Seen = c.seen
			verifier, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, choice)
			is(t, c.want, err)
			if c.want == problem.KindNotFound {
				w.gone(store.RequestToken(request.id))
				return
			}
			shown := w.shown(request.id)
			assert.Equal(t, c.round, shown.Round)
			assert.Equal(t, c.holds, shown.UserID)
			for _, user := range []string{w.ada, w.bob} {
				assert.Equal(t, user == c.holds, w.item(store.RequestOfUser(user, request.id)) != nil, "listed of its user only")
			}
			if c.want == 0 {
				access, _, err := w.exchange(w.exchanging(request, verifier.Reveal()))
				is(t, 0, err)
				assert.Equal(t, c.holds, access.UserID)
				w.gone(append(mirrors(shown, w.ada, w.bob), store.RequestToken(shown.ID))...)
			}
		})
	}
	t.Run("the user goes", func(t *testing.T) {
		request := w.ask()
		w.losing(store.User(w.ada), func() {
			_, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, roles(w.member))
			is(t, problem.KindUnauthorized, err)
		})
		assert.Empty(t, w.shown(request.id).UserID)
	})
	t.Run("others without end", func(t *testing.T) {
		request := w.ask()
		w.table.write = func([]store.Mutation) error { w.authorize(w.bob, request.id); return nil }
		_, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, roles(w.member))
		require.ErrorIs(t, err, store.ErrContended)
	})
	t.Run("a write that fails", func(t *testing.T) {
		request := w.ask()
		w.table.write = func([]store.Mutation) error { return errBroken }
		_, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, roles(w.member))
		broken(t, err)
	})
}

// TestChoice: which roles a user can hand over.
func TestChoice(t *testing.T) {
	w := newWorld(t, lives)
	named := func(names ...string) oauth1.Choice { return oauth1.Choice{RoleNames: names} }
	twin, err := w.people.CreateRole(w.ctx, w.plainReads(), directory.Role{Name: "twin"})
	require.NoError(t, err)
	_, err = w.people.CreateRole(w.ctx, w.plainReads(), directory.Role{Name: "twin", DomainID: w.domain})
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		choice oauth1.Choice
		want   problem.Kind
		roles  store.Set
	}{
		{"O-050 by id", roles(w.member), 0, store.NewSet(w.member)},
		{"O-051 by name", named("watcher"), 0, store.NewSet(w.watcher)},
		{"O-051 by id and by name", oauth1.Choice{RoleIDs: []string{w.member}, RoleNames: []string{"watcher", "member"}}, 0, store.NewSet(w.member, w.watcher)},
		{"O-053 not held", roles(w.member, twin.ID), problem.KindUnauthorized, nil},
		{"O-053 unknown by id", roles("nope"), problem.KindUnauthorized, nil},
		{"O-054 unknown by name", named("Member"), problem.KindNotFound, nil},
		{"a name that several have", named("twin"), problem.KindInvalid, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := w.ask()
			_, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, c.choice)
			is(t, c.want, err)
			assert.Equal(t, c.roles, w.shown(request.id).RoleIDs)
		})
	}
}

// TestRepeatedChoice: a choice about a round that is over is answered only if it is the
// one that ended it.
func TestRepeatedChoice(t *testing.T) {
	w := newWorld(t, lives)
	zero := int64(0)
	seen := func(ids ...string) oauth1.Choice { return oauth1.Choice{RoleIDs: ids, Seen: &zero} }
	for _, c := range []struct {
		name   string
		then   func(id string)
		user   string
		choice oauth1.Choice
		want   problem.Kind
	}{
		{"the same", nil, w.ada, seen(w.member), 0},
		{"of another user", nil, w.bob, seen(w.member), problem.KindConflict},
		{"of other roles", nil, w.ada, seen(w.watcher), problem.KindConflict},
		{"of more roles", nil, w.ada, seen(w.member, w.watcher), problem.KindConflict},
		{"two rounds ago", func(id string) { w.authorize(w.ada, id) }, w.ada, seen(w.member), problem.KindConflict},
		{"refused meanwhile", func(id string) { require.NoError(t, w.others.Refuse(w.ctx, w.shown(id))) }, w.ada, seen(w.member), problem.KindNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := w.ask()
			first, err := w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, seen(w.member))
			is(t, 0, err)
			if c.then != nil {
				c.then(request.id)
			}
			again, err := w.oauth.Authorize(w.ctx, w.reads(), c.user, request.id, c.choice)
			is(t, c.want, err)
			assert.Equal(t, c.want == 0, first.Equal(again))
		})
	}
}

// TestRefuse: a user ends what she was shown, and nothing else.
func TestRefuse(t *testing.T) {
	w := newWorld(t, lives)
	for _, c := range []struct {
		name       string
		authorised bool
		comes      func(t oauth1.RequestToken) // after it was shown
		want       problem.Kind
	}{
		{"as it was asked for", false, nil, 0},
		{"as it was authorised", true, nil, 0},
		{"authorised meanwhile", false, func(s oauth1.RequestToken) { w.authorize(w.ada, s.ID) }, problem.KindConflict},
		{"authorised anew meanwhile", true, func(s oauth1.RequestToken) { w.authorize(w.ada, s.ID) }, problem.KindConflict},
		{"refused meanwhile", true, func(s oauth1.RequestToken) { require.NoError(t, w.others.Refuse(w.ctx, s)) }, problem.KindNotFound},
		{"some entries of lists are gone", true, func(s oauth1.RequestToken) {
			w.put(store.Delete(mirrors(s)[0]), store.Delete(store.RequestOfUser(w.ada, s.ID)))
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := w.ask()
			if c.authorised {
				w.authorize(w.ada, request.id)
			}
			shown := w.shown(request.id)
			if c.comes != nil {
				c.comes(shown)
			}
			is(t, c.want, w.oauth.Refuse(w.ctx, shown))
			if c.want == problem.KindConflict {
				require.NotEqual(t, shown.Round, w.shown(request.id).Round)
				return
			}
			w.gone(append(mirrors(shown, w.ada), store.RequestToken(shown.ID))...)
		})
	}
	t.Run("a write that fails", func(t *testing.T) {
		shown := w.shown(w.ask().id)
		w.table.write = func([]store.Mutation) error { return errBroken }
		broken(t, w.oauth.Refuse(w.ctx, shown))
	})
}
