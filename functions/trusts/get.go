package trusts

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/store"
)

type oneTrust struct {
	ID string `path:"trust_id"`
}

func (oneTrust) reads(a *app.App) func(*store.ReadSet, oneTrust) {
	return func(rs *store.ReadSet, in oneTrust) { wants(a, rs, in.ID) }
}

// get shows a trust to its people and to administrators.
func get(a *app.App) api.Operation {
	return api.Op(api.Spec[oneTrust]{Name: "GetTrust", Action: "identity:get_trust", Reads: oneTrust{}.reads(a)},
		func(ctx context.Context, c *api.Call, in oneTrust) (trustBody, error) {
			f, err := find(ctx, a, c, in.ID)
			if err != nil {
				return trustBody{}, err
			}
			return show(c, f.trust, f.roles), nil
		})
}
