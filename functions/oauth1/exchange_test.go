package oauth1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
	"mandate/test/service"
)

func TestExchange(t *testing.T) {
	w := newWorld(t)

	t.Run("O-070_good_and_O-071_once", func(t *testing.T) {
		request := w.requestToken()
		s := w.exchanging(request, w.verifier(request.id, w.operator))
		r := is(t, 201, w.send(s))
		require.Regexp(t, formText, r.Text)
		require.Equal(t, []string{"application/x-www-form-urlencoded"}, r.Header["Content-Type"])
		require.Contains(t, r.Text, "oauth_expires_at=2031-03-02T09:00:00.000000Z")
		require.NotContains(t, r.Text, request.id)
		is(t, 404, w.send(s))
	})
	request := w.requestToken()
	t.Run("O-075_not_authorised", func(t *testing.T) { is(t, 401, w.send(w.exchanging(request, "abcdefgh"))) })
	verifier := w.verifier(request.id, w.operator)
	wrong := strings.Map(func(r rune) rune { return map[bool]rune{true: 'a', false: 'b'}[r == 'b'] }, verifier)
	t.Run("O-072_something_missing", func(t *testing.T) {
		for _, name := range []string{"oauth_verifier", "oauth_token", "oauth_consumer_key", "oauth_signature", "oauth_nonce"} {
			s := w.exchanging(request, verifier)
			s.without = name
			require.Contains(t, is(t, 400, w.send(s)).Text, name)
		}
	})
	t.Run("O-073_a_malformed_verifier", func(t *testing.T) {
		for _, v := range []string{"abc", "abcdefghk", "0bcdefgh", "abcdefg ", "abcdefgé"} {
			is(t, 400, w.send(w.exchanging(request, v)))
		}
	})
	t.Run("O-076_wrong_secrets", func(t *testing.T) {
		s := w.exchanging(credentials{request.id, secret.New("wrong")}, verifier)
		is(t, 401, w.send(s))
		s = w.exchanging(request, verifier)
		s.consumer = credentials{w.consumer.id, secret.New("wrong")}
		is(t, 401, w.send(s))
	})
	t.Run("O-077_another_consumer", func(t *testing.T) {
		s := w.exchanging(request, verifier)
		s.consumer = w.newConsumer()
		is(t, 401, w.send(s))
		s.consumer.secret = w.consumer.secret // another's name, with the secrets of whom it was issued to
		is(t, 401, w.send(s))
	})
	t.Run("O-078_unknown_consumer", func(t *testing.T) {
		s := w.exchanging(request, verifier)
		s.consumer = credentials{"nope", secret.New("wrong")}
		is(t, 401, w.send(s))
	})
	t.Run("O-079_unknown_token", func(t *testing.T) {
		is(t, 404, w.send(w.exchanging(credentials{"nope", request.secret}, verifier)))
	})
	t.Run("O-074_a_wrong_verifier", func(t *testing.T) {
		is(t, 401, w.send(w.exchanging(request, wrong)))
		is(t, 201, w.send(w.exchanging(request, verifier)))
	})
	t.Run("a_guessed_verifier_is_void", func(t *testing.T) {
		guessed := w.requestToken()
		right := w.verifier(guessed.id, w.operator)
		for range 5 {
			is(t, 401, w.send(w.exchanging(guessed, wrong)))
		}
		is(t, 401, w.send(w.exchanging(guessed, right)))
		is(t, 201, w.send(w.exchanging(guessed, w.verifier(guessed.id, w.operator))))
	})
	t.Run("O-037_repeated", func(t *testing.T) {
		asked := w.requestToken()
		right := w.verifier(asked.id, w.operator)
		s := w.exchanging(asked, wrong)
		s.nonce = nonce()
		is(t, 401, w.send(s))
		s.more = [][2]string{{"oauth_verifier", right}}
		is(t, 401, w.send(s))
		is(t, 201, w.send(w.exchanging(asked, right)))
	})
	t.Run("O-080_expired", func(t *testing.T) {
		old := w.requestToken()
		v := w.verifier(old.id, w.operator)
		w.later(8*time.Hour + time.Second)
		is(t, 401, w.send(w.exchanging(old, v)))
	})
	t.Run("O-083_a_life_without_end", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("OAUTH1_ACCESS_TOKEN_EXPIRATION", "0"))
		asked := w.requestToken()
		r := is(t, 201, w.send(w.exchanging(asked, w.verifier(asked.id, w.operator))))
		require.NotContains(t, r.Text, "oauth_expires_at")
		shown := w.Must(200, "GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens/"+w.form(r).id, w.adas, nil).Member("access_token")
		require.Contains(t, shown, "expires_at")
		require.Nil(t, shown["expires_at"])
	})
	t.Run("the_user_or_project_goes_meanwhile", func(t *testing.T) {
		asked := w.requestToken()
		v := w.verifier(asked.id, w.operator)
		w.Must(204, "DELETE", "/v3/users/"+w.ada, w.Admin(), nil)
		is(t, 401, w.send(w.exchanging(asked, v)))
		w.Must(204, "DELETE", "/v3/projects/"+w.web, w.Admin(), nil)
		is(t, 404, w.send(w.exchanging(asked, v)))
	})
}
