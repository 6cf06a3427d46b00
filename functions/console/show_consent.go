package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/token"
)

// asked is what a request token is about, and who is to decide.
type asked struct {
	session
	request  oauth1.RequestToken
	consumer oauth1.Consumer
	scoped   token.Token // as the user would be with a token for the project
	roles    []role      // that she may hand over
}

// role is a role that can be chosen.
type role struct {
	ID, Name    string
	Description string
	Implies     []string // names of what it brings along
	Chosen      bool
}

// consult finds out about the request in the path, and whether who is signed in may decide.
// She is judged as she would be with a token for the project that is asked for: that is
// what the API wants to see for the same act.
func (s *site) consult(ctx context.Context, c *api.Call) (asked, error) {
	id := c.Request.PathValue("request_token_id")
	in, err := s.session(ctx, c, destination(toConsent(id)))
	if err != nil {
		return asked{}, err
	}
	q := asked{session: in}
	err = c.Settle(ctx, func() (err error) {
		if q.request, err = s.OAuth1.Request(c.Reads, id); err != nil {
			return err
		}
		if q.consumer, err = s.OAuth1.Consumer(c.Reads, q.request.ConsumerID); err != nil {
			return err
		}
		if q.scoped, err = s.Tokens.Scoped(c.Reads, in.token, token.Scope{Kind: token.Project, ID: q.request.ProjectID}); err != nil {
			return err
		}
		q.roles, err = s.choices(c, q.scoped.Roles)
		return err
	})
	if err != nil {
		return asked{}, in.unanswerable(err)
	}
	c.Caller = q.scoped.Caller()
	if err := c.AuthorizeAs("identity:authorize_request_token", policy.Any{}); err != nil {
		return asked{}, &trouble{
			in: in, problem: forbidden(err), heading: "You may not decide this",
			advice: "On this service only administrators let programs act for somebody. Ask an administrator of the project to open this page.",
		}
	}
	return q, nil
}

func forbidden(err error) *problem.Error {
	if p, ok := problem.As(err); ok && p.Kind == problem.KindForbidden {
		return p
	}
	return problem.ForbiddenBecause("policy").Because(err)
}

// unanswerable says what to do about a request that cannot be decided.
func (in session) unanswerable(err error) error {
	d, dead := errors.AsType[*directory.Dead](err)
	switch {
	case problem.Is(err, problem.KindNotFound):
		p, _ := problem.As(err)
		return &trouble{
			in: in, problem: p, heading: "There is no such request",
			advice: "It may have been used or refused already, or the address is not complete. Start again in the program that sent you here: it will give you a new address.",
		}
	case problem.Is(err, problem.KindUnauthorized):
		return &trouble{
			in: in, problem: &problem.Error{Kind: problem.KindGone, Message: "The request has expired.", Cause: err}, heading: "This request has expired",
			advice: "Nothing was granted. Start again in the program that sent you here: it will give you a new address.",
		}
	case dead:
		return &trouble{
			in: in, problem: problem.ForbiddenBecause("no role on the project").Because(d), heading: "There is nothing that you could grant",
			advice: "You hold no role on the project that this request is about. If you have another account that does, sign out and sign in with that one; otherwise ask an administrator of the project for a role.",
		}
	default:
		return err
	}
}

// choices is a pass: roles with what they bring along.
func (s *site) choices(c *api.Call, held []directory.Role) ([]role, error) {
	all, err := s.Registry.Roles(c.Reads)
	if err != nil {
		return nil, err
	}
	list := make([]role, 0, len(held))
	for _, r := range held {
		choice := role{ID: r.ID, Name: r.Name}
		if r.Description != nil {
			choice.Description = *r.Description
		}
		for _, implied := range all.Visible(all.Closure(r.ID)) {
			if implied.ID != r.ID {
				choice.Implies = append(choice.Implies, implied.Name)
			}
		}
		list = append(list, choice)
	}
	slices.SortFunc(list, func(a, b role) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

type consentView struct {
	frame
	Program   program
	Project   project
	Roles     []role
	Expires   time.Time     // of the request; zero: never
	Life      time.Duration // of the authority; 0: for ever
	Decide    string        // where the form goes
	Round     int64
	Error     string
	Mine      bool // she authorised it before
	Elsewhere bool // somebody else did
}

type program struct{ Description, ID string }

type project struct{ Name, Domain, ID string }

func programOf(c oauth1.Consumer) program {
	p := program{ID: c.ID}
	if c.Description != nil {
		p.Description = *c.Description
	}
	return p
}

func projectOf(p directory.Project) project { return project{p.Name, p.DomainName, p.ID} }

// showConsent says which program asks for what, and lets her choose.
func showConsent(s *site) api.Operation {
	return s.page(api.PageSpec{
		Name: "ShowConsent", Action: "identity:authorize_request_token", Clients: []string{http.MethodOptions, http.MethodPost, http.MethodPut},
	}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		q, err := s.consult(ctx, c)
		if err != nil {
			return nil, err
		}
		return s.consentPage(c, q, q.request.RoleIDs, "")
	})
}

// consentPage is the page that asks. Nothing is chosen beforehand but what she herself
// chose for this very request.
func (s *site) consentPage(c *api.Call, q asked, chosen []string, wrong string) (api.HTML, error) {
	me := q.token.Subject.ID
	v := consentView{
		frame: q.within(s.frame(c, "Grant access?")), Program: programOf(q.consumer), Project: projectOf(q.scoped.Project), Roles: q.roles,
		Expires: q.request.ExpiresAt, Life: s.Config.AccessTokenExpiration, Decide: home(c) + toDecision(q.request.ID), Round: q.request.Round,
		Error: wrong, Mine: q.request.UserID == me, Elsewhere: q.request.UserID != "" && q.request.UserID != me,
	}
	for n := range v.Roles {
		v.Roles[n].Chosen = (v.Mine || wrong != "") && slices.Contains(chosen, v.Roles[n].ID)
	}
	return render("consent", v)
}
