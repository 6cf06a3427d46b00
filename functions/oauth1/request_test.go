package oauth1_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/test/service"
)

var formText = regexp.MustCompile(`^oauth_token=[0-9a-f]{32}&oauth_token_secret=[0-9a-f]{32}&oauth_expires_at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$`)

func TestRequestToken(t *testing.T) {
	w := newWorld(t)
	// with is a good request but for what is changed.
	with := func(change func(*signed)) service.Reply {
		s := w.asking()
		change(&s)
		return w.send(s)
	}
	replace := func(old, fresh string) func(*signed) {
		return func(s *signed) { s.tamper = func(h string) string { return strings.Replace(h, old, fresh, 1) } }
	}

	t.Run("O-021_good", func(t *testing.T) {
		for _, name := range []string{"Requested-Project-Id", "Requested_project_id"} {
			is(t, 201, with(func(s *signed) { s.header = http.Header{name: {w.web}} }))
		}
		r := w.request(w.asking())
		r.Header.Del("Requested-Project-Id")
		r.Header.Set("requested_project_id", w.web)
		is(t, 201, w.Send(r))
	})
	t.Run("O-022_form_text", func(t *testing.T) {
		r := is(t, 201, w.send(w.asking()))
		require.Equal(t, []string{"application/x-www-form-urlencoded"}, r.Header["Content-Type"])
		require.Regexp(t, formText, r.Text)
		require.Contains(t, r.Text, "oauth_expires_at=2031-03-01T17:00:00.000000Z")
	})
	t.Run("O-023_a_life_without_end", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("OAUTH1_REQUEST_TOKEN_EXPIRATION", "0"))
		r := is(t, 201, w.send(w.asking()))
		require.NotContains(t, r.Text, "oauth_expires_at")
		request := w.form(r)
		w.later(1000 * time.Hour)
		w.verifier(request.id, w.operator)
	})
	t.Run("O-024_no_project", func(t *testing.T) {
		is(t, 400, with(func(s *signed) { s.header = nil }))
		is(t, 400, with(func(s *signed) { s.header = http.Header{"Requested-Project-Id": {""}} }))
	})
	t.Run("O-025_unknown_project", func(t *testing.T) {
		is(t, 404, with(func(s *signed) { s.header = http.Header{"Requested-Project-Id": {"nope"}} }))
		is(t, 404, with(func(s *signed) {
			s.header, s.consumer = http.Header{"Requested-Project-Id": {"nope"}}, credentials{w.consumer.id, secret.New("wrong")}
		}))
	})
	t.Run("O-026_unknown_consumer", func(t *testing.T) {
		is(t, 404, with(func(s *signed) { s.consumer = credentials{"nope", secret.New("wrong")} }))
	})
	t.Run("O-027_wrong_secret", func(t *testing.T) {
		r := is(t, 401, with(func(s *signed) { s.consumer.id, s.consumer.secret = w.consumer.id, secret.New("wrong") }))
		require.NotContains(t, r.Text, "signature")
	})
	t.Run("O-028_no_callback", func(t *testing.T) { is(t, 400, with(func(s *signed) { s.more = nil })) })
	t.Run("O-029_timestamps", func(t *testing.T) {
		for _, off := range []time.Duration{-700 * time.Second, 700 * time.Second, -601 * time.Second, 601 * time.Second} {
			is(t, 400, with(func(s *signed) { s.at = w.clock.Now().Add(off) }))
		}
		for _, off := range []time.Duration{-590 * time.Second, 590 * time.Second, -600 * time.Second, 600 * time.Second} {
			is(t, 201, with(func(s *signed) { s.at = w.clock.Now().Add(off) }))
		}
	})
	t.Run("O-030_no_timestamp_at_all", func(t *testing.T) {
		for _, bad := range []string{"123", "19303260000", "193032600x", "-193032600", "+193032600", "1e9"} {
			s := w.asking()
			s.tamper = func(h string) string {
				return regexp.MustCompile(`oauth_timestamp="\d*"`).ReplaceAllString(h, `oauth_timestamp="`+bad+`"`)
			}
			is(t, 400, w.send(s))
		}
	})
	t.Run("O-031_something_missing", func(t *testing.T) {
		for _, name := range []string{"oauth_signature", "oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature_method"} {
			r := is(t, 400, with(func(s *signed) { s.without = name }))
			require.Contains(t, r.Text, name)
		}
	})
	t.Run("O-032_other_methods", func(t *testing.T) {
		for _, m := range []oauth1.Method{"FOO", "RSA-SHA1", "RSA-SHA256", "HMAC-SHA512", "hmac-sha1"} {
			is(t, 400, with(func(s *signed) { s.with = m }))
		}
	})
	t.Run("O-033_version", func(t *testing.T) {
		is(t, 400, with(replace(`oauth_version="1.0"`, `oauth_version="2.0"`)))
		is(t, 201, with(func(s *signed) { s.without = "oauth_version" }))
	})
	t.Run("O-034_no_header", func(t *testing.T) {
		r := is(t, 400, with(func(s *signed) { s.tamper = func(string) string { return "" } }))
		require.Contains(t, r.Text, "proxy")
		is(t, 400, with(func(s *signed) { s.tamper = func(string) string { return "Basic b2s=" } }))
	})
	t.Run("O-035_another_URL_signed", func(t *testing.T) {
		is(t, 401, with(func(s *signed) { s.url, s.sent = accessURL, "/v3/OS-OAUTH1/request_token" }))
		is(t, 401, with(func(s *signed) {
			s.url, s.sent = strings.Replace(requestURL, "http:", "https:", 1), "/v3/OS-OAUTH1/request_token"
		}))
	})
	t.Run("O-036_again_with_another_nonce", func(t *testing.T) {
		require.NotEqual(t, w.requestToken().id, w.requestToken().id)
	})
	t.Run("O-037_repeated", func(t *testing.T) {
		s := w.asking()
		s.nonce = nonce()
		is(t, 201, w.send(s))
		is(t, 401, w.send(s))
		s.at = w.clock.Now().Add(time.Second)
		is(t, 201, w.send(s))
		forged := w.asking()
		forged.nonce, forged.consumer = nonce(), credentials{w.consumer.id, secret.New("wrong")}
		is(t, 401, w.send(forged))
		forged.consumer = w.consumer
		is(t, 201, w.send(forged))
	})
	t.Run("O-037_repeats_allowed", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("OAUTH1_ALLOW_REPEATS", "true"))
		s := w.asking()
		s.nonce = nonce()
		is(t, 201, w.send(s))
		is(t, 201, w.send(s))
	})
	t.Run("O-038_other_verbs", func(t *testing.T) {
		for _, path := range []string{"/v3/OS-OAUTH1/request_token", "/v3/OS-OAUTH1/access_token"} {
			for _, verb := range []string{"GET", "PUT"} {
				require.Contains(t, is(t, 405, w.Do(verb, path, "", nil)).Header.Get("Allow"), "POST")
			}
		}
	})
	t.Run("O-039_a_JSON_body", func(t *testing.T) { is(t, 201, with(func(s *signed) { s.body = "{}" })) })
	t.Run("O-040_no_JSON", func(t *testing.T) { is(t, 400, with(func(s *signed) { s.body = "{" })) })
	t.Run("O-041_a_form", func(t *testing.T) {
		s := w.asking()
		s.body = "a=1"
		r := w.request(s)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		is(t, 415, w.Send(r))
	})
	t.Run("O-042_a_token_beside", func(t *testing.T) {
		for _, token := range []string{w.adas, "garbage"} {
			r := w.request(w.asking())
			r.Header.Set("X-Auth-Token", token)
			is(t, 201, w.Send(r))
		}
	})
	t.Run("O-044_an_empty_token_header", func(t *testing.T) {
		r := w.request(w.asking())
		r.Header.Set("X-Auth-Token", "")
		is(t, 201, w.Send(r))
		r = w.request(w.issuing(w.access(w.operator)))
		r.Header.Set("X-Auth-Token", "")
		is(t, 201, w.Send(r))
	})
	t.Run("O-092_any_order", func(t *testing.T) {
		is(t, 201, with(func(s *signed) {
			s.tamper = func(h string) string {
				parts := strings.Split(strings.TrimPrefix(h, "OAuth "), ", ")
				for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
					parts[i], parts[j] = parts[j], parts[i]
				}
				return "oauth\t" + strings.Join(parts, ",\t")
			}
		}))
		is(t, 201, with(replace("OAuth ", `OAuth realm="Photos", `)))
		is(t, 400, with(replace("OAuth ", `OAuth oauth_nonce="twice", `)))
		is(t, 400, with(func(s *signed) { s.sent = "/v3/OS-OAUTH1/request_token?oauth_token=x" }))
	})
	t.Run("O-093_upper_case_and_default_port", func(t *testing.T) {
		for _, url := range []string{"HTTP://IDENTITY.TEST/v3/OS-OAUTH1/request_token", "http://identity.test:80/v3/OS-OAUTH1/request_token"} {
			is(t, 201, with(func(s *signed) { s.url = url }))
		}
		s := w.asking()
		s.url, s.tls = "https://identity.test:443/v3/OS-OAUTH1/request_token", true
		is(t, 201, w.send(s))
	})
	t.Run("O-094_another_port", func(t *testing.T) {
		s := w.asking()
		s.url = "http://identity.test:5000/v3/OS-OAUTH1/request_token"
		r := w.request(s)
		r.Host = "identity.test:5000"
		is(t, 201, w.Send(r))
		is(t, 401, w.send(s))
	})
	t.Run("O-095_any_printable_nonce", func(t *testing.T) {
		is(t, 201, with(func(s *signed) { s.nonce = "ABC+/xyz=" }))
		is(t, 201, with(func(s *signed) { s.nonce = strings.Repeat("n", 128) }))
		for _, bad := range []string{strings.Repeat("n", 129), "a b", "é", "a\nb"} {
			is(t, 400, with(func(s *signed) { s.nonce = bad }))
		}
	})
	t.Run("O-096_a_callback_URL", func(t *testing.T) {
		is(t, 201, with(func(s *signed) { s.more = [][2]string{{"oauth_callback", "http://example.com/cb?a=b c"}} }))
	})
	t.Run("O-097_PLAINTEXT", func(t *testing.T) {
		is(t, 400, with(func(s *signed) { s.with = oauth1.Plaintext }))
		https := func(s *signed) {
			s.with, s.tls, s.url = oauth1.Plaintext, true, strings.Replace(requestURL, "http:", "https:", 1)
		}
		is(t, 201, with(https))
		is(t, 401, with(func(s *signed) { https(s); s.consumer = credentials{w.consumer.id, secret.New("wrong")} }))
		allowed := newWorld(t, service.WithVariable("OAUTH1_ALLOW_PLAINTEXT", "true"))
		s := allowed.asking()
		s.with = oauth1.Plaintext
		is(t, 201, allowed.send(s))
	})
	t.Run("O-098_SHA-256", func(t *testing.T) { is(t, 201, with(func(s *signed) { s.with = oauth1.HMACSHA256 })) })
	t.Run("query_parameters_are_signed", func(t *testing.T) {
		is(t, 201, with(func(s *signed) { s.url = requestURL + "?b=1&a=x%20y&b=0" }))
		is(t, 401, with(func(s *signed) { s.url, s.sent = requestURL+"?a=1", "/v3/OS-OAUTH1/request_token?a=2" }))
	})
}
