package credentials

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
)

type listIn struct {
	UserID *string `query:"user_id"`
	api.Paging
}

type listBody struct {
	Credentials []shown `json:"credentials"`
	api.Collection
}

// list shows each caller what she could get: a plain user her own (D-182), a delegated
// token nothing (TR-113).
func list(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListCredentials", Action: "identity:list_credentials"},
		func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return listBody{}, err
			}
			filter, err := c.Filter([]string{"user_id", "type"}, nil)
			if err != nil {
				return listBody{}, err
			}
			p := directory.CredentialPage{}
			p.Limit, p.Marker = in.Page()
			switch {
			case in.UserID != nil && *in.UserID != "":
				p.UserID = *in.UserID
			case !c.May("identity:get_credential", policy.Credential{}):
				p.UserID = c.Caller.UserID // she sees no others, so none are read
			}
			b := listBody{Credentials: []shown{}}
			if p.UserID != "" && !c.May("identity:get_credential", policy.Credential{UserID: p.UserID}) {
				b.Collection = c.Collection("")
				return b, nil
			}
			found, more, err := d.Credentials(ctx, c.Reads, p, func(v directory.Credential) bool {
				return filter.Holds(api.Attributes{"user_id": v.UserID, "type": v.Type}) &&
					c.May("identity:get_credential", policy.Credential{UserID: v.UserID})
			})
			if err != nil {
				return listBody{}, err
			}
			for _, v := range found {
				b.Credentials = append(b.Credentials, show(c, v))
			}
			last := ""
			if more {
				last = found[len(found)-1].ID
			}
			b.Collection = c.Collection(last)
			return b, nil
		})
}
