package oauth1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/walk"
)

// under are how many secrets each of some consumers has: its own, those of request tokens,
// of which one is authorised and so has a verifier as well, and those of access tokens.
func (w *world) under() (secrets map[store.Key][]string) {
	w.t.Helper()
	secrets = map[store.Key][]string{store.Consumer(w.consumer.id): {"secret"}}
	for _, tokens := range []struct{ requests, accesses int }{{102, 1}, {1, 52}, {0, 0}, {51, 0}} {
		w.consumer = w.newConsumer()
		secrets[store.Consumer(w.consumer.id)] = []string{"secret"}
		for n := range tokens.requests {
			request := w.ask()
			k := store.RequestToken(request.id)
			secrets[k] = []string{"secret"}
			if n == 0 {
				w.authorize(w.ada, request.id)
				secrets[k] = append(secrets[k], "verifier")
			}
		}
		for range tokens.accesses {
			access, _ := w.access()
			secrets[store.AccessToken(access.ID)] = []string{"secret"}
		}
	}
	return secrets
}

// walkAll goes on from place to place until the end, and returns how many it resealed and
// in how many steps.
func (w *world) walkAll(ring *secret.Ring) (resealed, steps int) {
	w.t.Helper()
	at := ""
	for {
		next, n, err := w.oauth.Reseal(w.ctx, ring, at)
		require.NoError(w.t, err)
		require.Less(w.t, steps, 100, "ends")
		resealed, steps = resealed+n, steps+1
		if at = next; at == "" {
			return resealed, steps
		}
	}
}

// TestReseal: a walk in steps comes past every secret under every consumer, over several
// pages of several lists, and seals anew what the new key has not sealed.
func TestReseal(t *testing.T) {
	w := newWorld(t, lives)
	secrets := w.under()
	total := 0
	for _, attributes := range secrets {
		total += len(attributes)
	}
	ring := w.rotate()
	sealedBy := func(id uint32) (n int) {
		for k, attributes := range secrets {
			item := w.item(k)
			for _, a := range attributes {
				if key, ok := secret.KeyID(item.Bytes(a)); ok && key == id {
					n++
				}
			}
		}
		return n
	}
	require.Zero(t, sealedBy(ring.Primary()))

	t.Run("a call that fails ends a step, and the walk goes on from the same place", func(t *testing.T) {
		counted, at, steps := 0, "", 0
		for done := false; !done; steps++ {
			require.Less(t, steps, 100, "ends")
			for _, fail := range []func(func() error){
				func(err func() error) { w.table.query = err },
				func(err func() error) { w.table.read = err },
			} {
				met := false
				fail(func() error { met = true; return errBroken })
				next, n, err := w.oauth.Reseal(w.ctx, ring, at)
				if fail(nil); met {
					require.ErrorIs(t, err, errBroken)
					require.Empty(t, next)
					require.Zero(t, n)
				}
			}
			w.table.write = func([]store.Mutation) error { return errBroken }
			_, failed, err := w.oauth.Reseal(w.ctx, ring, at)
			w.table.write = nil
			require.Zero(t, failed)
			next, n, again := w.oauth.Reseal(w.ctx, ring, at)
			require.NoError(t, again)
			require.Equal(t, n > 0, err != nil, "what was to be written could not be")
			counted += n
			at, done = next, next == ""
		}
		assert.Equal(t, total, counted)
	})
	require.Equal(t, total, sealedBy(ring.Primary()))

	t.Run("nothing is left to do", func(t *testing.T) {
		resealed, _ := w.walkAll(ring)
		assert.Zero(t, resealed)
	})
	t.Run("in as many steps as there are pages", func(t *testing.T) {
		ring = w.rotate()
		resealed, steps := w.walkAll(ring)
		assert.Equal(t, total, resealed)
		// For each consumer one step for its own, and for each of its two lists one for every
		// page of 50: (1+1+1) + (1+3+1) + (1+1+2) + (1+1+1) + (1+2+1).
		assert.Equal(t, 3+5+4+3+4, steps)
		assert.Equal(t, total, sealedBy(ring.Primary()))
	})
	t.Run("all of it opens", func(t *testing.T) {
		_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), w.asking(), w.web)
		require.NoError(t, err)
	})
	t.Run("a place that is none", func(t *testing.T) {
		_, _, err := w.oauth.Reseal(w.ctx, ring, "{")
		require.Error(t, err)
	})
	t.Run("no consumers", func(t *testing.T) {
		for k := range secrets {
			if id, ok := strings.CutPrefix(k.PK, "CONSUMER#"); ok {
				require.NoError(t, w.oauth.DeleteConsumer(w.ctx, id))
			}
		}
		resealed, steps := w.walkAll(ring)
		assert.Zero(t, resealed)
		assert.Equal(t, 1, steps)
	})
}

// TestChecks: what each item of the package stands on, and that what lost it goes.
func TestChecks(t *testing.T) {
	w := newWorld(t, lives)
	asked, authorised := w.ask(), w.ask()
	w.authorize(w.ada, authorised.id)
	access, _ := w.access()
	consumer, project, user := store.Consumer(w.consumer.id), store.Project(w.web), store.User(w.ada)
	for _, c := range []struct {
		name  string
		key   store.Key
		needs []store.Key
		goes  []store.Key // with it
	}{
		{"O-140 a request token", store.RequestToken(asked.id), []store.Key{consumer, project}, mirrors(w.shown(asked.id))},
		{"O-142 an authorised request token", store.RequestToken(authorised.id), []store.Key{consumer, project, user}, mirrors(w.shown(authorised.id), w.ada)},
		{"O-142 an access token", store.AccessToken(access.ID), []store.Key{consumer, project, user}, accessMirrors(access)},
		{"a request token's entry", store.RequestOfProject(w.web, authorised.id), []store.Key{store.RequestToken(authorised.id)}, nil},
		{"an access token's entry", store.AccessOfUser(w.ada, access.ID), []store.Key{store.AccessToken(access.ID)}, nil},
		{"a consumer's entry", store.ConsumerList(w.consumer.id), []store.Key{consumer}, nil},
		{"a consumer", consumer, nil, nil},
		{"a user", user, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := map[store.Key]store.Item{c.key: w.item(c.key)}
			for _, k := range c.goes {
				before[k] = w.item(k)
				require.NotNil(t, before[k], k.String())
			}
			check := w.oauth.Check(store.Entry{Key: c.key, Item: before[c.key]})
			require.ElementsMatch(t, c.needs, check.Needs)
			if len(c.needs) == 0 {
				return
			}
			found := store.Items{}
			for _, k := range c.needs {
				found[k] = w.item(k)
			}
			require.Nil(t, check.Amiss(found), "all is there")
			for _, k := range c.needs {
				delete(found, k)
				fix := check.Amiss(found)
				require.NotNil(t, fix, k.String())
				_, err := fix(w.ctx)
				require.NoError(t, err)
				found[k] = w.item(k)
				for gone, item := range before {
					w.gone(gone)
					delete(item, store.AttrRequest)
					w.put(store.Create(gone, item))
				}
				check = w.oauth.Check(store.Entry{Key: c.key, Item: w.item(c.key)})
			}
		})
	}
}

// TestCascades: what stood on a consumer, a user or a project goes with it, by every list
// that it is in; each access and request token is an end of its own (O-140, O-142, O-143).
func TestCascades(t *testing.T) {
	for _, c := range []struct {
		name  string
		kill  func(w *world) walk.Kill
		stays bool // the request token that nobody authorised
	}{
		{"O-140", func(w *world) walk.Kill { return walk.Kill{Kind: walk.Consumer, ID: w.consumer.id} }, false},
		{"O-142", func(w *world) walk.Kill { return walk.Kill{Kind: walk.User, ID: w.ada} }, true},
		{"O-143", func(w *world) walk.Kill { return walk.Kill{Kind: walk.Project, ID: w.web} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, lives)
			asked, authorised := w.ask(), w.ask()
			w.authorize(w.ada, authorised.id)
			access, _ := w.access()
			ended := map[walk.Kill]bool{}
			all := append(mirrors(w.shown(authorised.id), w.ada), store.RequestToken(authorised.id), store.AccessToken(access.ID))
			all = append(all, accessMirrors(access)...)
			if !c.stays {
				all = append(append(all, mirrors(w.shown(asked.id))...), store.RequestToken(asked.id))
			}
			half, _ := w.access() // whose item is gone
			w.put(store.Delete(store.AccessToken(half.ID)))
			walks := w.oauth.Walks(c.kill(w))
			require.Len(t, walks, 2)
			for _, run := range walks {
				page, err := w.engine.Query(w.ctx, run.Range)
				require.NoError(t, err)
				for _, e := range page.Entries {
					kill, ok := run.Ends(e)
					require.True(t, ok)
					ended[kill] = true
					require.NoError(t, run.Each(w.ctx, e))
					require.NoError(t, run.Each(w.ctx, e), "twice")
				}
				page, err = w.engine.Query(w.ctx, run.Range)
				require.NoError(t, err)
				require.Empty(t, page.Entries)
			}
			w.gone(all...)
			want := map[walk.Kill]bool{
				{Kind: walk.Request, ID: authorised.id}: true, {Kind: walk.Access, ID: access.ID}: true, {Kind: walk.Access, ID: half.ID}: true,
			}
			if !c.stays {
				want[walk.Kill{Kind: walk.Request, ID: asked.id}] = true
			}
			assert.Equal(t, want, ended)
			if c.stays {
				w.shown(asked.id)
			}
		})
	}
	w := newWorld(t, lives)
	require.Empty(t, w.oauth.Walks(walk.Kill{Kind: walk.Role, ID: "x"}))
}

// TestTold: which changes are told of, as what, and what they end (O-150).
func TestTold(t *testing.T) {
	item := func(kind string) store.Item {
		return store.Item{store.AttrType: kind, "id": "1", "consumer_id": "c", "project_id": "p", "user_id": "u"}
	}
	const consumer, request, access = "consumer", "request token", "access token"
	for _, c := range []struct {
		name    string
		kind    string
		old     bool
		gone    bool
		expired bool
		told    string
		ended   walk.Kind
	}{
		{"a consumer made", consumer, false, false, false, "consumer.created", ""},
		{"a consumer changed", consumer, true, false, false, "consumer.updated", ""},
		{"a consumer deleted", consumer, true, true, false, "consumer.deleted", walk.Consumer},
		{"a consumer expired", consumer, true, true, true, "", ""},
		{"a request token made", request, false, false, false, "request_token.created", ""},
		{"a request token authorised", request, true, false, false, "", ""},
		{"a request token exchanged", request, true, true, false, "", ""},
		{"a request token expired", request, true, true, true, "", ""},
		{"an access token made", access, false, false, false, "access_token.created", ""},
		{"an access token used", access, true, false, false, "", ""},
		{"an access token revoked", access, true, true, false, "access_token.deleted", walk.Access},
		{"an access token expired", access, true, true, true, "", ""},
		{"an entry deleted", "access token listed", true, true, false, "", ""},
	} {
		t.Run("O-150 "+c.name, func(t *testing.T) {
			change := store.Change{Expired: c.expired}
			if c.old {
				change.Old = item(c.kind)
			}
			if !c.gone {
				change.New = item(c.kind)
			}
			a, told := oauth1.Audited(change)
			require.Equal(t, c.told != "", told)
			if told {
				assert.Equal(t, "identity.OS-OAUTH1:"+c.told, a.Type)
				assert.Equal(t, "1", a.ResourceID)
				assert.Equal(t, map[bool]string{true: "1", false: "c"}[c.kind == consumer], a.ConsumerID)
			}
			kill, ended := oauth1.Ended(change)
			assert.Equal(t, c.ended != "", ended)
			assert.Equal(t, c.ended, kill.Kind)
			id, revoked := oauth1.WasRevoked(change)
			assert.Equal(t, c.ended == walk.Access, revoked)
			assert.Equal(t, revoked, id == "1")
		})
	}
}
