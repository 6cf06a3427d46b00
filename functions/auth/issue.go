package auth

import (
	"context"
	"net/http"
	"slices"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/token"
)

type issueToken struct {
	NoCatalog *string  `query:"nocatalog"`
	Body      authBody `body:"json"`
}

// issue makes a token for whoever proves who she is.
func issue(a *app.App) api.Operation {
	return api.Op(api.Spec[issueToken]{Name: "IssueToken", Status: http.StatusCreated, Open: true},
		func(ctx context.Context, c *api.Call, in issueToken) (tokenBody, error) {
			login, err := in.Body.login()
			if err != nil {
				return tokenBody{}, err
			}
			if slices.Contains(login.Methods, token.MethodOAuth1) {
				if login.OAuth1, err = signed(c.Request, a.Config.PublicURL); err != nil {
					return tokenBody{}, err
				}
			}
			// The catalog, if its version moved, is read beside what the login needs.
			login.Address = c.Request.RemoteAddr
			t, text, err := a.Tokens.Issue(ctx, c.Reads, login)
			if err != nil {
				return tokenBody{}, err
			}
			var shown *directory.Catalog
			if in.NoCatalog == nil {
				if shown, err = settleCatalog(ctx, a, c); err != nil {
					return tokenBody{}, err
				}
			}
			c.Header.Set("X-Subject-Token", text.Reveal())
			return show(t, shown), nil
		})
}

func settleCatalog(ctx context.Context, a *app.App, c *api.Call) (shown *directory.Catalog, err error) {
	err = c.Settle(ctx, func() error {
		shown, err = a.Registry.Catalog(c.Reads)
		return err
	})
	return shown, err
}

// signed is the proof of method oauth1, which stands in the Authorization header. Its
// missing altogether, or naming no token, is said before anything is looked for (O-112, O-113).
func signed(r *http.Request, public string) (oauth1.Request, error) {
	proof, err := oauth1.FromRequest(r, public)
	if err != nil {
		return oauth1.Request{}, err
	}
	if proof.Token() == "" {
		return oauth1.Request{}, problem.Invalid("oauth_token", "is required")
	}
	proof.AlsoWithoutQuery = true
	return proof, nil
}
