package oauth1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/retry"
)

// mirrors are the keys under which a request token is listed.
func mirrors(t oauth1.RequestToken, users ...string) []store.Key {
	keys := []store.Key{store.RequestOfConsumer(t.ConsumerID, t.ID), store.RequestOfProject(t.ProjectID, t.ID)}
	for _, u := range users {
		keys = append(keys, store.RequestOfUser(u, t.ID))
	}
	return keys
}

func accessMirrors(t oauth1.AccessToken) []store.Key {
	return []store.Key{store.AccessOfUser(t.UserID, t.ID), store.AccessOfConsumer(t.ConsumerID, t.ID), store.AccessOfProject(t.ProjectID, t.ID)}
}

// TestVerifier: eight symbols of the set, each once; what is not of that form is called so,
// and costs no try.
func TestVerifier(t *testing.T) {
	const symbols = "abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789" // oauth1.md section 2
	w := newWorld(t, lives)
	request := w.ask()
	drawn := map[string]bool{}
	var last string
	for range 50 {
		last = w.authorize(w.ada, request.id)
		require.Len(t, last, 8)
		for n, c := range last {
			require.True(t, strings.ContainsRune(symbols, c), last)
			require.Equal(t, n, strings.IndexRune(last, c), "twice in %s", last)
		}
		drawn[last] = true
	}
	require.Len(t, drawn, 50, "O-066")
	for _, bad := range []string{last[:7], last + "x", last[:7] + "0", "l" + last[1:], last[:4] + "1" + last[5:], "IIIIIIII", "é" + last[2:], " " + last[1:]} {
		_, _, err := w.exchange(w.exchanging(request, bad))
		is(t, problem.KindInvalid, err) // O-073
	}
	_, _, err := w.exchange(w.exchanging(request, last))
	is(t, 0, err)
}

// TestLives: what is made ends when the settings say, and is good until then (section 2).
func TestLives(t *testing.T) {
	for _, c := range []struct {
		name            string
		settings        oauth1.Settings
		request, access time.Duration // 0: for ever
	}{
		{"O-022 as set", lives, 8 * time.Hour, 24 * time.Hour},
		{"O-023 O-083 for ever", oauth1.Settings{}, 0, 0},
		{"O-083 access tokens for ever", oauth1.Settings{RequestLife: time.Hour}, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.settings)
			made := w.now.Truncate(time.Second)
			ends := func(life time.Duration, end time.Time, items ...store.Key) {
				want, ttl := time.Time{}, store.Value(nil)
				if life > 0 {
					want = made.Add(life)
					ttl = want.Add(7 * 24 * time.Hour).Unix()
				}
				require.Equal(t, want, end)
				for _, k := range items {
					require.Equal(t, ttl, w.item(k)[store.AttrTTL], k.String())
				}
			}
			request := w.ask()
			verifier := w.authorize(w.ada, request.id)
			shown := w.shown(request.id)
			ends(c.request, shown.ExpiresAt, append(mirrors(shown, w.ada), store.RequestToken(shown.ID))...)
			if c.request == 0 {
				w.now = w.now.AddDate(50, 0, 0)
			} else {
				w.now = shown.ExpiresAt.Add(time.Microsecond)
				_, _, err := w.exchange(w.exchanging(request, verifier))
				is(t, problem.KindUnauthorized, err) // O-080
				_, err = w.oauth.Authorize(w.ctx, w.reads(), w.ada, request.id, roles())
				is(t, problem.KindUnauthorized, err) // O-057
				w.now = shown.ExpiresAt
			}
			made = w.now.Truncate(time.Second)
			access, credentials, err := w.exchange(w.exchanging(request, verifier))
			is(t, 0, err)
			ends(c.access, access.ExpiresAt, append(accessMirrors(access), store.AccessToken(access.ID))...)
			if c.access == 0 {
				w.now = w.now.AddDate(50, 0, 0)
				is(t, 0, w.use(w.request(w.consumer, credentials)))
				return
			}
			w.now = access.ExpiresAt
			is(t, 0, w.use(w.request(w.consumer, credentials)))
			w.now = access.ExpiresAt.Add(time.Microsecond)
			is(t, problem.KindUnauthorized, w.use(w.request(w.consumer, credentials))) // O-108
		})
	}
}

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

// TestExchange_tries: five tries at a verifier, each in a write of its own before it is
// looked at.
func TestExchange_tries(t *testing.T) {
	w := newWorld(t, lives)
	wrong := func(verifier string) string { return verifier[1:] + verifier[:1] }
	t.Run("O-074 four wrong ones", func(t *testing.T) {
		request := w.ask()
		verifier := w.authorize(w.ada, request.id)
		for range 4 {
			_, _, err := w.exchange(w.exchanging(request, wrong(verifier)))
			is(t, problem.KindUnauthorized, err)
		}
		_, _, err := w.exchange(w.exchanging(request, verifier))
		is(t, 0, err)
	})
	t.Run("O-074 five wrong ones", func(t *testing.T) {
		request := w.ask()
		verifier := w.authorize(w.ada, request.id)
		for range 5 {
			_, _, err := w.exchange(w.exchanging(request, wrong(verifier)))
			is(t, problem.KindUnauthorized, err)
		}
		_, _, err := w.exchange(w.exchanging(request, verifier))
		is(t, problem.KindUnauthorized, err)
		_, _, err = w.exchange(w.exchanging(request, w.authorize(w.ada, request.id)))
		is(t, 0, err) // authorised anew
	})
	t.Run("O-037 the same wrong one again is no other try", func(t *testing.T) {
		request := w.ask()
		verifier := w.authorize(w.ada, request.id)
		r := w.exchanging(request, wrong(verifier))
		for range 8 {
			_, _, err := w.exchange(r)
			is(t, problem.KindUnauthorized, err)
		}
		_, _, err := w.exchange(w.exchanging(request, verifier))
		is(t, 0, err)
	})
	t.Run("O-075 never authorised", func(t *testing.T) {
		_, _, err := w.exchange(w.exchanging(w.ask(), "abcdefgh"))
		is(t, problem.KindUnauthorized, err)
	})
	t.Run("O-072 no verifier", func(t *testing.T) {
		_, _, err := w.exchange(w.request(w.consumer, w.ask()))
		is(t, problem.KindInvalid, err)
	})
	t.Run("O-077 another consumer's", func(t *testing.T) {
		request := w.ask()
		verifier := w.authorize(w.ada, request.id)
		_, _, err := w.exchange(w.request(w.newConsumer(), request, with("oauth_verifier", verifier)))
		is(t, problem.KindUnauthorized, err)
	})
}

// TestExchangeRaced: what comes between the reading of a request token and each of the
// two writes of its exchange.
func TestExchangeRaced(t *testing.T) {
	w := newWorld(t, lives)
	for _, c := range []struct {
		name        string
		comes       func(id string)
		first, next problem.Kind // before the try is taken, and after it
	}{
		{"O-071 it is exchanged", func(id string) { w.put(store.Delete(store.RequestToken(id))) }, problem.KindNotFound, problem.KindNotFound},
		{"it is authorised anew", func(id string) { w.authorize(w.ada, id) }, problem.KindUnauthorized, problem.KindUnauthorized},
		{"it is authorised by another", func(id string) { w.authorize(w.bob, id) }, problem.KindUnauthorized, problem.KindUnauthorized},
	} {
		for n, want := range []problem.Kind{c.first, c.next} {
			t.Run(c.name+[]string{" before the try", " after it"}[n], func(t *testing.T) {
				request := w.ask()
				verifier := w.authorize(w.ada, request.id)
				left := n
				w.table.write = func([]store.Mutation) error {
					if left--; left < 0 {
						w.table.write = nil
						c.comes(request.id)
					}
					return nil
				}
				made, _, err := w.exchange(w.exchanging(request, verifier))
				is(t, want, err)
				assert.Empty(t, made)
				if item := w.item(store.RequestToken(request.id)); item != nil {
					assert.EqualValues(t, 5, item.Int("tries"), "a verifier of before takes none of the new one's")
				}
				for _, user := range []string{w.ada, w.bob} {
					assert.Empty(t, w.list(user))
				}
			})
		}
	}
	for n, name := range []string{"a try that cannot be written", "an access token that cannot be written"} {
		t.Run(name, func(t *testing.T) {
			request := w.ask()
			verifier := w.authorize(w.ada, request.id)
			left := n
			w.table.write = func([]store.Mutation) error {
				if left--; left < 0 {
					return errBroken
				}
				return nil
			}
			_, _, err := w.exchange(w.exchanging(request, verifier))
			broken(t, err)
			w.table.write = nil
			_, _, err = w.exchange(w.exchanging(request, verifier))
			is(t, 0, err)
		})
	}
}

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

// TestPatience: what ends something goes on against conflicting writes for longer than
// other writes do.
func TestPatience(t *testing.T) {
	w := newWorld(t, lives)
	hasty := w.service(retry.New(w.table, retry.Options{Bound: time.Nanosecond, First: 50 * time.Millisecond}), w.rings, lives)
	shown := w.shown(w.ask().id)
	access, _ := w.access()
	once := func(do func() error) error {
		w.table.write = func([]store.Mutation) error { w.table.write = nil; return store.ErrContended }
		return do()
	}
	require.ErrorIs(t, once(func() error {
		_, _, err := hasty.CreateConsumer(w.ctx, oauth1.Consumer{})
		return err
	}), store.ErrUnavailable)
	is(t, 0, once(func() error { return hasty.Refuse(w.ctx, shown) }))
	is(t, 0, once(func() error { return hasty.Revoke(w.ctx, access) }))
	is(t, 0, once(func() error { return hasty.DeleteConsumer(w.ctx, w.consumer.id) }))
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

// TestConsumers: what is kept of a consumer, and what a change leaves alone.
func TestConsumers(t *testing.T) {
	w := newWorld(t, lives)
	text := "nightly backup"
	get := func(id string) oauth1.Consumer {
		rs := w.reads()
		var c oauth1.Consumer
		require.NoError(t, rs.Settle(w.ctx, func() (err error) { c, err = w.oauth.Consumer(rs, id); return err }))
		return c
	}
	made, _, err := w.oauth.CreateConsumer(w.ctx, oauth1.Consumer{Description: &text, Extra: []byte(`{"a":1}`)})
	require.NoError(t, err)
	require.Equal(t, made, get(made.ID))
	require.Equal(t, oauth1.Consumer{ID: w.consumer.id}, get(w.consumer.id)) // O-002
	other := "hourly backup"
	for _, c := range []struct {
		name string
		edit func(*oauth1.Consumer)
		want oauth1.Consumer
	}{
		{"O-013 the description", func(c *oauth1.Consumer) { c.Description = &other }, oauth1.Consumer{ID: made.ID, Description: &other, Extra: []byte(`{"a":1}`)}},
		{"O-013 no description", func(c *oauth1.Consumer) { c.Description = nil }, oauth1.Consumer{ID: made.ID, Extra: []byte(`{"a":1}`)}},
		{"O-005 other attributes", func(c *oauth1.Consumer) { c.Extra = []byte(`{"b":2}`) }, oauth1.Consumer{ID: made.ID, Extra: []byte(`{"b":2}`)}},
		{"O-005 no other attributes", func(c *oauth1.Consumer) { c.Extra = nil }, oauth1.Consumer{ID: made.ID}},
		{"O-005 some again", func(c *oauth1.Consumer) { c.Extra = []byte(`{"c":3}`) }, oauth1.Consumer{ID: made.ID, Extra: []byte(`{"c":3}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed, err := w.oauth.UpdateConsumer(w.ctx, w.reads(), made.ID, c.edit)
			require.NoError(t, err)
			require.Equal(t, c.want, changed)
			require.Equal(t, c.want, get(made.ID))
		})
	}
	adds := func(name string) func(*oauth1.Consumer) {
		return func(c *oauth1.Consumer) { c.Extra = oauth1.Extra(c.Extra, directory.Extra{name: []byte("true")}) }
	}
	t.Run("of two changes at once none is lost", func(t *testing.T) {
		for _, name := range []string{made.ID, w.consumer.id} { // with and without other attributes before
			w.table.before(func() {
				_, err := w.others.UpdateConsumer(w.ctx, w.plainReads(), name, adds("one"))
				require.NoError(t, err)
			})
			changed, err := w.oauth.UpdateConsumer(w.ctx, w.reads(), name, adds("two"))
			require.NoError(t, err)
			require.Contains(t, string(changed.Extra), `"one":true`)
			require.Contains(t, string(changed.Extra), `"two":true`)
			require.Equal(t, changed, get(name))
		}
	})
	t.Run("changes without end", func(t *testing.T) {
		n := 0
		w.table.write = func([]store.Mutation) error {
			n++
			_, err := w.others.UpdateConsumer(w.ctx, w.plainReads(), made.ID, adds(strings.Repeat("x", n)))
			return err
		}
		_, err := w.oauth.UpdateConsumer(w.ctx, w.reads(), made.ID, adds("y"))
		require.ErrorIs(t, err, store.ErrContended)
		w.table.write = nil
	})
	t.Run("O-011 all in two trips", func(t *testing.T) {
		w.newConsumer()
		rs := w.reads()
		all, err := w.oauth.Consumers(w.ctx, rs)
		require.NoError(t, err)
		require.Len(t, all, 3)
		require.Equal(t, 1, rs.Trips(), "after their list, all their items")
		require.IsIncreasing(t, []string{all[0].ID, all[1].ID, all[2].ID})
	})
	t.Run("O-011 one whose item is gone", func(t *testing.T) {
		w.put(store.Delete(store.Consumer(made.ID)))
		all, err := w.oauth.Consumers(w.ctx, w.reads())
		require.NoError(t, err)
		require.Len(t, all, 2)
		is(t, problem.KindNotFound, w.oauth.DeleteConsumer(w.ctx, made.ID))
		w.gone(store.ConsumerList(made.ID))
	})
	t.Run("O-017 O-018", func(t *testing.T) {
		is(t, 0, w.oauth.DeleteConsumer(w.ctx, w.consumer.id))
		w.gone(store.Consumer(w.consumer.id), store.ConsumerList(w.consumer.id))
		is(t, problem.KindNotFound, w.oauth.DeleteConsumer(w.ctx, w.consumer.id))
		_, err := w.oauth.UpdateConsumer(w.ctx, w.reads(), w.consumer.id, adds("y"))
		is(t, problem.KindNotFound, err)
	})
	t.Run("calls that fail", func(t *testing.T) {
		w.table.query = func() error { return errBroken }
		_, err := w.oauth.Consumers(w.ctx, w.reads())
		broken(t, err)
		w.table.write = func([]store.Mutation) error { return errBroken }
		broken(t, w.oauth.DeleteConsumer(w.ctx, "nope"))
		_, _, err = w.oauth.CreateConsumer(w.ctx, oauth1.Consumer{})
		broken(t, err)
	})
}

// TestAnotherProcessRotated: what a key sealed that this process has not seen opens all the
// same, and nothing opens in another's place.
func TestAnotherProcessRotated(t *testing.T) {
	w := newWorld(t, lives)
	late := w.service(w.table, w.openRings(), lives)
	w.rotate()
	w.now = w.now.Add(time.Minute)
	w.consumer = w.newConsumer()
	_, _, err := late.CreateRequestToken(w.ctx, w.reads(), w.asking(), w.web)
	is(t, 0, err)

	foreign := w.item(store.Consumer(w.newConsumer().id))
	w.put(store.Update(store.Consumer(w.consumer.id)).Set("secret", foreign.Bytes("secret")))
	_, _, err = late.CreateRequestToken(w.ctx, w.reads(), w.asking(), w.web)
	require.ErrorIs(t, err, secret.ErrNotSealed)
}
