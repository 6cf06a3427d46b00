package oauth1

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
)

type createAccessTokenIn struct {
	Body ignored `body:"optional"`
}

// createAccessToken exchanges an authorised request token and its verifier for an access
// token, once.
func createAccessToken(a *app.App) api.Operation {
	return api.Op(api.Spec[createAccessTokenIn]{Name: "CreateAccessToken", Status: http.StatusCreated, Open: true},
		func(ctx context.Context, c *api.Call, _ createAccessTokenIn) (api.Form, error) {
			signed, err := oauth1.FromRequest(c.Request, a.Config.PublicURL)
			if err != nil {
				return "", err
			}
			t, text, err := a.OAuth1.Exchange(ctx, c.Reads, signed)
			if err != nil {
				return "", err
			}
			return credentials(t.ID, text, t.ExpiresAt), nil
		})
}
