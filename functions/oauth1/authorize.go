package oauth1

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type authorizeIn struct {
	ID   string `path:"request_token_id"`
	Body struct {
		Roles api.Given[[]roleRef] `json:"roles"`
	} `body:"optional"`

	choice oauth1.Choice
}

type roleRef struct {
	ID     *string        `json:"id"`
	Name   *string        `json:"name"`
	Others jsontext.Value `json:",embed"` // none (O-055)
}

// Check reads the roles: each has an id or a name and nothing else (O-055).
func (in *authorizeIn) Check() error {
	if in.Body.Roles.Null {
		return problem.Invalid("roles", "must be an array")
	}
	for n, r := range in.Body.Roles.Value {
		switch {
		case len(r.Others) > 0 || (r.ID == nil) == (r.Name == nil):
			return problem.Invalid(fmt.Sprintf("roles.%d", n), "must have either an id or a name")
		case r.ID != nil:
			in.choice.RoleIDs = append(in.choice.RoleIDs, *r.ID)
		default:
			in.choice.RoleNames = append(in.choice.RoleNames, *r.Name)
		}
	}
	return nil
}

type verifierBody struct {
	Token struct {
		Verifier string `json:"oauth_verifier"`
	} `json:"token"`
}

// authorize lets the caller hand roles of hers on the requested project to a consumer. She
// takes the verifier to it herself.
func authorize(a *app.App) api.Operation {
	return api.Op(api.Spec[authorizeIn]{
		Name: "AuthorizeRequestToken", Action: "identity:authorize_request_token",
		Reads: func(rs *store.ReadSet, in authorizeIn) { _, _ = a.OAuth1.Request(rs, in.ID) },
	}, func(ctx context.Context, c *api.Call, in authorizeIn) (verifierBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return verifierBody{}, err
		}
		verifier, err := a.OAuth1.Authorize(ctx, c.Reads, c.Caller.UserID, in.ID, in.choice)
		var body verifierBody
		body.Token.Verifier = verifier.Reveal()
		return body, err
	})
}
