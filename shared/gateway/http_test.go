package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/gateway"
)

// seen is what a handler was given.
type seen struct {
	request *http.Request
	body    string
}

// invoke gives an event to a handler and returns what the handler saw and what came back.
func invoke(t *testing.T, event any, reply any, answer http.HandlerFunc) seen {
	t.Helper()
	payload, isText := event.(string)
	if !isText {
		b, err := json.Marshal(event)
		require.NoError(t, err)
		payload = string(b)
	}
	var s seen
	h := gateway.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		s = seen{r, string(body)}
		answer(w, r)
	}))
	out, err := h.Invoke(t.Context(), []byte(payload))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, reply))
	return s
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// both runs a test on what the two payloads make of the same request.
func both(t *testing.T, v2 events.APIGatewayV2HTTPRequest, v1 events.APIGatewayProxyRequest, check func(*testing.T, seen)) {
	t.Helper()
	v2.Version = "2.0"
	t.Run("payload 2.0", func(t *testing.T) {
		check(t, invoke(t, v2, &events.APIGatewayV2HTTPResponse{}, noContent))
	})
	t.Run("payload 1.0", func(t *testing.T) {
		check(t, invoke(t, v1, &events.APIGatewayProxyResponse{}, noContent))
	})
}

func http2(method, path string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.RawPath, e.RequestContext.HTTP.Method, e.RequestContext.DomainName = path, method, "api.example"
	e.RequestContext.HTTP.SourceIP, e.RequestContext.Stage = "192.0.2.7", "$default"
	return e
}

func http1(method, path string) events.APIGatewayProxyRequest {
	var e events.APIGatewayProxyRequest
	e.Path, e.HTTPMethod, e.RequestContext.DomainName = path, method, "api.example"
	e.RequestContext.Identity.SourceIP, e.RequestContext.Stage = "192.0.2.7", "Prod"
	e.RequestContext.Path = "/Prod" + path
	return e
}

func TestARequestIsWhole(t *testing.T) {
	v2, v1 := http2("GET", "/v3/users/ada"), http1("GET", "/v3/users/ada")
	v2.RouteKey, v1.Resource = "GET /v3/users/{user_id}", "/v3/users/{user_id}"
	v2.PathParameters, v1.PathParameters = map[string]string{"user_id": "ada"}, map[string]string{"user_id": "ada"}
	v2.RawQueryString = "b=2&a=1"
	v1.MultiValueQueryStringParameters = map[string][]string{"b": {"2"}, "a": {"1"}}
	date, accept := "Mon, 23 Nov 2026 10:00:00 GMT", "text/html, application/json;q=0.9"
	v2.Headers = map[string]string{"host": "id.example", "date": date, "accept": accept, "x-forwarded-proto": "https"}
	v1.MultiValueHeaders = map[string][]string{"Host": {"id.example"}, "Date": {date}, "Accept": {accept}, "X-Forwarded-Proto": {"https"}}
	both(t, v2, v1, func(t *testing.T, s seen) {
		assert.Equal(t, "GET", s.request.Method)
		assert.Equal(t, "/v3/users/ada", s.request.URL.Path)
		assert.Equal(t, "GET /v3/users/{user_id}", s.request.Pattern)
		assert.Equal(t, "ada", s.request.PathValue("user_id"))
		assert.Equal(t, map[string][]string{"a": {"1"}, "b": {"2"}}, map[string][]string(s.request.URL.Query()))
		assert.Equal(t, []string{date}, s.request.Header["Date"], "headers are not split at commas")
		assert.Equal(t, []string{accept}, s.request.Header["Accept"])
		assert.Equal(t, "id.example", s.request.Host)
		assert.Equal(t, "https", s.request.URL.Scheme)
		assert.Equal(t, "192.0.2.7", s.request.RemoteAddr)
	})
}

func TestQueryOfARestAPIHasAnOrder(t *testing.T) {
	v1 := http1("GET", "/v3/users")
	v1.MultiValueQueryStringParameters = map[string][]string{"d": {"4"}, "b": {"2", "3"}, "c": {""}, "a": {"x&y"}}
	s := invoke(t, v1, &events.APIGatewayProxyResponse{}, noContent)
	assert.Equal(t, "a=x%26y&b=2&b=3&c=&d=4", s.request.URL.RawQuery)
}

func TestWithoutHostHeaderTheDomainOfTheAPICounts(t *testing.T) {
	both(t, http2("GET", "/v3"), http1("GET", "/v3"), func(t *testing.T, s seen) {
		assert.Equal(t, "api.example", s.request.Host)
		assert.Equal(t, "https", s.request.URL.Scheme)
	})
}

func TestPlainHTTPIsTold(t *testing.T) {
	v2, v1 := http2("GET", "/v3"), http1("GET", "/v3")
	v2.Headers = map[string]string{"x-forwarded-proto": "http"}
	v1.Headers = map[string]string{"X-Forwarded-Proto": "http"}
	both(t, v2, v1, func(t *testing.T, s seen) { assert.Equal(t, "http", s.request.URL.Scheme) })
}

// What an HTTP API sends is decoded and must be escaped again before it is a URL; what a
// REST API sends is escaped. A path that cannot be a URL is one nevertheless.
func TestPaths(t *testing.T) {
	for _, c := range []struct{ name, sent, decoded, escaped string }{
		{"plain", "/v3/users/ada", "/v3/users/ada", "/v3/users/ada"},
		{"a space", "/v3/users/a%20b", "/v3/users/a b", "/v3/users/a%20b"},
		{"a question mark", "/v3/users/a%3Flimit=1", "/v3/users/a?limit=1", "/v3/users/a%3Flimit=1"},
		{"a fragment", "/v3/users/a%23b", "/v3/users/a#b", "/v3/users/a%23b"},
		{"a percent sign", "/v3/users/100%25", "/v3/users/100%", "/v3/users/100%25"},
		{"two slashes", "//v3/users", "//v3/users", "//v3/users"},
		{"dots", "/v3/../v3", "/v3/../v3", "/v3/../v3"},
		{"other scripts", "/v3/users/%C3%A9", "/v3/users/é", "/v3/users/%C3%A9"},
		{"a trailing slash", "/v3/users/", "/v3/users/", "/v3/users/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, http2("GET", c.decoded), http1("GET", c.sent), func(t *testing.T, s seen) {
				assert.Equal(t, c.decoded, s.request.URL.Path)
				assert.Equal(t, c.escaped, s.request.URL.EscapedPath())
				assert.Empty(t, s.request.URL.RawQuery)
			})
		})
	}
	t.Run("escaped by nobody, as emulators do", func(t *testing.T) {
		s := invoke(t, http1("GET", "/v3/users/100%"), &events.APIGatewayProxyResponse{}, noContent)
		assert.Equal(t, "/v3/users/100%", s.request.URL.Path)
	})
}

func TestPathParameters(t *testing.T) {
	t.Run("of a REST API are decoded", func(t *testing.T) {
		v1 := http1("GET", "/v3/regions/a%2Fb")
		v1.PathParameters = map[string]string{"region_id": "a%2Fb", "broken": "100%"}
		s := invoke(t, v1, &events.APIGatewayProxyResponse{}, noContent)
		assert.Equal(t, "a/b", s.request.PathValue("region_id"))
		assert.Equal(t, "100%", s.request.PathValue("broken"))
		assert.Equal(t, "/v3/regions/a%2Fb", s.request.URL.EscapedPath())
	})
	t.Run("of an HTTP API are already", func(t *testing.T) {
		v2 := http2("GET", "/v3/regions/a%2Fb")
		v2.Version, v2.PathParameters = "2.0", map[string]string{"region_id": "a%2Fb"}
		s := invoke(t, v2, &events.APIGatewayV2HTTPResponse{}, noContent)
		assert.Equal(t, "a%2Fb", s.request.PathValue("region_id"))
		assert.Equal(t, "/v3/regions/a%252Fb", s.request.URL.EscapedPath())
	})
}

// A stage other than $default stands before every path that a client sends, and nowhere
// in the routes. Only the gateway may say so.
func TestStage(t *testing.T) {
	prefix := func(s seen) string { return s.request.Header.Get("X-Forwarded-Prefix") }
	t.Run("a REST API says it apart", func(t *testing.T) {
		s := invoke(t, http1("GET", "/v3/users"), &events.APIGatewayProxyResponse{}, noContent)
		assert.Equal(t, "/v3/users", s.request.URL.Path)
		assert.Equal(t, "/Prod", prefix(s))
	})
	t.Run("a REST API with a domain of its own has none", func(t *testing.T) {
		v1 := http1("GET", "/v3/users")
		v1.RequestContext.Path = "/v3/users"
		assert.Empty(t, prefix(invoke(t, v1, &events.APIGatewayProxyResponse{}, noContent)))
	})
	for sent, want := range map[string]string{"/dev/v3/users": "/v3/users", "/dev": "/", "/dev/": "/"} {
		t.Run("an HTTP API says it in the path: "+sent, func(t *testing.T) {
			v2 := http2("GET", sent)
			v2.Version, v2.RequestContext.Stage = "2.0", "dev"
			s := invoke(t, v2, &events.APIGatewayV2HTTPResponse{}, noContent)
			assert.Equal(t, want, s.request.URL.Path)
			assert.Equal(t, "/dev", prefix(s))
		})
	}
	t.Run("an HTTP API with payload 1.0 too", func(t *testing.T) {
		s := invoke(t, `{"version":"1.0","resource":"/v3/users","path":"/dev/v3/a b","httpMethod":"GET",
			"requestContext":{"stage":"dev","path":"/dev/v3/a b"}}`, &events.APIGatewayProxyResponse{}, noContent)
		assert.Equal(t, "/v3/a b", s.request.URL.Path)
		assert.Equal(t, "/dev", prefix(s))
	})
	t.Run("a name that only begins like it is a path", func(t *testing.T) {
		v2 := http2("GET", "/development")
		v2.Version, v2.RequestContext.Stage = "2.0", "dev"
		s := invoke(t, v2, &events.APIGatewayV2HTTPResponse{}, noContent)
		assert.Equal(t, "/development", s.request.URL.Path)
		assert.Empty(t, prefix(s))
	})
	t.Run("a client cannot say it", func(t *testing.T) {
		v2, v1 := http2("GET", "/v3"), http1("GET", "/v3")
		v2.Headers = map[string]string{"x-forwarded-prefix": "/evil"}
		v1.Headers, v1.RequestContext.Path = map[string]string{"X-Forwarded-Prefix": "/evil"}, "/v3"
		both(t, v2, v1, func(t *testing.T, s seen) { assert.Empty(t, prefix(s)) })
	})
}

func TestCookiesBecomeOneHeader(t *testing.T) {
	v2 := http2("GET", "/v3")
	v2.Version, v2.Cookies = "2.0", []string{"a=1", "b=2"}
	s := invoke(t, v2, &events.APIGatewayV2HTTPResponse{}, noContent)
	assert.Equal(t, []string{"a=1; b=2"}, s.request.Header["Cookie"])
}

func TestBodies(t *testing.T) {
	t.Run("text", func(t *testing.T) {
		v2, v1 := http2("POST", "/v3"), http1("POST", "/v3")
		v2.Body, v1.Body = `{"a":"é"}`, `{"a":"é"}`
		both(t, v2, v1, func(t *testing.T, s seen) { assert.Equal(t, `{"a":"é"}`, s.body) })
	})
	t.Run("bytes", func(t *testing.T) {
		v2, v1 := http2("POST", "/v3"), http1("POST", "/v3")
		v2.Body, v2.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0xff, 0}), true
		v1.Body, v1.IsBase64Encoded = v2.Body, true
		both(t, v2, v1, func(t *testing.T, s seen) { assert.Equal(t, "\xff\x00", s.body) })
	})
}

func TestReplies(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = []string{"X-Auth-Token", "Accept"}
		w.Header().Set("Content-Length", "2")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if r.Method != http.MethodHead {
			_, _ = w.Write([]byte("{}"))
		}
	}
	for method, body := range map[string]string{"POST": "{}", "HEAD": ""} {
		t.Run(method+" by payload 2.0", func(t *testing.T) {
			e := http2(method, "/v3")
			e.Version = "2.0"
			var reply events.APIGatewayV2HTTPResponse
			invoke(t, e, &reply, answer)
			assert.Equal(t, http.StatusCreated, reply.StatusCode)
			assert.Equal(t, body, reply.Body)
			assert.Equal(t, map[string]string{"Vary": "X-Auth-Token,Accept", "Content-Length": "2", "Content-Type": "application/json"}, reply.Headers)
		})
		t.Run(method+" by payload 1.0", func(t *testing.T) {
			var reply events.APIGatewayProxyResponse
			invoke(t, http1(method, "/v3"), &reply, answer)
			assert.Equal(t, http.StatusCreated, reply.StatusCode)
			assert.Equal(t, body, reply.Body)
			assert.Equal(t, []string{"X-Auth-Token", "Accept"}, reply.MultiValueHeaders["Vary"])
		})
	}
	t.Run("without a body", func(t *testing.T) {
		var reply events.APIGatewayProxyResponse
		invoke(t, http1("DELETE", "/v3"), &reply, noContent)
		assert.Equal(t, http.StatusNoContent, reply.StatusCode)
		assert.Empty(t, reply.Body)
	})
}

// TestTheVersionIsFoundAnywhere: API Gateway puts it first, others may not; and a path may
// look like it.
func TestTheVersionIsFoundAnywhere(t *testing.T) {
	var v2 events.APIGatewayV2HTTPResponse
	late := `{"rawPath":"/v3/a-path-long-enough-that-what-follows-is-found-late-in-it","version" : "2.0","requestContext":{"http":{"method":"GET"}}}`
	s := invoke(t, late, &v2, noContent)
	assert.Equal(t, "/v3/a-path-long-enough-that-what-follows-is-found-late-in-it", s.request.URL.Path)

	v1 := http1("GET", `/x","version":"2.0"`)
	v1.Resource = ""
	s = invoke(t, v1, &events.APIGatewayProxyResponse{}, noContent)
	assert.Equal(t, `/x","version":"2.0"`, s.request.URL.Path)
}

func TestWhatIsNoRequest(t *testing.T) {
	unserved := func(http.ResponseWriter, *http.Request) { t.Error("it was served") }
	v2 := http2("POST", "/v3")
	v2.Version, v2.Body, v2.IsBase64Encoded = "2.0", "%", true
	v1 := http1("POST", "/v3")
	v1.Body, v1.IsBase64Encoded = "%", true
	var r2 events.APIGatewayV2HTTPResponse
	var r1 events.APIGatewayProxyResponse
	h := gateway.HTTP(http.HandlerFunc(unserved))
	for _, c := range []struct{ event, reply any }{{v2, &r2}, {v1, &r1}} {
		payload, err := json.Marshal(c.event)
		require.NoError(t, err)
		out, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, c.reply))
	}
	const envelope = `{"error":{"code":400,"title":"Bad Request","message":"The request cannot be read."}}`
	assert.Equal(t, http.StatusBadRequest, r2.StatusCode)
	assert.JSONEq(t, envelope, r2.Body)
	assert.NotEmpty(t, r2.Headers["X-Openstack-Request-Id"])
	assert.Equal(t, http.StatusBadRequest, r1.StatusCode)
	assert.JSONEq(t, envelope, r1.Body)
	assert.NotEmpty(t, r1.MultiValueHeaders["X-Openstack-Request-Id"])
	_, err := h.Invoke(t.Context(), []byte("not an event"))
	assert.ErrorContains(t, err, "read the event")
}

// TestWhatCannotBeReadIsNotPrinted: a token of v2.0 stands in the path.
func TestWhatCannotBeReadIsNotPrinted(t *testing.T) {
	const path = "/v2.0/tokens/secret-in-a-path"
	var v2 events.APIGatewayV2HTTPRequest
	v2.Version, v2.RawPath = "2.0", path
	v2.RequestContext.HTTP.Path, v2.RequestContext.HTTP.Method, v2.RequestContext.DomainName = path, "G T", "["
	v1 := events.APIGatewayProxyRequest{Path: path, HTTPMethod: "G T"}
	v1.RequestContext.DomainName = "["

	printed, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = printed, printed
	log.SetOutput(printed)
	t.Cleanup(func() { os.Stdout, os.Stderr = stdout, stderr; log.SetOutput(stderr); _ = printed.Close() })
	for name, event := range map[string]any{"payload 2.0": v2, "payload 1.0": v1} {
		t.Run(name, func(t *testing.T) {
			var reply struct {
				StatusCode int    `json:"statusCode"`
				Body       string `json:"body"`
			}
			invoke(t, event, &reply, func(http.ResponseWriter, *http.Request) { t.Error("it was handled") })
			assert.Equal(t, http.StatusBadRequest, reply.StatusCode)
			assert.NotContains(t, reply.Body, "secret")
		})
	}
	text, err := os.ReadFile(printed.Name())
	require.NoError(t, err)
	assert.Contains(t, string(text), "Could not convert request G T", "the adapter printed something")
	assert.NotContains(t, string(text), "secret")
}
