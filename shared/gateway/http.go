// Package gateway turns what Lambda is given into what operations understand, and back:
// API Gateway's events into HTTP requests (payload 1.0 and 2.0 alike), batches of the
// table's stream into changes. It is the only place that knows events.
package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
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
	if err := json.Unmarshal(payload, &probe); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if probe.Version == "2.0" {
		return h.v2(ctx, payload)
	}
	return h.v1(ctx, payload)
}

// versionWithin is where API Gateway puts the version of its events. Elsewhere it is
// found too, by decoding twice.
const versionWithin = 64

func (h httpHandler) v2(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	var accessor core.RequestAccessorV2
	r, err := accessor.EventToRequest(event)
	if err != nil {
		return encode(badRequestV2())
	}
	// The adapter splits headers at commas, which breaks dates and Accept; here they are whole.
	for name, value := range event.Headers {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if len(event.Cookies) > 0 {
		r.Header["Cookie"] = []string{strings.Join(event.Cookies, "; ")}
	}
	finish(r, event.RouteKey, event.PathParameters, event.RequestContext.DomainName)
	w := core.NewProxyResponseWriterV2()
	h.serve.ServeHTTP(w, r.WithContext(ctx))
	reply, err := w.GetProxyResponse()
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return encode(reply)
}

func (h httpHandler) v1(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayProxyRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	var accessor core.RequestAccessor
	r, err := accessor.EventToRequest(event)
	if err != nil {
		return encode(badRequestV1())
	}
	r.RemoteAddr = event.RequestContext.Identity.SourceIP
	finish(r, event.HTTPMethod+" "+event.Resource, event.PathParameters, event.RequestContext.DomainName)
	w := core.NewProxyResponseWriter()
	h.serve.ServeHTTP(w, r.WithContext(ctx))
	reply, err := w.GetProxyResponse()
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return encode(reply)
}

// finish sets what both payloads say in their own ways: the route, its parameters, and
// the address under which the client knows us.
func finish(r *http.Request, route string, parameters map[string]string, domain string) {
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
}

func encode(reply any) ([]byte, error) {
	text, err := json.Marshal(reply)
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return text, nil
}

// unreadable answers an event that is no request, such as a path that cannot be decoded.
const unreadable = `{"error":{"code":400,"title":"Bad Request","message":"The request cannot be read."}}`

func badRequestV2() events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusBadRequest, Body: unreadable,
		Headers: map[string]string{"Content-Type": "application/json", "Vary": "X-Auth-Token"},
	}
}

func badRequestV1() events.APIGatewayProxyResponse {
	return events.APIGatewayProxyResponse{
		StatusCode: http.StatusBadRequest, Body: unreadable,
		Headers: map[string]string{"Content-Type": "application/json", "Vary": "X-Auth-Token"},
	}
}
