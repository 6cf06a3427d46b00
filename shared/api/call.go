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
	"mandate/shared/store/author"
	"mandate/shared/store/meter"
)

// Call is one request being answered.
type Call struct {
	Request *http.Request
	Reads   *store.ReadSet
	Caller  policy.Caller // nobody on open operations
	Header  http.Header   // of the reply, if it is a success; an error has none of it
	Status  int           // of a success: the operation's, unless it sets another

	// Base is the public URL without version and trailing slash: https://id.example.
	Base string

	ctx        context.Context
	server     *Server
	op         Operation
	w          http.ResponseWriter
	client     bool  // a page is asked for by who does not accept HTML
	decoded    error // what was wrong with the request, kept until the caller is authorised
	authorized bool
	event      event
}

func newCall(s *Server, o Operation, w http.ResponseWriter, r *http.Request) *Call {
	ctx, usage := meter.With(r.Context())
	id := stamp(w.Header())
	c := &Call{
		Request: r, Header: make(http.Header), Status: o.Status, Base: base(s.PublicURL, r), Reads: store.NewReadSet(s.Table),
		ctx: ctx, server: s, op: o, w: w,
		event: event{start: s.Now(), id: id, global: globalID(r), trace: TraceID(r.Header.Get("X-Amzn-Trace-Id")), usage: usage},
	}
	return c
}

// stamp sets what every reply has, errors included (C-002, C-003), and returns the
// request's id, which is always a fresh one (C-004).
func stamp(h http.Header) string {
	id := "req-" + uuid.NewString()
	h["X-Openstack-Request-Id"] = []string{id}
	h["Vary"] = []string{"X-Auth-Token"}
	return id
}

// ID is the id of the request, as the reply and the log carry it.
func (c *Call) ID() string { return c.event.id }

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
	if ok, err := c.server.Policy.Decide(action, c.Caller, r); !ok {
		return problem.Forbidden(action).Because(err)
	}
	c.authorized = true
	return c.decoded
}

// Cost is what the call has asked of the table so far.
func (c *Call) Cost() meter.Counts { return c.event.usage.Counts() }

// May reports whether policy lets the caller do something to a resource. It authorises
// nothing: it is for lists that show each caller what she could get.
func (c *Call) May(action string, r policy.Resource) bool {
	ok, _ := c.server.Policy.Decide(action, c.Caller, r) // undecided is refused
	return ok
}

// Settle runs a pass over the call's read set until it is decided.
func (c *Call) Settle(ctx context.Context, pass func() error) error { return c.Reads.Settle(ctx, pass) }

// authenticate learns who calls. An open operation ignores the header (T-035).
func (c *Call) authenticate(open bool, reads func()) error {
	if open {
		reads()
		return nil
	}
	bearer := c.Bearer()
	if bearer.Empty() {
		return problem.Unauthorized(errNoToken)
	}
	var caller policy.Caller
	err := c.Reads.Settle(c.ctx, func() (err error) {
		reads()
		caller, err = c.server.Tokens.Caller(c.Reads, bearer)
		return err
	})
	if err == nil {
		c.Caller = caller
		c.ctx = author.With(c.ctx, author.Of{UserID: caller.UserID, RequestID: c.event.id})
	}
	if problem.Is(err, problem.KindNotFound) || problem.Is(err, problem.KindForbidden) {
		return problem.Unauthorized(err) // class (b): a genuine token that stands on something gone
	}
	return err
}

// base derives the public URL: as configured, else scheme and host as the client named
// them, without a default port (common.md section 3). Which forwarded header names the
// scheme is for the gateway to know: it sets the request's, and X-Forwarded-Prefix where
// all paths begin with one.
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
	return scheme + "://" + host + r.Header.Get("X-Forwarded-Prefix")
}
