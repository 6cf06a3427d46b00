package oauth1

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

type createRequestTokenIn struct {
	// The published text has requested_project_id; a front end may fold either into the other.
	Project secret.Text `header:"Requested-Project-Id"`
	Folded  secret.Text `header:"requested_project_id"`
	Body    ignored     `body:"optional"`
}

func (in createRequestTokenIn) projectID() string {
	if in.Project.Empty() {
		return in.Folded.Reveal()
	}
	return in.Project.Reveal()
}

// createRequestToken gives a consumer a request token. The signature is the credential; a
// token sent along is of no meaning (O-042).
func createRequestToken(a *app.App) api.Operation {
	return api.Op(api.Spec[createRequestTokenIn]{Name: "CreateRequestToken", Status: http.StatusCreated, Open: true},
		func(ctx context.Context, c *api.Call, in createRequestTokenIn) (api.Form, error) {
			signed, err := oauth1.FromRequest(c.Request, a.Config.PublicURL)
			if err != nil {
				return "", err
			}
			t, text, err := a.OAuth1.CreateRequestToken(ctx, c.Reads, signed, in.projectID())
			if err != nil {
				return "", err
			}
			return credentials(t.ID, text, t.ExpiresAt), nil
		})
}
