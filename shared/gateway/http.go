// Package gateway turns what Lambda is given into what operations understand, and back:
// API Gateway's events into HTTP requests (payload 1.0 and 2.0 alike), batches of the
// table's stream into changes. It is the only place that knows events.
package gateway

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/problem"
)

// HTTP serves an API Gateway function by an http.Handler. Path parameters arrive as the
// request's path values, under the names of template.yaml; the route that matched as its
// Pattern ("GET /v3/users/{user_id}").
func HTTP(h http.Handler) lambda.Handler { return httpHandler{h} }

type httpHandler struct{ serve http.Handler }

// Invoke answers one event.
func (h httpHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if bytes.Contains(payload[:min(len(payload), versionWithin)], []byte(`"version":"2.0"`)) {
		return h.v2(ctx, payload)
	}
	var probe struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(payload, &probe, lenient); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if probe.Version == "2.0" {
		return h.v2(ctx, payload)
	}
	return h.v1(ctx, payload, probe.Version)
}

// lenient reads and writes events as encoding/json does, which API Gateway's own tests of
// their form were made with: bytes that are no text become U+FFFD, the last of two equal
// names counts, and names may differ in case.
var lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), json.MatchCaseInsensitiveNames(true))

// versionWithin is where API Gateway puts the version of its events. Elsewhere it is
// found too, by decoding twice.
const versionWithin = 64

func (h httpHandler) v2(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event, lenient); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	headers, cookies := event.Headers, event.Cookies
	// The adapter splits headers at commas, which breaks dates and Accept: it gets none.
	event.Headers, event.Cookies = nil, nil
	path, prefix := withoutStage(cmp.Or(event.RawPath, event.RequestContext.HTTP.Path), event.RequestContext.Stage)
	domain, query := event.RequestContext.DomainName, rawQuery(event)
	// It prints the path of what it cannot convert, and v2.0 has tokens there: it gets none.
	event.RawPath, event.RequestContext.HTTP.Path, event.RequestContext.DomainName = "/", "/", ""
	event.RawQueryString, event.QueryStringParameters = "", nil
	var accessor core.RequestAccessorV2
	r, err := accessor.EventToRequest(event)
	w := core.NewProxyResponseWriterV2()
	if err != nil {
		refuse(w)
		return reply(w.GetProxyResponse())
	}
	for name, value := range headers {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if len(cookies) > 0 {
		r.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	at(r, &url.URL{Path: path, RawQuery: query}) // an HTTP API sends the path decoded
	finish(r, event.RouteKey, event.PathParameters, domain, prefix)
	h.serve.ServeHTTP(w, r.WithContext(ctx))
	return reply(w.GetProxyResponse())
}

// rawQuery is the query as it was sent, or made of its parameters.
func rawQuery(event events.APIGatewayV2HTTPRequest) string {
	if event.RawQueryString != "" || len(event.QueryStringParameters) == 0 {
		return event.RawQueryString
	}
	values := url.Values{}
	for name, value := range event.QueryStringParameters {
		values.Set(name, value)
	}
	return values.Encode()
}

// at sets where a request goes, which the adapter is not told.
func at(r *http.Request, u *url.URL) {
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = cmp.Or(u.Path, "/"), u.RawPath, u.RawQuery
	r.RequestURI = r.URL.RequestURI()
}

func (h httpHandler) v1(ctx context.Context, payload []byte, version string) ([]byte, error) {
	var event events.APIGatewayProxyRequest
	if err := json.Unmarshal(payload, &event, lenient); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	to, prefix, parameters := restPath(event, version != "")
	query := url.Values(event.MultiValueQueryStringParameters)
	if len(query) == 0 {
		query = make(url.Values, len(event.QueryStringParameters))
		for name, value := range event.QueryStringParameters {
			query.Set(name, value)
		}
	}
	to.RawQuery = query.Encode() // the adapter would write it in any order
	domain := event.RequestContext.DomainName
	event.Path, event.RequestContext.DomainName = "/", "" // as above: nothing that it could print
	event.MultiValueQueryStringParameters, event.QueryStringParameters = nil, nil
	var accessor core.RequestAccessor
	r, err := accessor.EventToRequest(event)
	w := core.NewProxyResponseWriter()
	if err != nil {
		refuse(w)
		return reply(w.GetProxyResponse())
	}
	at(r, to)
	finish(r, event.HTTPMethod+" "+event.Resource, parameters, domain, prefix)
	h.serve.ServeHTTP(w, r.WithContext(ctx))
	return reply(w.GetProxyResponse())
}

// withoutStage takes the stage off a path and returns it as the prefix of all paths. The
// stage $default stands in none.
func withoutStage(path, stage string) (rest, prefix string) {
	prefix = "/" + stage
	if stage == "" || stage == "$default" || (path != prefix && !strings.HasPrefix(path, prefix+"/")) {
		return path, ""
	}
	return cmp.Or(path[len(prefix):], "/"), prefix
}

// restPath is what an event of payload 1.0 says about its path: the path,
// without the stage; the stage as the prefix of all paths; the path's parameters, decoded.
// A REST API says path and parameters as they were sent and the stage in another place;
// an HTTP API, which alone numbers this payload, says them decoded and with the stage.
func restPath(event events.APIGatewayProxyRequest, httpAPI bool) (to *url.URL, prefix string, parameters map[string]string) {
	if httpAPI {
		path, prefix := withoutStage(event.Path, event.RequestContext.Stage)
		return &url.URL{Path: path}, prefix, event.PathParameters
	}
	if before, ok := strings.CutSuffix(event.RequestContext.Path, event.Path); ok {
		prefix = before
	}
	parameters = make(map[string]string, len(event.PathParameters))
	for name, value := range event.PathParameters {
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		parameters[name] = value
	}
	plain, err := url.PathUnescape(event.Path)
	if err != nil {
		return &url.URL{Path: event.Path}, prefix, parameters
	}
	return &url.URL{Path: plain, RawPath: event.Path}, prefix, parameters
}

// finish sets what both payloads say in their own ways: the route, its parameters, and
// the address under which the client knows us. What comes before every path there, a
// stage, is X-Forwarded-Prefix, which no client can set.
func finish(r *http.Request, route string, parameters map[string]string, domain, prefix string) {
	r.Pattern = route
	for name, value := range parameters {
		r.SetPathValue(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	} else {
		r.Host = domain
	}
	r.URL.Scheme = "https"
	if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" {
		r.URL.Scheme = proto
	}
	r.URL.Host = ""
	if trace := os.Getenv(traceVariable); trace != "" { // the function's own; the header is the caller's
		r.Header.Set("X-Amzn-Trace-Id", trace)
	}
	r.Header.Del("X-Forwarded-Prefix")
	if prefix != "" {
		r.Header.Set("X-Forwarded-Prefix", prefix)
	}
}

// traceVariable is where Lambda's loop says, before each event, which trace it belongs to.
const traceVariable = "_X_AMZN_TRACE_ID"

// reply is what a function answers with, as text.
func reply[R any](r R, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return encode(r)
}

func encode(reply any) ([]byte, error) {
	text, err := json.Marshal(reply, lenient)
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return text, nil
}

// refuse answers an event that is no request, such as one whose body cannot be decoded.
func refuse(w http.ResponseWriter) {
	api.Fail(w, &http.Request{}, "", &problem.Error{Kind: problem.KindInvalid, Message: "The request cannot be read."})
}
