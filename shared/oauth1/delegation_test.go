package oauth1_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/problem"
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
