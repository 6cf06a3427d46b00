package oauth1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

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
