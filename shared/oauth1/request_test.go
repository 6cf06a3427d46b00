package oauth1_test

import (
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// TestFromRequest: which URLs a client may have signed (oauth1.md section 8.1), and what of
// a request counts.
func TestFromRequest(t *testing.T) {
	for _, c := range []struct {
		name, url, prefix, public string
		want                      []string // without and with a slash at the end
		secure                    bool
	}{
		{"O-093 the default port of http", "http://ID.example:80/v3", "", "", []string{"http://id.example/v3"}, false},
		{"O-093 the default port of https", "https://ID.example:443/v3", "", "", []string{"https://id.example/v3"}, true},
		{"O-094 another port", "https://id.example:80/v3", "", "", []string{"https://id.example:80/v3"}, true},
		{"no scheme is http", "//id.example:80/v3", "", "", []string{"http://id.example/v3"}, false},
		{"a slash at the end", "http://id.example/v3/", "", "", []string{"http://id.example/v3"}, false},
		{"a path as it was sent", "http://id.example/a%2Fb", "", "", []string{"http://id.example/a%2Fb"}, false},
		{"O-099 a stage", "https://id.example/v3", "/prod", "", []string{"https://id.example/prod/v3", "https://id.example/v3"}, true},
		{"O-102 a public URL with a prefix", "http://inner/v3", "", "https://id.example:443/identity/",
			[]string{"http://inner/v3", "https://id.example/identity/v3"}, false},
		{"O-102 a public URL without", "http://inner/v3", "", "https://id.example", []string{"http://inner/v3", "https://id.example/v3"}, false},
		{"a public URL that is none", "http://inner/v3", "", "id.example", []string{"http://inner/v3"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			u, err := url.Parse(c.url)
			require.NoError(t, err)
			r.URL, r.Host = u, u.Host
			r.Header.Set("Authorization", `OAuth a="1"`)
			r.Header.Set("X-Forwarded-Prefix", c.prefix)
			r.Header.Set("X-Forwarded-Host", "evil.example")
			got, err := oauth1.FromRequest(r, c.public)
			require.NoError(t, err)
			seen := map[string]bool{}
			for _, uri := range got.URIs {
				seen[uri] = true
			}
			want := map[string]bool{}
			for _, uri := range c.want {
				want[uri], want[uri+"/"] = true, true
			}
			assert.Equal(t, want, seen)
			assert.Equal(t, c.secure, got.Secure)
			assert.Equal(t, oauth1.Params{{Name: "a", Value: "1"}}, got.Params)
			assert.Equal(t, "POST", got.Method)
		})
	}
	for name, c := range map[string]struct{ header, query, names string }{
		"O-034 no header":                     {"", "", "a proxy or gateway"},
		"another scheme":                      {"Basic b2s=", "", "must be of the scheme OAuth"},
		"an OAuth parameter in the query":     {`OAuth a="1"`, "oauth_token=1", "the query"},
		"a query that cannot be taken apart":  {`OAuth a="1"`, "%zz", "the query"},
		"a value that cannot be":              {`OAuth a="1"`, "a=%z1", "the query"},
		"a parameter twice, once in a header": {`OAuth a="1", a="1"`, "", "each parameter once"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "http://id.example/v3", strings.NewReader("oauth_token=1"))
			r.URL.RawQuery = c.query
			r.Header.Set("Authorization", c.header)
			_, err := oauth1.FromRequest(r, "")
			is(t, problem.KindInvalid, err)
			assert.ErrorContains(t, err, c.names)
		})
	}
}

// TestSignedQuery: the query is signed with the parameters; only where it is allowed, a
// signature is good that leaves it out.
func TestSignedQuery(t *testing.T) {
	w := newWorld(t, lives)
	_, access := w.access()
	bare := func() oauth1.Request { return w.request(w.consumer, access) }
	is(t, 0, w.use(bare()))
	whole := bare()
	whole.Query = oauth1.Params{{Name: "a", Value: "1"}}
	is(t, problem.KindUnauthorized, w.use(whole))
	whole.AlsoWithoutQuery = true
	is(t, 0, w.use(whole))
	signed := w.request(w.consumer, access, with("a", "1"))
	signed.Params, signed.Query = without("a")(signed.Params), oauth1.Params{{Name: "a", Value: "1"}}
	is(t, 0, w.use(signed))
	signed.AlsoWithoutQuery = true
	is(t, 0, w.use(signed))
	signed.Query[0].Value = "2"
	is(t, problem.KindUnauthorized, w.use(signed))
}

// TestWellFormed: what a client may say about its signature, at the edges. Each request is
// signed well as it stands.
func TestWellFormed(t *testing.T) {
	w := newWorld(t, lives)
	off := func(seconds int64) func(oauth1.Params) oauth1.Params {
		return with("oauth_timestamp", strconv.FormatInt(w.now.Unix()+seconds, 10))
	}
	at := strconv.FormatInt(w.now.Unix(), 10)
	const bad = problem.KindInvalid
	for _, c := range []struct {
		name  string
		edit  func(oauth1.Params) oauth1.Params
		want  problem.Kind
		names string
	}{
		{"O-029 600 s old", off(-600), 0, ""},
		{"O-029 601 s old", off(-601), bad, "oauth_timestamp"},
		{"O-029 600 s ahead", off(600), 0, ""},
		{"O-029 601 s ahead", off(601), bad, "oauth_timestamp"},
		{"O-030 nine digits", with("oauth_timestamp", at[:9]), bad, "ten digits"},
		{"O-030 eleven digits", with("oauth_timestamp", "0"+at), bad, "ten digits"},
		{"O-030 the character below the digits", with("oauth_timestamp", at[:9]+"/"), bad, "ten digits"},
		{"O-030 the character above the digits", with("oauth_timestamp", at[:9]+":"), bad, "ten digits"},
		{"O-030 a sign", with("oauth_timestamp", "+"+at[1:]), bad, "ten digits"},
		{"O-095 a nonce of one character", with("oauth_nonce", "!"), 0, ""},
		{"O-095 the last character that may be", with("oauth_nonce", "~"), 0, ""},
		{"O-095 base64", with("oauth_nonce", "ABC+/xyz="), 0, ""},
		{"O-095 the longest nonce", with("oauth_nonce", strings.Repeat("n", 128)), 0, ""},
		{"O-095 a nonce that is too long", with("oauth_nonce", strings.Repeat("n", 129)), bad, "oauth_nonce"},
		{"O-095 a space", with("oauth_nonce", "a b"), bad, "oauth_nonce"},
		{"O-095 a line end", with("oauth_nonce", "a\n"), bad, "oauth_nonce"},
		{"O-095 the character above the last", with("oauth_nonce", "a\x7f"), bad, "oauth_nonce"},
		{"O-095 a letter that is not ASCII", with("oauth_nonce", "é"), bad, "oauth_nonce"},
		{"O-031 no nonce", without("oauth_nonce"), bad, "oauth_nonce"},
		{"O-031 an empty nonce", with("oauth_nonce", ""), bad, "oauth_nonce"},
		{"O-031 no timestamp", without("oauth_timestamp"), bad, "oauth_timestamp"},
		{"O-031 no method", without("oauth_signature_method"), bad, "oauth_signature_method"},
		{"O-028 no callback", without("oauth_callback"), bad, "oauth_callback"},
		{"O-096 a callback that is a URL", with("oauth_callback", "http://example.com/cb"), 0, ""},
		{"O-032 an unknown method", with("oauth_signature_method", "FOO"), bad, "oauth_signature_method"},
		{"O-032 a method in small letters", with("oauth_signature_method", "hmac-sha1"), bad, "oauth_signature_method"},
		{"O-098 HMAC-SHA256", with("oauth_signature_method", "HMAC-SHA256"), 0, ""},
		{"O-033 no version", without("oauth_version"), 0, ""},
		{"O-033 the version", with("oauth_version", "1.0"), 0, ""},
		{"O-033 another version", with("oauth_version", "2.0"), bad, "oauth_version"},
		{"O-033 an empty version", with("oauth_version", ""), bad, "oauth_version"},
		{"a parameter that we do not know", with("x", "1"), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), w.asking(c.edit), w.web)
			is(t, c.want, err)
			if c.want != 0 {
				assert.ErrorContains(t, err, c.names)
			}
		})
	}
	t.Run("O-031 no signature", func(t *testing.T) {
		r := w.asking()
		r.Params = without("oauth_signature")(r.Params)
		_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), r, w.web)
		is(t, bad, err)
		assert.ErrorContains(t, err, "oauth_signature")
	})
	t.Run("O-024 to O-027 in their order", func(t *testing.T) {
		stranger, forged := credentials{id: "nobody"}, credentials{w.consumer.id, secret.New("x")}
		for _, c := range []struct {
			consumer credentials
			project  string
			want     problem.Kind
		}{
			{credentials{}, w.web, bad},
			{stranger, "", bad},
			{stranger, "nowhere", problem.KindNotFound},
			{stranger, w.web, problem.KindNotFound},
			{forged, w.web, problem.KindUnauthorized},
		} {
			_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), w.request(c.consumer, credentials{}, with("oauth_callback", "oob")), c.project)
			is(t, c.want, err)
		}
	})
}

// TestPlaintext: it shows the secrets, so the connection must be https unless a setting says
// otherwise (O-097).
func TestPlaintext(t *testing.T) {
	for _, c := range []struct {
		name            string
		secure, setting bool
		want            problem.Kind
	}{
		{"O-097 over https", true, false, 0},
		{"O-097 over http", false, false, problem.KindInvalid},
		{"O-097 over http where it may be", false, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, oauth1.Settings{Plaintext: c.setting})
			r := w.asking(with("oauth_signature_method", "PLAINTEXT"))
			r.Secure = c.secure
			_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), r, w.web)
			is(t, c.want, err)
		})
	}
}

// TestUsedUp: a request is good once (O-037), and only a replay is called one.
func TestUsedUp(t *testing.T) {
	w := newWorld(t, lives)
	create := func(r oauth1.Request) error {
		_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), r, w.web)
		return err
	}
	t.Run("O-037 the same request again", func(t *testing.T) {
		r := w.asking()
		is(t, 0, create(r))
		is(t, problem.KindUnauthorized, create(r))
	})
	t.Run("O-037 what else makes it another", func(t *testing.T) {
		nonce := with("oauth_nonce", "shared")
		is(t, 0, create(w.asking(nonce)))
		is(t, problem.KindUnauthorized, create(w.asking(nonce)))
		is(t, 0, create(w.asking(nonce, with("oauth_timestamp", strconv.FormatInt(w.now.Unix()+1, 10)))))
		is(t, 0, create(w.request(w.newConsumer(), credentials{}, nonce, with("oauth_callback", "oob"))))
	})
	t.Run("O-037 a forged request uses nothing up", func(t *testing.T) {
		good := w.asking()
		forged := good
		forged.Params = with("oauth_signature", "AAAA")(good.Params)
		is(t, problem.KindUnauthorized, create(forged))
		is(t, 0, create(good))
	})
	t.Run("O-037 repeats where they may be", func(t *testing.T) {
		settings := lives
		settings.Repeats = true
		w := newWorld(t, settings)
		r := w.asking()
		for range 2 {
			_, _, err := w.oauth.CreateRequestToken(w.ctx, w.reads(), r, w.web)
			is(t, 0, err)
		}
		_, burns := w.oauth.Burn(r)
		require.False(t, burns)
		require.False(t, w.oauth.Replayed(r, &store.Refused{}))
	})
	for name, k := range map[string]store.Key{"O-025 the project went meanwhile": store.Project(w.web), "O-026 the consumer went meanwhile": store.Consumer(w.consumer.id)} {
		t.Run(name, func(t *testing.T) {
			w.losing(k, func() { is(t, problem.KindNotFound, create(w.asking())) })
		})
	}
	t.Run("a write that fails", func(t *testing.T) {
		w.table.write = func([]store.Mutation) error { return errBroken }
		broken(t, create(w.asking()))
	})
}
