package transcripts

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = `A file of two exchanges.

uses: setup.txt

### TR-001 a trust
# It is made.
wait 3s
POST /v3/OS-TRUST/trusts?x=1
X-Auth-Token: <token_trustor>
Content-Type:

{"trust": {}}

HTTP 201
Location: <any>

{"trust": {"id": "<trust_id>"}}

### TR-076 it is gone
DELETE /v3/OS-TRUST/trusts/<trust_id>

HTTP 204 (keystone: 409)
`

func TestParse(t *testing.T) {
	f, err := parse(sample)
	require.NoError(t, err)
	require.Len(t, f.Exchanges, 2)
	assert.Equal(t, "setup.txt", f.Uses)
	assert.Equal(t, Exchange{
		Heading: "TR-001 a trust", Line: 5, Wait: 3 * time.Second, Method: "POST", Path: "/v3/OS-TRUST/trusts?x=1",
		Headers: []Header{{"X-Auth-Token", "<token_trustor>"}, {"Content-Type", ""}}, Body: `{"trust": {}}`,
		Reply: Reply{Status: 201, Headers: []Header{{"Location", "<any>"}}, Body: `{"trust": {"id": "<trust_id>"}}`},
	}, f.Exchanges[0])
	assert.Equal(t, Reply{Status: 204, Keystone: 409, Otherwise: true}, f.Exchanges[1].Reply)
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a file without an exchange":     "only prose\n",
		"an exchange without a reply":    "### x\nGET /v3\n",
		"an exchange without a request":  "### x\n\nHTTP 200\n",
		"a status that is none":          "### x\nGET /v3\n\nHTTP OK\n",
		"a duration that is none":        "### x\nwait long\nGET /v3\n\nHTTP 200\n",
		"an unknown word after keystone": "### x\nGET /v3\n\nHTTP 200 (keystone: perhaps)\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(text)
			assert.Error(t, err)
		})
	}
}

func TestMatch(t *testing.T) {
	id, other := strings.Repeat("0a", 16), strings.Repeat("0b", 16)
	for _, c := range []struct {
		name, want, got string
		ok              bool
	}{
		{"equal values", `{"a": [1, null, true, "x"]}`, `{"a": [1, null, true, "x"]}`, true},
		{"another number", `{"a": 1}`, `{"a": 2}`, false},
		{"null is not absent", `{"a": null}`, `{}`, false},
		{"a member too many", `{"a": 1}`, `{"a": 1, "b": 2}`, false},
		{"a member too many, allowed", `{"a": 1, "...": "..."}`, `{"a": 1, "b": 2}`, true},
		{"a list in another order", `{"roles": [{"n": 1}, {"n": 2}]}`, `{"roles": [{"n": 2}, {"n": 1}]}`, true},
		{"audit ids in another order", `{"audit_ids": ["x", "y"]}`, `{"audit_ids": ["y", "x"]}`, false},
		{"an element too many", `[1]`, `[1, 2]`, false},
		{"an element too many, allowed", `[1, "..."]`, `[2, 1]`, true},
		{"an element missing, others allowed", `[3, "..."]`, `[2, 1]`, false},
		{"one element is not two", `[1, 1]`, `[1, 2]`, false},
		{"an id", `"<user_id>"`, `"` + id + `"`, true},
		{"an id that is none", `"<user_id>"`, `"Bob"`, false},
		{"a time", `"<end_at>"`, `"2031-01-02T03:04:05.000000Z"`, true},
		{"a time with a fraction", `"<end_at>"`, `"2031-01-02T03:04:05.120000Z"`, false},
		{"the same id twice", `["<user_id>", "<user_id>"]`, `["` + id + `", "` + id + `"]`, true},
		{"one name for two ids", `["<user_id>", "<user_id>"]`, `["` + id + `", "` + other + `"]`, false},
		{"a known id", `"<known_id>"`, `"` + other + `"`, true},
		{"not the known id", `"<known_id>"`, `"` + id + `"`, false},
		{"an id inside a link", `"<base>/v3/users/<known_id>"`, `"http://x/v3/users/` + other + `"`, true},
		{"anything", `{"a": "<any>"}`, `{"a": {"b": []}}`, true},
		{"an early choice that has to be undone", `[{"id": "<user_id>"}, {"id": "<user_id>", "n": 1, "...": "..."}]`, `[{"id": "` + id + `"}, {"id": "` + id + `", "n": 1}]`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := decode([]byte(c.want))
			require.NoError(t, err)
			got, err := decode([]byte(c.got))
			require.NoError(t, err)
			_, err = matcher{}.match("body", want, got, bindings{"base": "http://x", "known_id": other})
			assert.Equal(t, c.ok, err == nil, "%v", err)
		})
	}
}

func TestMatchLearns(t *testing.T) {
	b, err := matchText("req-<id>/<n_id>", "req-7/"+strings.Repeat("0", 32), bindings{})
	require.NoError(t, err)
	assert.Equal(t, bindings{"id": "7", "n_id": strings.Repeat("0", 32)}, b)
}

func TestFill(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 600, time.UTC)
	b := bindings{"user_id": "u"}
	text, err := b.fill(`{"u": "<user_id>", "e": "<in_1h_at>"}`, now)
	require.NoError(t, err)
	assert.Equal(t, `{"u": "u", "e": "2031-01-02T04:04:05.000000Z"}`, text)
	assert.Equal(t, "2031-01-02T04:04:05.000000Z", b["in_1h_at"])
	text, err = b.fill(`{"pad": "<fill_to_100>"}`, now)
	require.NoError(t, err)
	assert.Len(t, text, 100)
	_, err = b.fill("<unheard_of>", now)
	assert.Error(t, err)
}

// TestReplyMustBeWhole shows what is checked of every reply without being written down.
func TestReplyMustBeWhole(t *testing.T) {
	good := http.Header{"Vary": {"X-Auth-Token"}, "X-Openstack-Request-Id": {"req-01234567-0123-0123-0123-0123456789ab"}, "Content-Type": {"application/json"}}
	envelope := `{"error": {"code": 404, "title": "Not Found", "message": "m"}}`
	without := func(name string) http.Header { h := good.Clone(); h.Del(name); return h }
	for _, c := range []struct {
		name   string
		header http.Header
		status int
		body   string
		ok     bool
	}{
		{"an error in its envelope", good, 404, envelope, true},
		{"no Vary", without("Vary"), 404, envelope, false},
		{"no request id", without("X-Openstack-Request-Id"), 404, envelope, false},
		{"no type", without("Content-Type"), 404, envelope, false},
		{"code other than the status", good, 403, envelope, false},
		{"a member beside error", good, 404, strings.TrimSuffix(envelope, "}") + `, "x": 1}`, false},
		{"no envelope", good, 404, `{}`, false},
		{"a status other than expected", good, 200, ``, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay{Server: Server{Base: "http://x", Now: time.Now, Do: func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(strings.NewReader(c.body))}, nil
			}}, bound: bindings{}}
			want := c.status
			if c.status == 200 {
				want = 404
			}
			err := r.exchange(Exchange{Method: "GET", Path: "/v3", Reply: Reply{Status: want}})
			assert.Equal(t, c.ok, err == nil, "%v", err)
		})
	}
}

// TestFilesAreRead reads every transcript of the source tree, so that a slip of the pen
// is found where it is and not where it is replayed.
func TestFilesAreRead(t *testing.T) {
	paths, err := Find(".")
	require.NoError(t, err)
	for _, path := range append(paths, "setup.txt") {
		f, err := Read(path)
		require.NoError(t, err)
		if f.Uses != "" {
			_, err = os.Stat(filepath.Clean(f.Uses))
			assert.NoError(t, err, path)
		}
		seen := map[string]bool{}
		for _, e := range f.Exchanges {
			assert.NotEmpty(t, e.Heading, "%s:%d", path, e.Line)
			seen[e.Heading] = true
			if e.Reply.Body != "" && !strings.HasPrefix(e.Reply.Body, formBegins) {
				_, err := decode([]byte(e.Reply.Body))
				assert.NoError(t, err, "%s:%d", path, e.Line)
			}
		}
		assert.Len(t, seen, len(f.Exchanges), "%s has two exchanges of one heading", path)
	}
}
