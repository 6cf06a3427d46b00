package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/local"
	"mandate/shared/sam"
)

const template = `
Globals: { Function: { Timeout: 3 } }
Resources:
  Users:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .build/users
      Events:
        CreateUser: { Type: HttpApi, Properties: { Method: POST, Path: '/v3/users' } }
        GetUser: { Type: HttpApi, Properties: { Method: GET, Path: '/v3/users/{user_id}' } }
        GetUserViaHead: { Type: HttpApi, Properties: { Method: HEAD, Path: '/v3/users/{user_id}' } }
  Fallback:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .build/fallback
      Events:
        Default: { Type: HttpApi, Properties: { Path: '$default', Method: ANY } }
`

// function is a Lambda function of a test.
type function func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	reply, err := f(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(reply)
}

func start(t *testing.T, users, fallback function) *local.Gateway {
	t.Helper()
	tpl, err := sam.Parse([]byte(template))
	require.NoError(t, err)
	g, err := local.New(tpl, map[string]lambda.Handler{"Users": users, "Fallback": fallback}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return g
}

func unused(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return events.APIGatewayV2HTTPResponse{}, errors.New("the wrong function was invoked")
}

func serve(g http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestTheEvent(t *testing.T) {
	var e events.APIGatewayV2HTTPRequest
	g := start(t, func(_ context.Context, got events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		e = got
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Body: "{}", Headers: map[string]string{"Vary": "X-Auth-Token"}, Cookies: []string{"a=1", "b=2"}}, nil
	}, unused)
	r := httptest.NewRequest("GET", "http://id.example:5000/v3/users/a%20b?x=1&x=2&y", nil)
	r.Header = http.Header{"Accept": {"a", "b"}, "Cookie": {"c=3"}, "X-Forwarded-Proto": {"https"}, "User-Agent": {"curl"}}
	w := serve(g, r)

	assert.Equal(t, "2.0", e.Version)
	assert.Equal(t, "GET /v3/users/{user_id}", e.RouteKey)
	assert.Equal(t, "/v3/users/a b", e.RawPath, "an HTTP API sends it decoded")
	assert.Equal(t, map[string]string{"user_id": "a b"}, e.PathParameters)
	assert.Equal(t, "x=1&x=2&y", e.RawQueryString)
	assert.Equal(t, map[string]string{"x": "1,2", "y": ""}, e.QueryStringParameters)
	assert.Equal(t, map[string]string{"accept": "a,b", "host": "id.example:5000", "x-forwarded-proto": "http", "user-agent": "curl"}, e.Headers,
		"who says what scheme it was is the gateway")
	assert.Equal(t, []string{"c=3"}, e.Cookies)
	assert.Equal(t, "GET", e.RequestContext.HTTP.Method)
	assert.Equal(t, "192.0.2.1", e.RequestContext.HTTP.SourceIP)
	assert.Equal(t, "$default", e.RequestContext.Stage)
	assert.NotEmpty(t, e.RequestContext.RequestID)

	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "{}", w.Body.String())
	assert.Equal(t, "X-Auth-Token", w.Header().Get("Vary"))
	assert.Equal(t, []string{"a=1", "b=2"}, w.Header().Values("Set-Cookie"))
}

func TestBodiesBothWays(t *testing.T) {
	echo := func(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusCreated, Body: e.Body, IsBase64Encoded: e.IsBase64Encoded}, nil
	}
	g := start(t, echo, unused)
	for name, body := range map[string]string{"text": `{"a":"é"}`, "bytes": "\xff\x00", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			w := serve(g, httptest.NewRequest("POST", "/v3/users", strings.NewReader(body)))
			assert.Equal(t, http.StatusCreated, w.Code)
			assert.Equal(t, body, w.Body.String())
		})
	}
}

func TestHeadersOnlyForHEAD(t *testing.T) {
	g := start(t, func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Body: "{}", Headers: map[string]string{"Content-Length": "2"}}, nil
	}, unused)
	w := serve(g, httptest.NewRequest("HEAD", "/v3/users/ada", nil))
	assert.Equal(t, "2", w.Header().Get("Content-Length"))
	assert.Empty(t, w.Body.String())
}

func TestWhatNoRouteMatchesGoesToTheDefault(t *testing.T) {
	var keys []string
	g := start(t, unused, func(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		keys = append(keys, e.RouteKey+" "+e.RawPath)
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusNotFound}, nil
	})
	for _, r := range [][2]string{{"GET", "/v3/users/"}, {"PUT", "/v3/users"}, {"GET", "/v3//users"}, {"GET", "/v3/users/a%2Fb"}} {
		assert.Equal(t, http.StatusNotFound, serve(g, httptest.NewRequest(r[0], r[1], nil)).Code)
	}
	assert.Equal(t, []string{"$default /v3/users/", "$default /v3/users", "$default /v3//users", "$default /v3/users/a/b"}, keys)
}

// refused expects an answer that no function gave, in the common envelope.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	var body struct {
		Error struct {
			Code           int
			Title, Message string
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	assert.Equal(t, status, body.Error.Code)
	assert.NotEmpty(t, body.Error.Title)
	assert.NotEmpty(t, body.Error.Message)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "X-Auth-Token", w.Header().Get("Vary"))
	assert.Regexp(t, "^req-[0-9a-f-]{36}$", w.Header().Get("X-Openstack-Request-Id"))
}

// head is a request whose request line and headers are so many bytes long on the wire.
func head(t *testing.T, size int) *http.Request {
	t.Helper()
	plain := "GET /v3/users/ada HTTP/1.1\r\nHost: id.example\r\nX-Long: \r\n"
	text := strings.Replace(plain, "Long: ", "Long: "+strings.Repeat("x", size-len(plain)), 1) + "\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	require.NoError(t, err)
	return r
}

func TestLimits(t *testing.T) {
	ok := func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, nil
	}
	g := start(t, ok, unused)
	t.Run("the largest head", func(t *testing.T) {
		assert.Equal(t, http.StatusOK, serve(g, head(t, 10_240)).Code)
	})
	t.Run("C-001 a head one byte larger", func(t *testing.T) {
		refused(t, serve(g, head(t, 10_241)), http.StatusRequestHeaderFieldsTooLarge)
	})
	t.Run("the largest body", func(t *testing.T) {
		w := serve(g, httptest.NewRequest("POST", "/v3/users", strings.NewReader(strings.Repeat("x", 10<<20))))
		assert.Equal(t, http.StatusOK, w.Code)
	})
	t.Run("C-001 a body one byte larger", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/v3/users", strings.NewReader(strings.Repeat("x", 10<<20+1)))
		r.ContentLength = -1
		refused(t, serve(g, r), http.StatusRequestEntityTooLarge)
	})
}

// brokenBody ends before it is complete.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestABodyThatBreaksOffIsNotTooLarge(t *testing.T) {
	refused(t, serve(start(t, unused, unused), httptest.NewRequest("POST", "/v3/users", brokenBody{})), http.StatusBadRequest)
}

func TestAFunctionThatFailsSaysNothing(t *testing.T) {
	g := start(t, func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{}, errors.New("table mandate is on fire")
	}, unused)
	w := serve(g, httptest.NewRequest("POST", "/v3/users", nil))
	refused(t, w, http.StatusInternalServerError)
	assert.NotContains(t, w.Body.String(), "fire")
}

func TestAFunctionHasItsTimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		g := start(t, func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			<-ctx.Done()
			return events.APIGatewayV2HTTPResponse{}, ctx.Err()
		}, unused)
		refused(t, serve(g, httptest.NewRequest("POST", "/v3/users", nil)), http.StatusInternalServerError)
		assert.Equal(t, 3*time.Second, time.Since(began), "as the template says")
	})
}

func TestAClientThatGoesAwayEndsNoFunction(t *testing.T) {
	g := start(t, func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusCreated}, ctx.Err()
	}, unused)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := serve(g, httptest.NewRequestWithContext(ctx, "POST", "/v3/users", nil))
	assert.Equal(t, http.StatusCreated, w.Code)
}

func TestAFunctionOfTheTemplateWithoutAHandler(t *testing.T) {
	tpl, err := sam.Parse([]byte(template))
	require.NoError(t, err)
	_, err = local.New(tpl, map[string]lambda.Handler{"Users": function(unused)}, slog.New(slog.DiscardHandler))
	assert.EqualError(t, err, "function Fallback of the template has no handler")
}

// TestOverTheWire: what a real server makes of a request is what the gateway matches on.
func TestOverTheWire(t *testing.T) {
	g := start(t, unused, func(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusNotFound, Body: e.RawPath}, nil
	})
	server := httptest.NewServer(g)
	defer server.Close()
	for sent, want := range map[string]string{"//v3//users": "//v3//users", "/v3/../v3/users": "/v3/../v3/users", "/v3/users/": "/v3/users/"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		_, err = conn.Write([]byte("GET " + sent + " HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n\r\n"))
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		var body strings.Builder
		_, err = bufio.NewReader(res.Body).WriteTo(&body)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		assert.Equal(t, http.StatusNotFound, res.StatusCode, "neither cleaned nor redirected")
		assert.Equal(t, want, body.String())
	}
}
