package console_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	b := w.as("ada", delegationsPath)
	shown := []page{b.page.is(200)}
	for _, path := range []string{consentPath(w.request()), consentPath(credentials{id: "x"}), "/v3/console/sign-in"} {
		shown = append(shown, b.once("GET", path, nil))
	}
	shown = append(shown, w.browser().get(delegationsPath).is(401), b.once("POST", delegationsPath, url.Values{}))
	for _, p := range shown {
		styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(p.Text, -1)
		if p.Text != "" {
			require.Len(t, styles, 1)
			sum := sha256.Sum256([]byte(styles[0][1]))
			assert.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
				"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", p.Header.Get("Content-Security-Policy"))
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Vary": "X-Auth-Token",
		} {
			assert.Equal(t, want, p.Header.Get(name), name)
		}
		assert.NotEmpty(t, p.Header.Get("X-Openstack-Request-Id"))
		assert.NotRegexp(t, `<script|javascript:| on[a-z]+=| style=|https?://`, p.Text, "nothing that the policy of the page would stop")
	}
}

func TestCookies(t *testing.T) {
	t.Run("by http", func(t *testing.T) {
		w := newWorld(t)
		b := w.browser()
		assert.Regexp(t, `^mandate-form=[A-Z2-7]{64}; Path=/; HttpOnly; SameSite=Strict$`, cookieOf(b.get(delegationsPath), "mandate-form"))
		in := b.once("POST", "/v3/console/sign-in", url.Values{
			"proof": {regexp.MustCompile(`name="proof" value="([^"]*)"`).FindStringSubmatch(b.page.Text)[1]}, "name": {"ada"}, "password": {"pw-ada"},
		})
		require.Equal(t, 303, in.Status)
		assert.Regexp(t, `^mandate-session=[A-Za-z0-9_-]+; Path=/; HttpOnly; SameSite=Strict$`, cookieOf(in, "mandate-session"))
		assert.Less(t, len(cookieOf(in, "mandate-session")), 1024, "of the 10 KB that all headers may have")
		assert.Equal(t, "mandate-form=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", cookieOf(in, "mandate-form"))
	})
	t.Run("by https no other host can set them", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("PUBLIC_URL", "https://identity.test"))
		b := w.browser()
		assert.Regexp(t, `^__Host-mandate-form=[A-Z2-7]{64}; Path=/; HttpOnly; Secure; SameSite=Strict$`, cookieOf(b.get(delegationsPath), "__Host-mandate-form"))
		b.signIn("ada", "pw-ada").is(200)
		require.Contains(t, b.cookies, "__Host-mandate-session")
		assert.True(t, b.cookies["__Host-mandate-session"].Secure)
		session := b.cookies["__Host-mandate-session"] //nolint:gosec // G124: as the browser kept it
		session.Name = "mandate-session"
		b.cookies = map[string]*http.Cookie{session.Name: session}
		b.get(delegationsPath).is(401)
	})
}

func TestSession(t *testing.T) {
	w := newWorld(t, service.WithVariable("LOCKOUT_FAILURE_ATTEMPTS", "3"), service.WithVariable("ADDRESS_FAILURE_ATTEMPTS", "6"))

	t.Run("is an ordinary token of hers, which she sees in her list", func(t *testing.T) {
		b := w.as("ada", delegationsPath)
		b.page.is(200, "What you have granted", "ada")
		mine := w.Login("ada", "pw-ada", nil)
		sessions := w.Must(200, "GET", "/v3/users/"+w.ada+"/tokens", mine, nil).Body["tokens"].([]any)
		require.Len(t, sessions, 2)
		for _, one := range sessions {
			w.Must(204, "DELETE", "/v3/users/"+w.ada+"/tokens/"+one.(object)["audit_id"].(string), w.Admin(), nil)
		}
		b.get(delegationsPath).is(401, "Sign in")
	})
	t.Run("ends when she signs out, wherever the cookie is", func(t *testing.T) {
		b := w.as("ada", delegationsPath)
		kept := b.cookies["mandate-session"]
		b.submit("sign-out", nil).is(200, "You are signed out")
		require.NotContains(t, b.cookies, "mandate-session")
		b.cookies["mandate-session"] = kept
		b.get(delegationsPath).is(401)
	})
	t.Run("ends with a changed password, and with the token's life", func(t *testing.T) {
		b := w.as("ada", delegationsPath)
		w.Must(200, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"password": "pw-ada"}})
		b.get(delegationsPath).is(401)
		b = w.as("ada", delegationsPath)
		w.clock.Advance(time.Hour)
		w.Forget()
		b.get(delegationsPath).is(401)
	})
	t.Run("is made by signing in and by nothing else", func(t *testing.T) {
		trust := w.trust(nil)
		for name, token := range map[string]string{
			"her own token": w.Login("ada", "pw-ada", nil), "a token for a project": w.Login("ada", "pw-ada", service.OnProject(w.web)),
			"a delegated token": w.Login("bob", "pw-bob", service.ByTrust(trust)), "nothing": "", "garbage": "%%%",
		} {
			for _, value := range []string{token, base64.RawURLEncoding.EncodeToString([]byte(token))} {
				b := w.browser()
				b.cookies["mandate-session"] = &http.Cookie{Name: "mandate-session", Value: value} //nolint:gosec // G124: what a browser sends
				assert.Equal(t, 401, b.once("GET", delegationsPath, nil, "X-Auth-Token", token).Status, name)
				assert.NotContains(t, b.cookies, "mandate-session", "it is taken away")
			}
		}
		sealed, err := w.Rings.Seal(t.Context(), []byte(w.Login("bob", "pw-bob", service.ByTrust(trust))), []byte("session of the pages for people"))
		require.NoError(t, err)
		b := w.browser()
		b.cookies["mandate-session"] = &http.Cookie{Name: "mandate-session", Value: base64.RawURLEncoding.EncodeToString(sealed)} //nolint:gosec // G124: what a browser sends
		b.get(delegationsPath).is(401)
	})
	t.Run("a wrong password, an unknown user and a locked one look the same", func(t *testing.T) {
		said := map[string]bool{}
		for range 2 {
			b := w.browser()
			b.get(delegationsPath)
			said[alert(b.signIn("bob", "wrong").is(401, "Check user name, domain and password"))] = true
		}
		b := w.browser()
		b.get(delegationsPath)
		said[alert(b.signIn("nobody", "wrong").is(401))] = true
		b.signIn("bob", "wrong")
		said[alert(b.signIn("bob", "pw-bob").is(401))] = true
		assert.Len(t, said, 1)
		assert.NotContains(t, b.page.Text, "pw-bob")
		assert.Contains(t, b.page.Text, `value="bob"`)
		b.signIn("bob", "wrong")
		p := b.signIn("ada", "pw-ada").is(429, "Please try again in 60 s")
		assert.Equal(t, "60", p.Header.Get("Retry-After"))
	})
}

func alert(p page) string { return regexp.MustCompile(`(?s)role="alert".*?</p>`).FindString(p.Text) }

func TestForgedForms(t *testing.T) {
	w := newWorld(t)
	request := w.request()
	b := w.as("ada", consentPath(request))
	other := w.as("ada", consentPath(request))
	proof := func(b *browser) string {
		return regexp.MustCompile(`name="proof" value="([^"]*)"`).FindStringSubmatch(b.page.Text)[1]
	}
	trust := w.trust(nil)
	for path, fields := range map[string]url.Values{
		"/v3/console/authorize/" + request.id: {"decision": {"grant"}, "role": {w.clerk}, "round": {"0"}},
		delegationsPath:                       {"revoke": {"trust/" + trust}},
		"/v3/console/sign-out":                {},
	} {
		send := func(proof string, headers ...string) page {
			sent := url.Values{}
			for name, v := range fields {
				sent[name] = v
			}
			if proof != "" {
				sent.Set("proof", proof)
			}
			return b.once("POST", path, sent, headers...)
		}
		t.Run("without proof or with another session's "+path, func(t *testing.T) {
			send("").is(403, "This form was not accepted")
			send(proof(other)).is(403)
			send(strings.Repeat("A", 43)).is(403)
		})
		t.Run("from another site "+path, func(t *testing.T) {
			mine := proof(w.asIn(b, consentPath(request)))
			send(mine, "Origin", "https://evil.example").is(403, "another site")
			send(mine, "Origin", "null").is(403)
			send(mine, "Sec-Fetch-Site", "cross-site").is(403)
			send(mine, "Sec-Fetch-Site", "same-site").is(403)
		})
		t.Run("no form at all "+path, func(t *testing.T) {
			mine := proof(w.asIn(b, consentPath(request)))
			send(mine, "Content-Type", "application/json").is(415)
			send(mine, "Content-Type", "text/plain").is(415)
		})
	}
	require.Equal(t, 401, w.exchange(request, "abcdefgh").Status, "nothing was authorised")
	w.Must(200, "GET", "/v3/OS-TRUST/trusts/"+trust, w.Admin(), nil)
	b.get(delegationsPath).is(200)

	t.Run("signing in", func(t *testing.T) {
		b := w.browser()
		b.get(delegationsPath)
		mine := proof(b)
		in := url.Values{"name": {"ada"}, "password": {"pw-ada"}}
		b.once("POST", "/v3/console/sign-in", in).is(403, "This form was too old")
		in.Set("proof", mine)
		stranger := w.browser()
		stranger.once("POST", "/v3/console/sign-in", in).is(403)
		require.NotContains(t, stranger.cookies, "mandate-session")
		b.once("POST", "/v3/console/sign-in", in, "Sec-Fetch-Site", "cross-site").is(403)
		require.NotContains(t, b.cookies, "mandate-session")
	})
	t.Run("leads nowhere else", func(t *testing.T) {
		for _, to := range []string{"https://evil.example/", "//evil.example", "../../evil", "v3/OS-OAUTH1/authorize/../../x", "javascript:alert(1)"} {
			b := w.browser()
			b.get(delegationsPath)
			b.submit("sign-in", url.Values{"name": {"ada"}, "password": {"pw-ada"}, "to": {to}}).is(200, "What you have granted")
		}
	})
}

// asIn shows a page in a browser that is signed in.
func (w *world) asIn(b *browser, path string) *browser { w.t.Helper(); b.get(path).is(200); return b }

// TestHostileNames: whatever people and programs are called, a page says it and does nothing else.
func TestHostileNames(t *testing.T) {
	const evil = `</title><script>alert(1)</script><a href="x">"'&{{.}}`
	w := newWorld(t)
	w.Must(200, "PATCH", "/v3/projects/"+w.web, w.Admin(), object{"project": object{"name": evil}})
	w.Must(200, "PATCH", "/v3/roles/"+w.clerk, w.Admin(), object{"role": object{"name": evil, "description": evil}})
	w.Must(200, "PATCH", "/v3/users/"+w.bob, w.Admin(), object{"user": object{"name": evil}})
	w.program = w.consumer(evil)
	request := w.request()
	b := w.as("ada", consentPath(request))
	w.trust(nil)
	for _, p := range []page{
		b.page.is(200, evil), b.submit("console/authorize", granting(w.clerk)).is(200, evil), b.get(delegationsPath).is(200, evil),
		func() page { b := w.browser(); b.get(delegationsPath); return b.signIn(evil, "x").is(401) }(),
	} {
		assert.NotContains(t, p.Text, "<script")
		assert.NotContains(t, p.Text, `<a href="x"`)
	}
}

// TestNoSecretOfPeopleInClear reads the log and every page of a session.
func TestNoSecretOfPeopleInClear(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, service.WithLog(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	request := w.request()
	b := w.browser()
	b.get(consentPath(request))
	b.signIn("ada", "wrong-secret")
	b.signIn("ada", "pw-ada")
	session := b.cookies["mandate-session"].Value
	text := b.page.Text
	shown := b.submit("console/authorize", granting(w.clerk)).is(200)
	verifier := shown.verifier()
	text += b.get(delegationsPath).Text
	b.submit("sign-out", nil)
	require.Contains(t, log.String(), "DecideConsent")
	for _, secret := range []string{session, "wrong-secret", "pw-ada", verifier} {
		assert.NotContains(t, log.String(), secret)
	}
	for _, secret := range []string{session, "wrong-secret", "pw-ada"} {
		assert.NotContains(t, text+shown.Text, secret)
	}
}
