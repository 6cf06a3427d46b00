package oauth1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// list is a user's access tokens.
func (w *world) list(userID string) []oauth1.AccessToken {
	w.t.Helper()
	rs, l := w.reads(), oauth1.OfUser(userID)
	var all []oauth1.AccessToken
	require.NoError(w.t, rs.Settle(w.ctx, func() (err error) { all, err = w.oauth.List(rs, l); return err }))
	return all
}

// TestRevoke: an access token ends once, with everything that lists it, whatever of that is
// gone already (O-136, O-137).
func TestRevoke(t *testing.T) {
	w := newWorld(t, lives)
	t.Run("O-136 O-137", func(t *testing.T) {
		access, credentials := w.access()
		require.Equal(t, []oauth1.AccessToken{access}, w.list(w.ada))
		is(t, 0, w.oauth.Revoke(w.ctx, access))
		w.gone(append(accessMirrors(access), store.AccessToken(access.ID))...)
		require.Empty(t, w.list(w.ada))
		is(t, problem.KindNotFound, w.use(w.request(w.consumer, credentials))) // O-109
		is(t, problem.KindNotFound, w.oauth.Revoke(w.ctx, access))
	})
	t.Run("entries of lists that are gone", func(t *testing.T) {
		access, _ := w.access()
		w.put(store.Delete(accessMirrors(access)[0]), store.Delete(accessMirrors(access)[2]))
		is(t, 0, w.oauth.Revoke(w.ctx, access))
		w.gone(append(accessMirrors(access), store.AccessToken(access.ID))...)
	})
	t.Run("entries of lists that are left", func(t *testing.T) {
		access, _ := w.access()
		w.put(store.Delete(store.AccessToken(access.ID)), store.Delete(accessMirrors(access)[1]))
		is(t, problem.KindNotFound, w.oauth.Revoke(w.ctx, access))
		w.gone(accessMirrors(access)...)
	})
	t.Run("entries that somebody else deletes", func(t *testing.T) {
		access, _ := w.access()
		w.put(store.Delete(store.AccessToken(access.ID)))
		w.table.write = func(m []store.Mutation) error {
			if len(m) == 1 { // an entry of its own, after all at once were refused
				w.table.write = nil
				w.put(m...)
			}
			return nil
		}
		is(t, problem.KindNotFound, w.oauth.Revoke(w.ctx, access))
		w.gone(accessMirrors(access)...)
	})
	t.Run("what no key can name", func(t *testing.T) {
		is(t, problem.KindNotFound, w.oauth.Revoke(w.ctx, oauth1.AccessToken{ID: strings.Repeat("x", 3000)}))
		is(t, problem.KindNotFound, w.oauth.DeleteConsumer(w.ctx, strings.Repeat("x", 3000)))
	})
	t.Run("writes and reads that fail", func(t *testing.T) {
		access, _ := w.access()
		w.table.write = func([]store.Mutation) error { return errBroken }
		broken(t, w.oauth.Revoke(w.ctx, access))
		w.put(store.Delete(store.AccessToken(access.ID)))
		w.table.write = func(m []store.Mutation) error {
			if len(m) == 1 {
				return errBroken
			}
			return nil
		}
		broken(t, w.oauth.Revoke(w.ctx, access))
		w.table.write, w.table.read = nil, func() error { return errBroken }
		broken(t, w.oauth.Revoke(w.ctx, access))
	})
}

// TestFind: an access token is its user's, and stands while all that it stands on does.
func TestFind(t *testing.T) {
	w := newWorld(t, lives)
	access, credentials := w.access()
	find := func(user, id string) error {
		rs := w.reads()
		return rs.Settle(w.ctx, func() error { _, err := w.oauth.Find(rs, user, id); return err })
	}
	is(t, 0, find(w.ada, access.ID))
	is(t, problem.KindNotFound, find(w.bob, access.ID)) // O-133
	is(t, problem.KindNotFound, find(w.ada, "nope"))    // O-133
	for name, k := range map[string]store.Key{
		"O-140 its consumer": store.Consumer(w.consumer.id), "O-142 its user": store.User(w.ada), "O-143 its project": store.Project(w.web),
	} {
		t.Run(name, func(t *testing.T) {
			item := w.item(k)
			w.put(store.Delete(k))
			is(t, problem.KindNotFound, find(w.ada, access.ID))
			require.Empty(t, w.list(w.ada))
			if k == store.Consumer(w.consumer.id) {
				is(t, problem.KindNotFound, w.use(w.request(w.consumer, credentials)))
			}
			delete(item, store.AttrRequest)
			w.put(store.Create(k, item))
			require.Len(t, w.list(w.ada), 1)
		})
	}
	t.Run("O-130 a list of several pages", func(t *testing.T) {
		for range 4 {
			w.access()
		}
		whole := w.list(w.ada)
		require.Len(t, whole, 5)
		w.table.most = 2
		require.Equal(t, whole, w.list(w.ada))
	})
	t.Run("a list that cannot be read", func(t *testing.T) {
		w.table.query = func() error { return errBroken }
		rs, l := w.reads(), oauth1.OfUser(w.ada)
		broken(t, rs.Settle(w.ctx, func() error { _, err := w.oauth.List(rs, l); return err }))
	})
}

// TestUsed: a use is noted when none was within the hour.
func TestUsed(t *testing.T) {
	w := newWorld(t, lives)
	access, _ := w.access()
	for _, c := range []struct {
		since time.Duration
		want  bool
	}{{0, false}, {time.Hour - time.Microsecond, false}, {time.Hour, true}} {
		access.UsedAt = w.now.Add(-c.since)
		_, noted := w.oauth.Use(access)
		assert.Equal(t, c.want, noted, c.since)
	}
	access.UsedAt = time.Time{}
	use, noted := w.oauth.Use(access)
	require.True(t, noted)
	w.put(use)
	require.Equal(t, w.now, w.list(w.ada)[0].UsedAt)
}
