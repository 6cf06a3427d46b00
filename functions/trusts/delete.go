package trusts

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
)

// remove ends a trust at once: with it end all trusts made from it and all their tokens.
func remove(a *app.App) api.Operation {
	return api.Op(api.Spec[oneTrust]{
		Name: "DeleteTrust", Ends: true, Action: "identity:delete_trust", Status: http.StatusNoContent, Reads: oneTrust{}.reads(a),
	}, func(ctx context.Context, c *api.Call, in oneTrust) (api.NoBody, error) {
		f, err := find(ctx, a, c, in.ID)
		if err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.Trusts.Delete(ctx, f.trust)
	})
}
