package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestConsent(t *testing.T) {
	w := newWorld(t)

	t.Run("signs in, is told who asks for what until when, and nothing is chosen for her", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		b.page.is(200, "nightly backup", "web", "1 March 2031, 17:00 UTC", "1 day", "operator", "brings along watcher", "clerk", w.program.id)
		assert.Equal(t, map[string]bool{w.operator: false, w.watcher: false, w.clerk: false}, b.page.choices())
		assert.Equal(t, consentPath(request), b.at)
	})
	t.Run("what she grants is what the program gets", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		shown := b.submit("console/authorize", granting(w.clerk)).is(200, "nightly backup", "clerk")
		token := w.token(w.form(w.exchange(request, shown.verifier())))
		require.Equal(t, 201, token.Status, token.Text)
		held := token.Member("token")
		assert.Equal(t, "ada", held["user"].(object)["name"])
		assert.Equal(t, []any{object{"id": w.clerk, "name": "clerk"}}, held["roles"])
		b.get(consentPath(request)).is(404, "There is no such request")
	})
	t.Run("refusing ends the request", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		b.submit("console/authorize", url.Values{"decision": {"refuse"}}).is(200, "Nothing was granted")
		require.Equal(t, 404, w.exchange(request, "abcdefgh").Status)
		ada := w.Login("ada", "pw-ada", service.OnProject(w.web))
		require.Equal(t, 404, w.Do("PUT", consentPath(request), ada, object{"roles": []any{object{"id": w.clerk}}}).Status)
		b.get(consentPath(request)).is(404)
	})
	t.Run("no role is no choice", func(t *testing.T) {
		b := w.as("ada", consentPath(w.request()))
		b.submit("console/authorize", granting()).is(400, "Choose at least one role")
	})
	t.Run("a role that she does not hold is refused, whoever made the form", func(t *testing.T) {
		request := w.request()
		admin := w.Must(200, "GET", "/v3/roles?name=admin", w.Admin(), nil).Body["roles"].([]any)[0].(object)["id"].(string)
		for _, role := range []string{admin, "no-such-role", ""} {
			b := w.as("ada", consentPath(request))
			b.submit("console/authorize", granting(w.clerk, role)).is(403, "not yours to grant", "Look at the request again")
		}
		require.Equal(t, 401, w.exchange(request, "abcdefgh").Status, "it is not authorised")
	})
	t.Run("a role lost since the page was shown", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		w.grant("DELETE", w.clerk)
		defer w.grant("PUT", w.clerk)
		b.submit("console/authorize", granting(w.clerk)).is(403, "not yours to grant")
	})
	t.Run("sent twice, the code is the same and good", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		at, asked := b.at, b.page
		first := b.submit("console/authorize", granting(w.clerk)).is(200).verifier()
		b.at, b.page = at, asked
		assert.Equal(t, first, b.submit("console/authorize", granting(w.clerk)).is(200).verifier())
		w.form(w.exchange(request, first))
	})
	t.Run("decided meanwhile with other roles", func(t *testing.T) {
		request := w.request()
		one, other := w.as("ada", consentPath(request)), w.as("ada", consentPath(request))
		verifier := one.submit("console/authorize", granting(w.clerk)).is(200).verifier()
		at, asked := other.at, other.page
		other.submit("console/authorize", granting(w.operator)).is(409, "decided meanwhile")
		other.at, other.page = at, asked
		other.submit("console/authorize", url.Values{"decision": {"refuse"}}).is(409, "decided meanwhile")
		other.get(consentPath(request)).is(200, "You granted this request before")
		assert.Equal(t, map[string]bool{w.operator: false, w.watcher: false, w.clerk: true}, other.page.choices())
		w.form(w.exchange(request, verifier))
	})
	t.Run("granted anew, the code is another", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		first := b.submit("console/authorize", granting(w.clerk)).is(200).verifier()
		b.get(consentPath(request))
		second := b.submit("console/authorize", granting(w.operator)).is(200).verifier()
		require.NotEqual(t, first, second)
		require.Equal(t, 401, w.exchange(request, first).Status)
		w.form(w.exchange(request, second))
	})
	t.Run("who has no role there is told nothing of it", func(t *testing.T) {
		request := w.request()
		b := w.as("bob", consentPath(request))
		b.page.is(403, "nothing that you could grant")
		assert.NotContains(t, b.page.Text, "nightly backup")
		assert.NotContains(t, b.page.Text, w.web)
	})
	t.Run("an unknown request", func(t *testing.T) {
		for _, id := range []string{strings.Repeat("0", 32), "x", "%C3%A9%FF"} {
			b := w.browser()
			b.get("/v3/OS-OAUTH1/authorize/" + id).is(401)
			b.signIn("ada", "pw-ada")
			b.get("/v3/OS-OAUTH1/authorize/"+id).is(404, "Start again in the program")
		}
	})
	t.Run("asked for by the address of the decision", func(t *testing.T) {
		request := w.request()
		b := w.as("ada", consentPath(request))
		b.get("/v3/console/authorize/"+request.id).is(200, "nightly backup")
		assert.Equal(t, consentPath(request), b.at)
	})
	t.Run("an expired request", func(t *testing.T) {
		request := w.request()
		w.clock.Advance(8*time.Hour + time.Second)
		w.Forget()
		b := w.as("ada", consentPath(request))
		b.page.is(410, "has expired", "Start again in the program")
	})
}

// TestConsentIsForAdministratorsWithStockRules: the page asks the policy that the API asks.
func TestConsentIsForAdministratorsWithStockRules(t *testing.T) {
	w := newWorld(t, service.WithVariable("POLICY_PRESET", "keystone"))
	request := w.request()
	b := w.as("ada", consentPath(request))
	b.page.is(403, "only administrators")
	b.get(delegationsPath).is(200, "managed by administrators")
	admin := w.Must(200, "GET", "/v3/roles?name=admin", w.Admin(), nil).Body["roles"].([]any)[0].(object)["id"].(string)
	w.grant("PUT", admin)
	b.get(consentPath(request)).is(200)
	shown := b.submit("console/authorize", granting(w.clerk)).is(200)
	w.form(w.exchange(request, shown.verifier()))
}

// TestClientsAreNotAffected: to who accepts no HTML the path is as it was (O-064).
func TestClientsAreNotAffected(t *testing.T) {
	w := newWorld(t)
	ada := w.Login("ada", "pw-ada", service.OnProject(w.web))
	for _, accept := range []string{"", "application/json", "*/*", "text/*", "text/html;q=0, application/json", "application/xhtml+xml"} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, token := range []string{"", ada} {
				r := w.Do(method, consentPath(w.request()), token, nil, "Accept", accept)
				t.Run("O-064 "+method+" "+accept, func(t *testing.T) {
					require.Equal(t, 405, r.Status)
					assert.Equal(t, "OPTIONS, POST, PUT", r.Header.Get("Allow"))
					assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
					assert.Empty(t, r.Header.Values("Set-Cookie"))
				})
			}
		}
	}
	for _, method := range []string{"PUT", "POST"} {
		r := w.Do(method, consentPath(w.request()), ada, object{"roles": []any{object{"id": w.clerk}}}, "Accept", "text/html")
		require.Equal(t, 200, r.Status, r.Text)
		assert.Len(t, r.Member("token")["oauth_verifier"], 8)
	}
}
