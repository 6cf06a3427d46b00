package oauth1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
	"mandate/shared/store"
)

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

// TestExchange_tries: five tries at a verifier, each in a write of its own before it is
// looked at.
func TestExchange_tries(t *testing.T) {
	w := newWorld(t, lives)
	wrong := func(verifier string) string { return verifier[1:] + verifier[:1] }
	for name, c := range map[string]struct {
		wrong int
		right problem.Kind // what the right one is answered after them
	}{
		"O-074 four wrong ones": {4, 0},
		"O-074 five wrong ones": {5, problem.KindUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			request := w.ask()
			verifier := w.authorize(w.ada, request.id)
			for range c.wrong {
				_, _, err := w.exchange(w.exchanging(request, wrong(verifier)))
				is(t, problem.KindUnauthorized, err)
			}
			_, _, err := w.exchange(w.exchanging(request, verifier))
			is(t, c.right, err)
			if c.right != 0 {
				_, _, err = w.exchange(w.exchanging(request, w.authorize(w.ada, request.id)))
				is(t, 0, err) // authorised anew
			}
		})
	}
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
