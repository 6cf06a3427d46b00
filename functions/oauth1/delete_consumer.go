package oauth1

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
)

// deleteConsumer ends a consumer at once, and with it its request tokens, its access
// tokens and everything obtained with them (O-140).
func deleteConsumer(a *app.App) api.Operation {
	return api.Op(api.Spec[oneConsumer]{Name: "DeleteConsumer", Ends: true, Action: "identity:delete_consumer", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in oneConsumer) (api.NoBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, a.OAuth1.DeleteConsumer(ctx, in.ID)
		})
}
