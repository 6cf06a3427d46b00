package transcripts

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

// signHeader is the header of a transcript that becomes an OAuth1 signature.
const signHeader = "Sign"

// formBegins is how a body in form text begins, the only ones that are no JSON.
const formBegins = "oauth_token="

// sign signs a request as words say: key, secret, maybe a token and its secret, then
// further parameters.
func (r *replay) sign(req *http.Request, words string) error {
	var ids []string
	params := oauth1.Params{
		{Name: "oauth_nonce", Value: rand.Text()}, {Name: "oauth_version", Value: "1.0"},
		{Name: "oauth_timestamp", Value: strconv.FormatInt(r.Now().Unix(), 10)}, {Name: "oauth_signature_method", Value: "HMAC-SHA1"},
	}
	for _, word := range strings.Fields(words) {
		if name, value, ok := strings.Cut(word, "="); ok {
			params = append(params, oauth1.Pair{Name: name, Value: value})
		} else {
			ids = append(ids, word)
		}
	}
	var token secret.Text
	switch len(ids) {
	case 2:
	case 4:
		params, token = append(params, oauth1.Pair{Name: "oauth_token", Value: ids[2]}), secret.New(ids[3])
	default:
		return fmt.Errorf("%s: %d words instead of a key, its secret and maybe a token and its secret", signHeader, len(ids))
	}
	params = append(params, oauth1.Pair{Name: "oauth_consumer_key", Value: ids[0]})
	base := oauth1.BaseString(req.Method, oauth1.BaseURI(req.URL.Scheme, req.URL.Host, req.URL.EscapedPath()), params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, base, secret.New(ids[1]), token)})
	parts := make([]string, 0, len(params))
	for _, p := range params {
		parts = append(parts, p.Name+`="`+oauth1.Encode(p.Value)+`"`)
	}
	req.Header.Set("Authorization", "OAuth "+strings.Join(parts, ", "))
	return nil
}
