package console_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// delegated is a world in which ada granted one of each: a trust, a pre-authentication and
// an access token, each with a live token.
func delegated(t *testing.T) (w *world, tokens map[string]string) {
	w = newWorld(t)
	trust := w.trust(object{"remaining_uses": 3, "expires_at": "2031-03-02T09:00:00Z"})
	ada := w.Login("ada", "pw-ada", service.OnProject(w.web))
	made := w.Must(201, "POST", "/v3/users/"+w.ada+"/preauthentications", ada, object{"preauthentication": object{
		"trustee_user_id": w.bob, "project_id": w.web, "roles": []any{object{"id": w.operator}}, "description": "while I am away",
	}}).Member("preauthentication")
	request := w.request()
	b := w.as("ada", consentPath(request))
	access := w.form(w.exchange(request, b.submit("console/authorize", granting(w.clerk)).is(200).verifier()))
	return w, map[string]string{
		"trust/" + trust: w.Login("bob", "pw-bob", service.ByTrust(trust)),
		"preauthentication/" + made["id"].(string): w.Login("bob", "pw-bob", service.ByTrust(made["trust_id"].(string))),
		"access-token/" + access.id:                w.token(access).Header.Get("X-Subject-Token"),
	}
}

func (p page) grants() []string {
	var values []string
	for _, m := range regexp.MustCompile(`name="revoke" value="([^"]*/[^"]*)"`).FindAllStringSubmatch(p.Text, -1) {
		values = append(values, html.UnescapeString(m[1]))
	}
	return values
}

func TestDelegations(t *testing.T) {
	w, tokens := delegated(t)
	b := w.as("ada", delegationsPath)
	b.page.is(200, "nightly backup", "bob", "while I am away", "web", "clerk", "operator", "2 March 2031, 09:00 UTC", "Uses left", "Pre-authentication")
	var all []string
	for value := range tokens {
		all = append(all, value)
	}
	assert.ElementsMatch(t, all, b.page.grants(), "each once: the trust behind a pre-authentication is not a grant of its own")
	for _, token := range tokens {
		assert.NotContains(t, b.page.Text, token)
		require.Equal(t, 200, w.Validate(token).Status)
	}
	w.as("bob", delegationsPath).page.is(200, "You have granted nothing")

	for value, token := range tokens {
		b.get(delegationsPath)
		p := b.submit("delegations", url.Values{"revoke": {value}}).is(200, "Every token obtained with it is dead")
		assert.NotContains(t, p.grants(), value)
		require.Equal(t, 404, w.Validate(token).Status, value)
		require.Equal(t, 401, w.Do("GET", "/v3/auth/catalog", token, nil).Status)
		b.submitOr(url.Values{"revoke": {value}})
	}
	b.page.is(200, "That had ended already", "You have granted nothing")
}

// submitOr sends the form of the list also when the list is empty.
func (b *browser) submitOr(fields url.Values) {
	b.w.t.Helper()
	fields.Set("proof", regexp.MustCompile(`name="proof" value="([^"]*)"`).FindStringSubmatch(b.page.Text)[1])
	b.send("POST", delegationsPath, fields)
}

func TestRevokeEverything(t *testing.T) {
	w, tokens := delegated(t)
	b := w.as("ada", delegationsPath)
	for _, role := range []string{w.operator, w.clerk} { // and also when she is nobody any more
		w.grant("DELETE", role)
	}
	require.Len(t, b.get(delegationsPath).grants(), 3)
	b.submit("delegations", url.Values{"revoke": {"all"}}).is(200, "3 grants revoked", "You have granted nothing")
	w.grant("PUT", w.operator)
	w.grant("PUT", w.clerk)
	for value, token := range tokens {
		require.Equal(t, 404, w.Validate(token).Status, value)
	}
	t.Run("no link makes the page say so", func(t *testing.T) {
		for _, receipt := range []string{"5", "5.", "5.AAAA"} {
			assert.NotContains(t, b.get(delegationsPath+"?revoked="+receipt).is(200).Text, "revoked.")
		}
	})
}

// TestOnlyHerOwn: a form in one's own session names others' grants in vain.
func TestOnlyHerOwn(t *testing.T) {
	w, tokens := delegated(t)
	b := w.as("bob", delegationsPath)
	for value, token := range tokens {
		b.get(delegationsPath)
		b.submitOr(url.Values{"revoke": {value}})
		assert.Contains(t, []int{200, 403}, b.page.Status)
		assert.NotContains(t, b.page.Text, "is dead")
		require.Equal(t, 200, w.Validate(token).Status, value)
	}
	for _, value := range []string{"", "x", "trust", "trust/", "trust/x", "preauthentication/x", "access-token/x", "role/x", strings.Repeat("a", 3000)} {
		b.get(delegationsPath)
		b.submitOr(url.Values{"revoke": {value}})
		assert.Contains(t, []int{200, 400, 403}, b.page.Status, value)
	}
}

func TestLastUsed(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(nil)
	used := func() string {
		return regexp.MustCompile(`Last used (.*?) Id`).FindStringSubmatch(w.as("ada", delegationsPath).page.is(200).words())[1]
	}
	assert.Equal(t, "no use on record", used())
	w.Login("bob", "pw-bob", service.ByTrust(trust))
	assert.Equal(t, "1 March 2031, 09:00 UTC", used())
	w.clock.Advance(59 * time.Minute)
	w.Login("bob", "pw-bob", service.ByTrust(trust))
	assert.Equal(t, "1 March 2031, 09:00 UTC", used(), "to the hour")
	w.clock.Advance(time.Minute)
	w.Login("bob", "pw-bob", service.ByTrust(trust))
	assert.Equal(t, "1 March 2031, 10:00 UTC", used())

	request := w.request()
	b := w.as("ada", consentPath(request))
	access := w.form(w.exchange(request, b.submit("console/authorize", granting(w.clerk)).is(200).verifier()))
	w.Must(204, "DELETE", "/v3/OS-TRUST/trusts/"+trust, w.Login("ada", "pw-ada", nil), nil)
	assert.Equal(t, "no use on record", used())
	require.Equal(t, 201, w.token(access).Status)
	assert.Equal(t, "1 March 2031, 10:00 UTC", used())
}

func TestEndedGrants(t *testing.T) {
	w := newWorld(t)
	w.trust(object{"expires_at": "2031-03-01T10:00:00Z"})
	one := w.trust(object{"remaining_uses": 1})
	w.Login("bob", "pw-bob", service.ByTrust(one))
	w.clock.Advance(2 * time.Hour)
	w.Forget()
	w.as("ada", delegationsPath).page.is(200, "Expired", "Used up", "Remove")
}
