package oauth1

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
)

// deleteAccessToken takes the authority back, at once and with every token obtained by it.
func deleteAccessToken(a *app.App) api.Operation {
	return api.Op(api.Spec[oneAccess]{
		Name: "DeleteAccessToken", Ends: true, Action: "identity:delete_access_token", Status: http.StatusNoContent, Reads: oneAccess{}.reads(a),
	}, func(ctx context.Context, c *api.Call, in oneAccess) (api.NoBody, error) {
		t, err := in.find(ctx, a, c)
		if err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.OAuth1.Revoke(ctx, t)
	})
}
