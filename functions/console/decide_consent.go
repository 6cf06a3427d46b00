package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"mandate/shared/api"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
)

// decideConsent grants what was chosen, and shows the verifier that the program wants to
// see, or refuses, which ends the request.
func decideConsent(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "DecideConsent", Action: "identity:authorize_request_token"}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		q, err := s.consult(ctx, c)
		if err != nil {
			return nil, err
		}
		form, err := q.form(c)
		if err != nil {
			return nil, err
		}
		round, err := strconv.ParseInt(form.Get("round"), 10, 64)
		if err != nil {
			return nil, problem.Invalid("round", "must be a number")
		}
		switch form.Get("decision") {
		case "grant":
			return s.grant(ctx, c, q, form, round)
		case "refuse":
			q.request.Round = round
			if err := s.OAuth1.Refuse(ctx, q.request); err != nil {
				return nil, q.overtaken(err)
			}
			return render("refused", consentView{frame: q.within(s.frame(c, "Refused")), Program: programOf(q.consumer)})
		default:
			return nil, problem.Invalid("decision", "must be grant or refuse")
		}
	})
}

type grantedView struct {
	frame
	Program  program
	Project  project
	Roles    []role
	Verifier string
	Expires  time.Time
}

func (s *site) grant(ctx context.Context, c *api.Call, q asked, form url.Values, round int64) (api.HTML, error) {
	chosen := form["role"]
	if len(chosen) == 0 {
		c.Status = http.StatusBadRequest
		return s.consentPage(c, q, nil, "Choose at least one role, or refuse.")
	}
	v := grantedView{
		frame: q.within(s.frame(c, "Access granted")), Program: programOf(q.consumer), Project: projectOf(q.scoped.Project), Expires: q.request.ExpiresAt,
	}
	for _, id := range chosen {
		n := slices.IndexFunc(q.roles, func(r role) bool { return r.ID == id })
		if n < 0 {
			return nil, &trouble{
				in: q.session, problem: problem.ForbiddenBecause("a role that the user does not hold"), heading: "One of these roles is not yours to grant", again: toConsent(q.request.ID),
				advice: "You do not hold it on this project, or no longer. Nothing was granted. Look at the request again, and choose from the roles shown there.",
			}
		}
		v.Roles = append(v.Roles, q.roles[n])
	}
	verifier, err := s.OAuth1.Authorize(ctx, c.Reads, q.token.Subject.ID, q.request.ID, oauth1.Choice{RoleIDs: chosen, Seen: &round})
	if err != nil {
		return nil, q.overtaken(err)
	}
	v.Verifier = verifier.Reveal()
	return render("granted", v)
}

// overtaken says what to do when the request changed while she looked at it.
func (q asked) overtaken(err error) error {
	if p, ok := problem.As(err); ok && p.Kind == problem.KindConflict {
		return &trouble{
			in: q.session, problem: p, heading: "This request was decided meanwhile", again: toConsent(q.request.ID),
			advice: "It was granted since this page was shown to you, in another tab or by somebody else. Nothing was changed now. Look at the request again before you decide.",
		}
	}
	return q.unanswerable(err)
}
