// Package local is the API Gateway and the event source of a machine without either: it
// matches routes as an HTTP API does, turns each HTTP request into the event that API
// Gateway would send, hands it to the function's own Lambda handler in this process, and
// turns the reply back. So what is served locally is what is deployed, but for the cloud.
package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"mandate/shared/route"
	"mandate/shared/sam"
)

// Limits of an HTTP API (API Gateway quotas). The body limit of the service itself is
// smaller and checked by the operations.
const (
	MaxHeadBytes = 10_240   // request line and headers
	MaxBodyBytes = 10 << 20 // body
)

// Gateway is an http.Handler that does as an HTTP API with payload 2.0 does.
type Gateway struct {
	router    *route.Router
	functions map[string]lambda.Handler // by logical id
	timeouts  map[string]time.Duration
	fallback  string
	log       *slog.Logger
}

// New makes a Gateway of a template and of its functions' handlers by logical id. Every
// function with a route needs one.
func New(t *sam.Template, functions map[string]lambda.Handler, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{router: route.New(t.Routes()), functions: functions, timeouts: map[string]time.Duration{}, log: log}
	for _, f := range t.Functions {
		if len(f.Routes) == 0 && !f.Default {
			continue
		}
		if functions[f.Name] == nil {
			return nil, fmt.Errorf("function %s of the template has no handler", f.Name)
		}
		g.timeouts[f.Name] = f.Timeout
		if f.Default {
			g.fallback = f.Name
		}
	}
	return g, nil
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if headBytes(r) > MaxHeadBytes {
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large", "The request line and headers are larger than 10240 bytes.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large", "The request body is too large.")
		return
	} else if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request", "The request body could not be read.")
		return
	}
	matched, parameters, ok := g.router.Match(r.Method, r.URL.Path)
	name, key := matched.Function, matched.Key()
	if !ok {
		name, key = g.fallback, "$default"
	}
	payload, err := json.Marshal(event(r, key, parameters, body), anyText)
	if err != nil {
		g.fail(w, name, err)
		return
	}
	// A client that goes away does not end a function, here as in the cloud.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.timeouts[name])
	defer cancel()
	reply, err := g.functions[name].Invoke(ctx, payload)
	if err != nil {
		g.fail(w, name, err)
		return
	}
	if err := answer(w, r, reply); err != nil {
		g.fail(w, name, err)
	}
}

// anyText makes U+FFFD of bytes that are no text: paths and headers may have them.
var anyText = jsontext.AllowInvalidUTF8(true)

// fail is what API Gateway answers when a function failed.
func (g *Gateway) fail(w http.ResponseWriter, name string, err error) {
	g.log.Error("function failed", "function", name, "cause", err.Error())
	refuse(w, http.StatusInternalServerError, "Internal Server Error", "An unexpected error prevented the server from fulfilling your request.")
}

// refuse answers in the common envelope for what never reached a function (common.md section 1).
func refuse(w http.ResponseWriter, code int, title, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Vary", "X-Auth-Token")
	w.Header().Set("X-Openstack-Request-Id", "req-"+uuid.NewString())
	w.WriteHeader(code)
	_ = json.MarshalWrite(w, map[string]any{"error": map[string]any{"code": code, "title": title, "message": message}}, json.Deterministic(true))
}

func headBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + 4 + len("Host: ") + len(r.Host) + 2
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

// event is the request as an HTTP API describes it (payload format 2.0): header names in
// lower case, repeated ones joined by commas, cookies apart, the path decoded.
func event(r *http.Request, key string, parameters map[string]string, body []byte) events.APIGatewayV2HTTPRequest {
	headers := make(map[string]string, len(r.Header)+2)
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	headers["host"], headers["x-forwarded-proto"] = r.Host, "http"
	if r.TLS != nil {
		headers["x-forwarded-proto"] = "https"
	}
	var query map[string]string
	if r.URL.RawQuery != "" {
		query = map[string]string{}
		for name, values := range r.URL.Query() {
			query[name] = strings.Join(values, ",")
		}
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	now := time.Now()
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: key, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Cookies: r.Header["Cookie"], Headers: headers, QueryStringParameters: query, PathParameters: parameters,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: key, Stage: "$default", RequestID: uuid.NewString(), DomainName: r.Host,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// answer writes a function's reply. A HEAD request gets headers only.
func answer(w http.ResponseWriter, r *http.Request, payload []byte) error {
	var reply events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &reply, anyText); err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	body := []byte(reply.Body)
	if reply.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(reply.Body); err != nil {
			return fmt.Errorf("read the reply's body: %w", err)
		}
	}
	for name, value := range reply.Headers {
		w.Header().Set(name, value)
	}
	for name, values := range reply.MultiValueHeaders {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	for _, c := range reply.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(reply.StatusCode)
	if r.Method != http.MethodHead && len(body) > 0 {
		_, _ = w.Write(body) // the client went away: nothing to be done about it
	}
	return nil
}
