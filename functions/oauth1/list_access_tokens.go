package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/store"
)

// shownAccess is an access token as its user sees it: never its secret, never its roles.
type shownAccess struct {
	ID         string    `json:"id"`
	ConsumerID string    `json:"consumer_id"`
	ProjectID  string    `json:"project_id"`
	UserID     string    `json:"authorizing_user_id"`
	ExpiresAt  *api.Time `json:"expires_at"`
	Links      struct {
		Self  string `json:"self"`
		Roles string `json:"roles"`
	} `json:"links"`
}

func showAccess(c *api.Call, t oauth1.AccessToken) shownAccess {
	s := shownAccess{ID: t.ID, ConsumerID: t.ConsumerID, ProjectID: t.ProjectID, UserID: t.UserID}
	if !t.ExpiresAt.IsZero() {
		at := api.Time(t.ExpiresAt)
		s.ExpiresAt = &at
	}
	s.Links.Self = c.Link("users", t.UserID, "OS-OAUTH1", "access_tokens", t.ID)
	s.Links.Roles = s.Links.Self + "/roles"
	return s
}

type ofUser struct {
	UserID string `path:"user_id"`

	listing *oauth1.Listing // read beside what the caller's token stands on, and used when she is known
}

// Check begins the list.
func (in *ofUser) Check() error {
	in.listing = oauth1.OfUser(in.UserID)
	return nil
}

type accessTokensBody struct {
	AccessTokens []shownAccess `json:"access_tokens"`
	api.Collection
}

// listAccessTokens shows what a user has authorised.
func listAccessTokens(a *app.App) api.Operation {
	return api.Op(api.Spec[ofUser]{
		Name: "ListAccessTokens", Action: "identity:list_access_tokens",
		Reads: func(rs *store.ReadSet, in ofUser) { _, _ = a.OAuth1.List(rs, in.listing) },
	},
		func(ctx context.Context, c *api.Call, in ofUser) (accessTokensBody, error) {
			if err := c.Authorize(policy.User{ID: in.UserID}); err != nil {
				return accessTokensBody{}, err
			}
			var all []oauth1.AccessToken
			if err := c.Settle(ctx, func() (err error) { all, err = a.OAuth1.List(c.Reads, in.listing); return err }); err != nil {
				return accessTokensBody{}, err
			}
			body := accessTokensBody{AccessTokens: make([]shownAccess, 0, len(all)), Collection: c.Collection("")}
			for _, t := range all {
				body.AccessTokens = append(body.AccessTokens, showAccess(c, t))
			}
			return body, nil
		})
}
