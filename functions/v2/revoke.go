package v2

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/token"
)

// revoke ends the named token, at once and everywhere, with all that was made from it
// (V2-050). Whether v2.0 could show it does not matter.
func revoke(a *app.App) api.Operation {
	return api.Op(api.Spec[named]{
		Name: "RevokeTokenV2", Action: "identity:revoke_token_v2", Status: http.StatusNoContent,
		Reads: func(rs *store.ReadSet, in named) { _, _ = a.Tokens.Subject(rs, in.Token, 0) },
	}, func(ctx context.Context, c *api.Call, in named) (api.NoBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return api.NoBody{}, err
		}
		var t token.Token
		err := c.Settle(ctx, func() (err error) { t, err = a.Tokens.Subject(c.Reads, in.Token, 0); return err })
		if err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.Tokens.Revoke(ctx, t, false)
	})
}
