package oauth1

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/problem"
)

const signedAt = 1_800_000_000

// withOnly is a well-formed request, by HMAC-SHA1 over http, but for what is given; "" leaves out.
func withOnly(given ...Pair) Request {
	r := Request{Params: Params{
		{paramConsumer, "c"}, {paramMethod, string(HMACSHA1)}, {paramSignature, "s"},
		{paramTimestamp, strconv.Itoa(signedAt)}, {paramNonce, "n"}, {paramVersion, "1.0"},
	}}
	for _, g := range given {
		for i, p := range r.Params {
			if p.Name == g.Name {
				r.Params[i].Value = g.Value
			}
		}
	}
	return r
}

func TestWhatASignatureSays(t *testing.T) {
	at := func(n int) Pair { return Pair{paramTimestamp, strconv.Itoa(signedAt + n)} }
	for _, c := range []struct {
		name  string
		given Pair
		wrong string // the parameter that is named; "" when all is well
	}{
		{"all given", Pair{}, ""},
		{"O-031_no_consumer", Pair{paramConsumer, ""}, paramConsumer},
		{"O-031_no_signature", Pair{paramSignature, ""}, paramSignature},
		{"O-031_no_method", Pair{paramMethod, ""}, paramMethod},
		{"O-031_no_timestamp", Pair{paramTimestamp, ""}, paramTimestamp},
		{"O-031_no_nonce", Pair{paramNonce, ""}, paramNonce},
		{"O-033_another_version", Pair{paramVersion, "2.0"}, paramVersion},
		{"an empty version", Pair{paramVersion, ""}, paramVersion},
		{"HMAC-SHA256", Pair{paramMethod, "HMAC-SHA256"}, ""},
		{"O-032_an_unknown_method", Pair{paramMethod, "RSA-SHA1"}, paramMethod},
		{"PLAINTEXT over http", Pair{paramMethod, string(Plaintext)}, paramMethod},
		{"O-029_the_earliest", at(-window), ""},
		{"O-029_too_early", at(-window - 1), paramTimestamp},
		{"O-029_the_latest", at(window), ""},
		{"O-029_too_late", at(window + 1), paramTimestamp},
		{"O-030_nine_digits", Pair{paramTimestamp, "180000000"}, paramTimestamp},
		{"O-030_eleven_digits", Pair{paramTimestamp, "01800000000"}, paramTimestamp},
		{"O-030_no_digit_first", Pair{paramTimestamp, "+800000000"}, paramTimestamp},
		{"O-030_below_the_digits", Pair{paramTimestamp, "180000000/"}, paramTimestamp},
		{"O-030_above_the_digits", Pair{paramTimestamp, "180000000:"}, paramTimestamp},
		{"the longest nonce", Pair{paramNonce, strings.Repeat("n", maxNonce)}, ""},
		{"too long a nonce", Pair{paramNonce, strings.Repeat("n", maxNonce+1)}, paramNonce},
		{"O-095_a_nonce_of_base64", Pair{paramNonce, "ABC+/xyz="}, ""},
		{"the first printable character", Pair{paramNonce, "a!"}, ""},
		{"the last printable character", Pair{paramNonce, "a~"}, ""},
		{"a nonce with a space", Pair{paramNonce, "a b"}, paramNonce},
		{"a nonce with DEL", Pair{paramNonce, "a\x7f"}, paramNonce},
		{"a nonce that is no ASCII", Pair{paramNonce, "ä"}, paramNonce},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := withOnly(c.given).wellFormed(signedAt, false)
			if c.wrong == "" {
				assert.NoError(t, err)
				return
			}
			require.True(t, problem.Is(err, problem.KindInvalid), "%v", err)
			assert.ErrorContains(t, err, c.wrong)
		})
	}
	t.Run("PLAINTEXT over https", func(t *testing.T) {
		r := withOnly(Pair{paramMethod, string(Plaintext)})
		r.Secure = true
		assert.NoError(t, r.wellFormed(signedAt, false))
	})
	t.Run("PLAINTEXT where it is allowed", func(t *testing.T) {
		assert.NoError(t, withOnly(Pair{paramMethod, string(Plaintext)}).wellFormed(signedAt, true))
	})
}

// TestWhatAClientMayHaveSigned: oauth1.md section 8.1.
func TestWhatAClientMayHaveSigned(t *testing.T) {
	for _, c := range []struct {
		name, url, prefix, public string
		tls                       bool
		want                      []string
		secure                    bool
	}{
		{"as it arrived", "/v3/x", "", "", false, []string{"http://h/v3/x", "http://h/v3/x/"}, false},
		{"with a slash", "/v3/x/", "", "", false, []string{"http://h/v3/x", "http://h/v3/x/"}, false},
		{"a gateway's prefix", "/v3/x", "/prod", "", false, []string{"http://h/prod/v3/x", "http://h/v3/x"}, false},
		{"https", "https://h/v3/x", "", "", true, []string{"https://h/v3/x"}, true},
		{"as configured", "/v3/x", "", "https://id.example.org", false, []string{"http://h/v3/x", "https://id.example.org/v3/x"}, false},
		{"configured with a path", "/v3/x", "", "https://id.example.org:5000/base/", false, []string{"https://id.example.org:5000/base/v3/x"}, false},
		{"configured with the usual port", "/v3/x", "", "https://id.example.org:443", false, []string{"https://id.example.org/v3/x"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, c.url, nil)
			r.Host = "h"
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			r.Header.Set("Authorization", headerA)
			if c.prefix != "" {
				r.Header.Set("X-Forwarded-Prefix", c.prefix)
			}
			got, err := FromRequest(r, c.public)
			require.NoError(t, err)
			assert.Subset(t, got.URIs, c.want)
			assert.Equal(t, c.secure, got.Secure)
			assert.Equal(t, http.MethodGet, got.Method)
		})
	}
}

func TestRequestsThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ name, url, header, says string }{
		{"O-034_no_header", "/v3/x", "", "did not arrive"},
		{"another scheme", "/v3/x", "Basic abc", "must be of the scheme OAuth"},
		{"an OAuth parameter in the query", "/v3/x?oauth_nonce=1", headerA, "the query"},
		{"a query that is no encoding", "/v3/x?a=%zz", headerA, "the query"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v3/x", nil)
			_, r.URL.RawQuery, _ = strings.Cut(c.url, "?")
			r.Header.Set("Authorization", c.header)
			_, err := FromRequest(r, "")
			require.True(t, problem.Is(err, problem.KindInvalid), "%v", err)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

// TestTheQueryIsSigned: a signature without the query counts only where that is allowed.
func TestTheQueryIsSigned(t *testing.T) {
	r := withOnly()
	r.Method, r.URIs = http.MethodGet, []string{"http://h/v3/x"}
	bare := Sign(HMACSHA1, BaseString(r.Method, r.URIs[0], r.Params), consumerSecret, accessSecret)
	r.Query = Params{{"nocatalog", ""}}
	whole := Sign(HMACSHA1, BaseString(r.Method, r.URIs[0], append(r.Params[:len(r.Params):len(r.Params)], r.Query...)), consumerSecret, accessSecret)
	for _, also := range []bool{false, true} {
		r.AlsoWithoutQuery = also
		for i, p := range r.Params {
			if p.Name == paramSignature {
				r.Params[i].Value = whole
			}
		}
		assert.True(t, r.signedWith(consumerSecret, accessSecret))
		for i, p := range r.Params {
			if p.Name == paramSignature {
				r.Params[i].Value = bare
			}
		}
		assert.Equal(t, also, r.signedWith(consumerSecret, accessSecret))
		assert.False(t, r.signedWith(accessSecret, consumerSecret))
	}
}

// TestTheFormOfAVerifier: O-073.
func TestTheFormOfAVerifier(t *testing.T) {
	good := newVerifier()
	require.NoError(t, checkVerifier(good.Reveal()))
	for _, bad := range []string{"", good.Reveal()[1:], good.Reveal() + "a", good.Reveal()[:7] + "-", "-" + good.Reveal()[1:]} {
		assert.True(t, problem.Is(checkVerifier(bad), problem.KindInvalid), bad)
	}
	assert.Len(t, good.Reveal(), verifierLength)
	assert.NotEqual(t, good, newVerifier())
}

// TestEnds: a life of 0 never ends, and what ends is good until that second is over (section 2).
func TestEnds(t *testing.T) {
	now := time.Unix(signedAt, 500_000_000).UTC()
	s := &Service{now: func() time.Time { return now }}
	assert.True(t, s.end(0).IsZero())
	assert.False(t, s.expired(time.Time{}))
	end := s.end(10 * time.Second)
	assert.Equal(t, time.Unix(signedAt+10, 0).UTC(), end)
	for _, c := range []struct {
		at      time.Time
		expired bool
	}{{end.Add(-time.Second), false}, {end, false}, {end.Add(time.Nanosecond), true}} {
		now = c.at
		assert.Equal(t, c.expired, s.expired(end), "%s", c.at)
	}
}
