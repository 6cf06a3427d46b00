package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
)

type fetchToken struct {
	CreatorID string  `path:"user_id"`
	ProjectID *string `query:"project_id"`
	TrustID   *string `query:"trust_id"`
	NoCatalog *string `query:"nocatalog"`
}

func (in fetchToken) arrangement(c *api.Call) *trust.Arrangement {
	a := &trust.Arrangement{CreatorID: in.CreatorID, DelegateID: c.Caller.UserID}
	if in.ProjectID != nil {
		a.ProjectID = *in.ProjectID
	}
	if in.TrustID != nil {
		a.TrustID = *in.TrustID
	}
	return a
}

// maxFetches bounds how often a token is asked for when the trust is used up or replaced
// between its being found and its use.
const maxFetches = 3

// fetch makes a token in the name of another user, who arranged it by a
// pre-authentication (preauthentications.md section 4). It descends from the caller's own.
func fetch(a *app.App) api.Operation {
	return api.Op(api.Spec[fetchToken]{
		Name: "FetchPreauthenticatedToken", Action: "identity:fetch_preauthenticated_token", Status: http.StatusCreated,
	}, func(ctx context.Context, c *api.Call, in fetchToken) (tokenBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return tokenBody{}, err
		}
		var before string // the trust that could not be used the last time
		for n := 1; ; n++ {
			var found trust.Trust
			wanted := in.arrangement(c)
			err := c.Settle(ctx, func() (err error) { found, err = a.Trusts.Arranged(c.Reads, wanted); return err })
			if err != nil {
				return tokenBody{}, err
			}
			t, text, err := a.Tokens.Issue(ctx, c.Reads, token.Login{
				Methods: []string{token.MethodToken}, Token: c.Bearer(),
				Scope: token.Wanted{Kind: token.WantTrust, ID: found.ID},
			})
			if unusable, ok := errors.AsType[*token.Unusable](err); ok {
				switch {
				case found.ID == before: // read again, and no other
					return tokenBody{}, problem.NotFound("arrangement of user", in.CreatorID).Because(unusable)
				case n == maxFetches: // another each time: it goes on changing
					return tokenBody{}, fmt.Errorf("use what user %s arranged: %w: %w", in.CreatorID, store.ErrContended, unusable)
				}
				before = found.ID
				c.Reads.Forget(store.Trust(found.ID))
				continue
			}
			if err != nil {
				return tokenBody{}, err
			}
			body := show(t, nil)
			if in.NoCatalog == nil {
				catalog, err := settleCatalog(ctx, a, c)
				if err != nil {
					return tokenBody{}, err
				}
				body = show(t, catalog)
			}
			c.Header.Set("X-Subject-Token", text.Reveal())
			c.Header.Set("Cache-Control", "no-store")
			if c.Request.Method == http.MethodGet { // the blueprint's verb; it issues all the same (PA-051)
				c.Status = http.StatusOK
			}
			return body, nil
		}
	})
}
