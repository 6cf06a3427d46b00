package oauth1

import (
	"bufio"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
)

var requests = flag.String("requests", "testdata/oauthlib.jsonl", "requests as test/oauth1/generate.py writes them")

// signed is a request that oauthlib signed.
type signed struct {
	Method         string
	URL            string
	ConsumerSecret string `json:"consumer_secret"`
	TokenSecret    string `json:"token_secret"`
	Header         string
	Base           string
	With           Method `json:"signature_method"`
	Signature      string
}

// TestOauthlib: base string and signature are those of oauthlib, byte for byte, and a
// request is good with its own secrets only.
func TestOauthlib(t *testing.T) {
	f, err := os.Open(*requests)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		n++
		var v signed
		require.NoError(t, json.Unmarshal(lines.Bytes(), &v))
		params, err := ParseHeader(v.Header)
		require.NoError(t, err, "%d: %s", n, v.Header)
		at, query, _ := strings.Cut(v.URL, "?")
		more, err := ParseQuery(query)
		require.NoError(t, err, "%d: %s", n, v.URL)
		u, err := url.Parse(at)
		require.NoError(t, err)
		host, path, _ := strings.Cut(strings.SplitN(at, "://", 2)[1], "/")
		if strings.Contains(at[8:], "/") {
			path = "/" + path
		}
		base := BaseString(v.Method, BaseURI(u.Scheme, host, path), append(params, more...))
		consumer, token := secret.New(v.ConsumerSecret), secret.New(v.TokenSecret)
		if base != v.Base || Sign(v.With, base, consumer, token) != v.Signature { // Equal is slow
			require.Equal(t, v.Base, base, "%d: %s %s", n, v.URL, v.Header)
			require.Equal(t, v.Signature, Sign(v.With, base, consumer, token), "%d: %s %s", n, v.URL, v.Header)
		}
		other := secret.New(v.ConsumerSecret + "x")
		if !Verify(v.With, params.Get(paramSignature), consumer, token, base) || Verify(v.With, v.Signature, other, token, base) {
			require.Fail(t, "verified wrongly", "%d: %s", n, v.Header)
		}
	}
	require.NoError(t, lines.Err())
	require.GreaterOrEqual(t, n, 300)
	t.Logf("%d requests", n)
}
