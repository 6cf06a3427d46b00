package preauthentications

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/trust"
)

type listPreauthentications struct {
	UserID  string  `path:"user_id"`
	Trustee *string `query:"trustee_user_id"`
	Project *string `query:"project_id"`
	api.Paging
}

type listBody struct {
	Preauthentications []shown `json:"preauthentications"`
	api.Collection
}

// list shows a creator her own pre-authentications.
func list(a *app.App) api.Operation {
	return api.Op(api.Spec[listPreauthentications]{Name: "ListPreauthentications", Action: "identity:list_preauthentications"},
		func(ctx context.Context, c *api.Call, in listPreauthentications) (listBody, error) {
			if err := (one{in.UserID, in.UserID}).authorize(c); err != nil {
				return listBody{}, err
			}
			l := trust.PreauthListing{UserID: in.UserID, DelegateID: text(in.Trustee), ProjectID: text(in.Project)}
			l.Limit, l.After = in.Page()
			var out listBody
			err := c.Settle(ctx, func() error {
				page, err := a.Trusts.ListPreauths(c.Reads, &l)
				if err != nil {
					return err
				}
				out = listBody{make([]shown, 0, len(page.Preauths)), c.Collection(page.Next)}
				for _, p := range page.Preauths {
					s, err := present(a, c, p)
					if err != nil {
						return err
					}
					out.Preauthentications = append(out.Preauthentications, s)
				}
				return nil
			})
			return out, err
		})
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}
