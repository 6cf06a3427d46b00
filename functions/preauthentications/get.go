package preauthentications

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// get shows a pre-authentication to its creator.
func get(a *app.App) api.Operation {
	return api.Op(api.Spec[one]{
		Name: "GetPreauthentication", Action: "identity:get_preauthentication",
		Reads: func(rs *store.ReadSet, in one) { in.wants(rs) },
	}, func(ctx context.Context, c *api.Call, in one) (out body, err error) {
		if err := in.authorize(c); err != nil {
			return body{}, err
		}
		var v trust.Sight
		var p trust.Preauth
		err = c.Settle(ctx, func() error {
			if p, err = a.Trusts.FindPreauth(c.Reads, &v, in.UserID, in.ID); err != nil {
				return err
			}
			out.Preauthentication, err = present(a, c, p)
			return err
		})
		c.Header.Set("ETag", tag(p))
		return out, err
	})
}

// remove ends a pre-authentication, its trust and all its tokens by one write.
func remove(a *app.App) api.Operation {
	return api.Op(api.Spec[one]{
		Name: "DeletePreauthentication", Action: "identity:delete_preauthentication", Status: http.StatusNoContent,
		Reads: func(rs *store.ReadSet, in one) { in.wants(rs) },
	}, func(ctx context.Context, c *api.Call, in one) (api.NoBody, error) {
		if err := in.authorize(c); err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.Trusts.DeletePreauth(ctx, c.Reads, in.UserID, in.ID)
	})
}
