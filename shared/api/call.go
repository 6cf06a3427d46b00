package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/meter"
)

// Call is one request being answered.
type Call struct {
	Request *http.Request
	Reads   *store.ReadSet
	Caller  policy.Caller // nobody on open operations
	Header  http.Header   // of the reply

	// Base is the public URL without version and trailing slash: https://id.example.
	Base string

	ctx        context.Context
	server     *Server
	op         Operation
	w          http.ResponseWriter
	decoded    error // what was wrong with the request, kept until the caller is authorised
	authorized bool
	event      event
}

func newCall(s *Server, o Operation, w http.ResponseWriter, r *http.Request) *Call {
	ctx, usage := meter.With(r.Context())
	c := &Call{
		Request: r, Header: w.Header(), Base: base(s.PublicURL, r), Reads: store.NewReadSet(s.Table),
		ctx: ctx, server: s, op: o, w: w,
		event: event{start: s.Now(), id: "req-" + uuid.NewString(), global: globalID(r), usage: usage},
	}
	c.Header.Set("X-Openstack-Request-Id", c.event.id)
	c.Header.Set("Vary", "X-Auth-Token")
	return c
}

// Now is the time of the call.
func (c *Call) Now() time.Time { return c.server.Now() }

// Link is the absolute URL of something below /v3: c.Link("users", id).
func (c *Call) Link(parts ...string) string { return c.Base + "/v3/" + strings.Join(parts, "/") }

// Self is the absolute URL of the request, query included.
func (c *Call) Self() string {
	u := c.Base + c.Request.URL.EscapedPath()
	if q := c.Request.URL.RawQuery; q != "" {
		u += "?" + q
	}
	return u
}

// Bearer is the token in X-Auth-Token.
func (c *Call) Bearer() secret.Text { return secret.New(c.Request.Header.Get("X-Auth-Token")) }

// Authorize asks policy whether the caller may do the operation's action to a resource,
// and then reports what was wrong with the request itself. An operation that succeeds
// without having called it becomes a 500.
func (c *Call) Authorize(r policy.Resource) error { return c.AuthorizeAs(c.op.Action, r) }

// AuthorizeAs is Authorize for operations that stand for several of Keystone's actions.
func (c *Call) AuthorizeAs(action string, r policy.Resource) error {
	c.event.action = action
	if !c.server.Policy.Allowed(action, c.Caller, r) {
		return problem.Forbidden(action)
	}
	c.authorized = true
	return c.decoded
}

// Settle runs a pass over the call's read set until it is decided.
func (c *Call) Settle(ctx context.Context, pass func() error) error { return c.Reads.Settle(ctx, pass) }

// authenticate learns who calls. An open operation ignores the header (T-035).
func (c *Call) authenticate(ctx context.Context, open bool, reads func()) error {
	if open {
		reads()
		return nil
	}
	bearer := c.Bearer()
	if bearer.Empty() {
		return problem.Unauthorized(errNoToken)
	}
	err := c.Reads.Settle(ctx, func() error {
		reads()
		caller, err := c.server.Tokens.Caller(c.Reads, bearer)
		c.Caller = caller
		return err
	})
	if problem.Is(err, problem.KindNotFound) || problem.Is(err, problem.KindForbidden) {
		return problem.Unauthorized(err) // class (b): a genuine token that stands on something gone
	}
	return err
}

// base derives the public URL: as configured, else scheme and host as the client named
// them, without a default port (common.md section 3).
func base(configured string, r *http.Request) string {
	if configured != "" {
		return strings.TrimSuffix(configured, "/")
	}
	scheme, host := r.URL.Scheme, r.Host
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	if scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}
