package budget

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/test/service"
)

// program is a consumer with an access token of ada's.
type program struct {
	w                        *world
	consumer, access         string
	consumerSecret, tokenOwn secret.Text
	nonce                    int
}

// delegate lets ada hand her role to a program.
func (w *world) delegate(t *testing.T) *program {
	t.Helper()
	made := w.Must(http.StatusCreated, "POST", "/v3/OS-OAUTH1/consumers", w.Admin(), map[string]any{"consumer": map[string]any{}}).Member("consumer")
	p := &program{w: w, consumer: made["id"].(string), consumerSecret: secret.New(made["secret"].(string))}
	p.take(t, p.send("/v3/OS-OAUTH1/request_token", "", oauth1.Pair{Name: "oauth_callback", Value: "oob"}))
	allowed := w.Must(http.StatusOK, "PUT", "/v3/OS-OAUTH1/authorize/"+p.access, w.adaToken,
		map[string]any{"roles": []any{map[string]any{"id": w.role}}}).Member("token")
	p.take(t, p.send("/v3/OS-OAUTH1/access_token", "", oauth1.Pair{Name: "oauth_verifier", Value: allowed["oauth_verifier"].(string)}))
	return p
}

// take keeps the credentials of a reply.
func (p *program) take(t *testing.T, r service.Reply) {
	t.Helper()
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
	values, err := url.ParseQuery(r.Text)
	require.NoError(t, err)
	p.access, p.tokenOwn = values.Get("oauth_token"), secret.New(values.Get("oauth_token_secret"))
}

// send sends a signed request.
func (p *program) send(path, body string, more ...oauth1.Pair) service.Reply {
	p.nonce++
	params := append(oauth1.Params{
		{Name: "oauth_nonce", Value: strconv.Itoa(p.nonce)}, {Name: "oauth_timestamp", Value: strconv.FormatInt(time.Now().Unix(), 10)},
		{Name: "oauth_signature_method", Value: string(oauth1.HMACSHA1)}, {Name: "oauth_consumer_key", Value: p.consumer},
	}, more...)
	if p.access != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: p.access})
	}
	base := oauth1.BaseString("POST", service.Base+path, params)
	params = append(params, oauth1.Pair{Name: "oauth_signature", Value: oauth1.Sign(oauth1.HMACSHA1, base, p.consumerSecret, p.tokenOwn)})
	parts := make([]string, 0, len(params))
	for _, one := range params {
		parts = append(parts, one.Name+`="`+oauth1.Encode(one.Value)+`"`)
	}
	r := httptest.NewRequest("POST", service.Base+path, strings.NewReader(body))
	r.Header.Set("Authorization", "OAuth "+strings.Join(parts, ","))
	r.Header.Set("Requested-Project-Id", p.w.project)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return p.w.Send(r)
}

// token obtains an identity token.
func (p *program) token(t *testing.T) string {
	t.Helper()
	r := p.send("/v3/auth/tokens", `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}}}}`)
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
	return r.Header.Get("X-Subject-Token")
}

func TestDelegateToAProgram(t *testing.T) {
	w := build(t)
	p := w.delegate(t)
	w.atMost(t, 4, 4, 40) // the exchange: two reads, its nonce and try, its transaction
	t.Run("issue by OAuth1", func(t *testing.T) {
		p.token(t)
		w.atMost(t, 2, 7, 3+1+4+2) // the first in an hour: and the note of when
		token := p.token(t)
		w.atMost(t, 2, 7, 3+1+4) // with the nonce, in a transaction that costs twice
		require.LessOrEqual(t, len(token), 200)
	})
	mine := "/v3/users/" + w.ada + "/OS-OAUTH1/access_tokens"
	t.Run("list access tokens", func(t *testing.T) {
		w.Must(http.StatusOK, "GET", mine, w.adaToken, nil)
		w.atMost(t, 3, 5+1+2, 0) // the list is read beside the caller
	})
	t.Run("revoke an access token", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", mine+"/"+p.access, w.adaToken, nil)
		w.atMost(t, 2, 5+2, 8+2) // 8, and in the same transaction the item that says who deleted it, which its event needs (decision 0010)
	})
}
