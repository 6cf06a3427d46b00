package v2

import (
	"context"
	"errors"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/token"
)

type issueToken struct {
	Body authBody `body:"json"`
}

// issue makes a token for whoever proves who she is.
func issue(a *app.App) api.Operation {
	return api.Op(api.Spec[issueToken]{Name: "IssueTokenV2", Open: true},
		func(ctx context.Context, c *api.Call, in issueToken) (accessBody, error) {
			login, err := in.Body.login()
			if err != nil {
				return accessBody{}, err
			}
			login.Address = c.Request.RemoteAddr
			t, text, err := a.Tokens.Issue(ctx, c.Reads, login)
			if err != nil {
				return accessBody{}, refusal(login, err)
			}
			var shown *directory.Catalog
			err = c.Settle(ctx, func() (err error) { shown, err = a.Registry.Catalog(c.Reads); return err })
			if err != nil {
				return accessBody{}, err
			}
			return show(t, text, shown), nil
		})
}

// refusal translates what v3 answers: a token that was offered and is not live is a wrong
// credential; a trust that good credentials cannot use is 403 (V2-021, V2-022).
func refusal(l token.Login, err error) error {
	if problem.Is(err, problem.KindNotFound) {
		return problem.Unauthorized(err)
	}
	if _, unusable := errors.AsType[*token.Unusable](err); unusable && l.Scope.Kind == token.WantTrust {
		return problem.ForbiddenBecause("the trust cannot be used").Because(err)
	}
	return err
}

// atHome accepts tokens of the default domain's users, and of trusts that are wholly
// within it (V2-008, V2-023).
func atHome(t token.Token) error {
	if t.Subject.DomainID != defaultDomain {
		return inexpressible("a user of another domain")
	}
	return trustAtHome(t)
}
