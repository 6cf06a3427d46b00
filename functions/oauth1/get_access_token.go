package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type oneAccess struct {
	UserID string `path:"user_id"`
	ID     string `path:"access_token_id"`
}

// reads notes an access token for the first trip.
func (oneAccess) reads(a *app.App) func(*store.ReadSet, oneAccess) {
	return func(rs *store.ReadSet, in oneAccess) { _, _ = a.OAuth1.Find(rs, in.UserID, in.ID) }
}

// find settles whether the caller may do this to the user's access tokens, and which one
// it is: who may not learns nothing of what is there.
func (in oneAccess) find(ctx context.Context, a *app.App, c *api.Call) (t oauth1.AccessToken, err error) {
	if err := c.Authorize(policy.User{ID: in.UserID}); err != nil {
		return t, err
	}
	err = c.Settle(ctx, func() (err error) { t, err = a.OAuth1.Find(c.Reads, in.UserID, in.ID); return err })
	return t, err
}

type accessBody struct {
	AccessToken shownAccess `json:"access_token"`
}

// getAccessToken shows one of a user's access tokens.
func getAccessToken(a *app.App) api.Operation {
	return api.Op(api.Spec[oneAccess]{Name: "GetAccessToken", Action: "identity:get_access_token", Reads: oneAccess{}.reads(a)},
		func(ctx context.Context, c *api.Call, in oneAccess) (accessBody, error) {
			t, err := in.find(ctx, a, c)
			return accessBody{showAccess(c, t)}, err
		})
}
