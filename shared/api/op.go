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
	// body is said only to who is authorised, by Call.Authorize (common.md section 6,
	// order of checks).
	BodyFirst bool

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
	In, Out reflect.Type // for docs/openapi.yaml
	serve   func(*Server, *Call)
}

// Authenticator judges a bearer token. Caller is a pass over the read set: it returns
// store.ErrPending until all that the token stands on has been read, a problem of kind
// Unauthorized when the token is not live, and who calls otherwise.
type Authenticator interface {
	Caller(rs *store.ReadSet, bearer secret.Text) (policy.Caller, error)
}

// Authorizer decides whether a caller may do something.
type Authorizer interface {
	Allowed(action string, c policy.Caller, r policy.Resource) bool
}

// Server is what operations need to be served.
type Server struct {
	Table     store.Table
	Tokens    Authenticator
	Policy    Authorizer
	Now       func() time.Time
	PublicURL string // base of all links, without version and trailing slash; "" derives it from each request
	Log       *slog.Logger
}

// Handler serves the operation.
func (o Operation) Handler(s *Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := newCall(s, o, w, r)
		defer c.finish()
		o.serve(s, c)
	})
}

// Op makes an operation of what it reads and what it does. In is a struct whose fields
// say where they come from (see decode.go); Out is encoded as JSON, or is [NoBody].
func Op[In, Out any](spec Spec[In], do func(context.Context, *Call, In) (Out, error)) Operation {
	status := spec.Status
	if status == 0 {
		status = http.StatusOK
	}
	o := Operation{
		Name: spec.Name, Action: spec.Action, Status: status,
		In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
	}
	o.serve = func(s *Server, c *Call) {
		var in In
		decoded := decode(c.Request, &in)
		if problem.Is(decoded, problem.KindTooLarge) || problem.Is(decoded, problem.KindUnsupportedMedia) {
			c.fail(decoded)
			return
		}
		c.decoded = decoded
		reads := func() {
			if decoded == nil && spec.Reads != nil {
				spec.Reads(c.Reads, in)
			}
		}
		if err := c.authenticate(c.ctx, spec.Open, reads); err != nil {
			c.fail(err)
			return
		}
		if decoded != nil && (spec.BodyFirst || spec.Open) {
			c.fail(decoded)
			return
		}
		out, err := do(c.ctx, c, in)
		switch {
		case err != nil:
			c.fail(err)
		case !c.authorized && !spec.Open:
			c.fail(errors.New("operation succeeded without having been authorised"))
		case decoded != nil:
			c.fail(decoded)
		default:
			c.succeed(status, out)
		}
	}
	return o
}

// NoBody is the Out of operations that answer without a body (204, and some 200).
type NoBody struct{}
