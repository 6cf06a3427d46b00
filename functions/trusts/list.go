package trusts

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/trust"
)

type listTrusts struct {
	Trustor *string `query:"trustor_user_id"`
	Trustee *string `query:"trustee_user_id"`
	Marker  *string `query:"marker"`

	// listing is read beside what the caller's token stands on, and used when she is known.
	listing *trust.Listing
}

// Check starts the listing that the filters ask for. They are looked at in this order; the
// first one given decides, and an empty one is not given (TR-075).
func (in *listTrusts) Check() error {
	marker := text(in.Marker)
	switch {
	case text(in.Trustor) != "":
		in.listing = trust.OfTrustor(*in.Trustor, marker)
	case text(in.Trustee) != "":
		in.listing = trust.OfTrustee(*in.Trustee, marker)
	default:
		in.listing = trust.OfEverybody(marker)
	}
	return nil
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

type trustsBody struct {
	Trusts []shownTrust `json:"trusts"`
	api.Collection
}

// list shows the trusts of a trustor, of a trustee or, to administrators, of everybody.
// Keystone does not page them; neither do we until a page is full, so a limit is not
// looked at (C-064).
func list(a *app.App) api.Operation {
	return api.Op(api.Spec[listTrusts]{
		Name: "ListTrusts", Action: "identity:list_trusts",
		Reads: func(rs *store.ReadSet, in listTrusts) {
			if text(in.Trustor) != "" || text(in.Trustee) != "" { // the list of all waits until the caller is known
				_, _ = a.Trusts.List(rs, in.listing)
			}
		},
	}, func(ctx context.Context, c *api.Call, in listTrusts) (trustsBody, error) {
		if err := in.authorize(c); err != nil {
			return trustsBody{}, err
		}
		var page trust.Page
		if err := c.Settle(ctx, func() (err error) { page, err = a.Trusts.List(c.Reads, in.listing); return err }); err != nil {
			return trustsBody{}, err
		}
		body := trustsBody{Trusts: make([]shownTrust, 0, len(page.Trusts)), Collection: c.Collection(page.Next)}
		for _, t := range page.Trusts {
			body.Trusts = append(body.Trusts, summary(c, t))
		}
		return body, nil
	})
}

// authorize asks the policy of the list that was asked for.
func (in listTrusts) authorize(c *api.Call) error {
	switch {
	case text(in.Trustor) != "":
		return c.AuthorizeAs("identity:list_trusts_for_trustor", policy.TrustList{TrustorID: *in.Trustor})
	case text(in.Trustee) != "":
		return c.AuthorizeAs("identity:list_trusts_for_trustee", policy.TrustList{TrusteeID: *in.Trustee})
	default:
		return c.Authorize(policy.TrustList{})
	}
}
