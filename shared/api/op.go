// Package api is what every operation is: an http.Handler with a name that decodes a
// request, learns who calls, authorises, does one thing, and answers in the words of the
// OpenStack Identity API (common.md). It knows HTTP and JSON, and neither AWS nor how
// tokens are made.
//
//	func get(trusts *trust.Service) api.Operation {
//		return api.Op(api.Spec[getTrust]{Name: "GetTrust", Action: "identity:get_trust"},
//			func(ctx context.Context, c *api.Call, in getTrust) (trustBody, error) { … })
//	}
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// Spec says what an operation is, apart from what it does.
type Spec[In any] struct {
	Name   string // one name everywhere: Go, template.yaml, OpenAPI, logs (CreateTrust)
	Action string // Keystone's policy name (identity:create_trust); "" for open operations that authorise nothing
	Status int    // of success; 0 means 200
	Open   bool   // needs no X-Auth-Token

	// BodyFirst judges the body before policy does. Otherwise what is wrong with the
	// request is said only to who is authorised, by Call.Authorize (common.md section 6,
	// order of checks); until then the operation sees path, query and header as given
	// and an empty body. Either way the caller is judged before.
	BodyFirst bool

	// Ends says that the operation may end something, so that ?dry_run=1 asks what would
	// end. Other operations that write refuse it, lest they write.
	Ends bool

	// Reads notes what the operation will want from the table, so that it comes in the
	// same trip as what the caller's token stands on. It only saves trips: whatever it
	// leaves out is read when asked for. It is not called when the request did not decode.
	Reads func(rs *store.ReadSet, in In)
}

// Operation is one operation of the API, ready to be served.
type Operation struct {
	Name    string
	Action  string
	Status  int
	Open    bool
	Ends    bool
	In, Out reflect.Type // for docs/openapi.yaml
	maps    bool         // whether Out has maps in it
	page    *PageSpec    // of a page for people; else nil
	serve   func(*Call)
}

// Authenticator judges a bearer token. Caller is a pass over the read set: it returns
// store.ErrPending until all that the token stands on has been read, a problem of kind
// Unauthorized when the token is not live, and who calls otherwise.
type Authenticator interface {
	Caller(rs *store.ReadSet, bearer secret.Text) (policy.Caller, error)
}

// Authorizer decides whether a caller may do something. The error says why it could not
// be decided; the caller is refused then.
type Authorizer interface {
	Decide(action string, c policy.Caller, r policy.Resource) (bool, error)
	// Ready makes what the first decision about an action would otherwise wait for.
	Ready(action string) error
}

// Server is what operations need to be served.
type Server struct {
	Table  store.Table
	Tokens Authenticator
	Policy Authorizer
	Now    func() time.Time
	// Ends counts what would follow from changes that were not made, for ?dry_run=1.
	Ends      func(ctx context.Context, changes []store.Change) (any, error)
	PublicURL string // base of all links, without version and trailing slash; "" derives it from each request
	Log       *slog.Logger

	// Area names the area in the metrics that the lines carry; "" where nobody collects them.
	Area string
	// Namespace is where CloudWatch keeps these metrics.
	Namespace string
	warm      atomic.Bool // a line with metrics was written
}

// Handler serves the operation.
func (o Operation) Handler(s *Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := newCall(s, o, w, r)
		defer func() {
			if p := recover(); p != nil {
				c.panicked(p)
			}
			c.finish()
		}()
		o.serve(c)
	})
}

// Op makes an operation of what it reads and what it does. In is a struct whose fields
// say where they come from (see decode.go); Out is encoded as JSON, or is [NoBody]. It
// panics when In has a field that cannot be filled. HEAD is served by the operation that
// serves GET (C-010).
func Op[In, Out any](spec Spec[In], do func(context.Context, *Call, In) (Out, error)) Operation {
	status := spec.Status
	if status == 0 {
		status = http.StatusOK
	}
	o := Operation{
		Name: spec.Name, Action: spec.Action, Status: status, Open: spec.Open, Ends: spec.Ends,
		In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
	}
	o.maps = hasMaps(o.Out, map[reflect.Type]bool{})
	from := planFor(o.In)
	o.serve = func(c *Call) {
		var in In
		c.decoded = from.decode(c.Request, &in)
		run := c.dry(spec.Ends)
		if problem.Is(c.decoded, problem.KindTooLarge) {
			c.fail(c.decoded)
			return
		}
		reads := func() {
			if c.decoded == nil && spec.Reads != nil {
				spec.Reads(c.Reads, in)
			}
		}
		if err := c.authenticate(spec.Open, reads); err != nil {
			c.fail(err)
			return
		}
		if c.decoded != nil && (spec.BodyFirst || spec.Open) {
			c.fail(c.decoded)
			return
		}
		out, err := do(c.ctx, c, in)
		switch {
		case err != nil:
			c.fail(err)
		case !c.authorized && !spec.Open:
			c.fail(errors.New("operation succeeded without having been authorised"))
		case c.decoded != nil:
			c.fail(c.decoded)
		case run != nil:
			c.wouldEnd(run)
		default:
			c.succeed(out)
		}
	}
	return o
}

// NoBody is the Out of operations that answer without a body (204, and some 200).
type NoBody struct{}

// Form is the Out of operations that answer in form text, already encoded. Its media type
// has no charset: gophercloud compares the whole value (O-022).
type Form string
