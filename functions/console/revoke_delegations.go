package console

import (
	"context"
	"strings"

	"mandate/shared/api"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/trust"
)

// revokeDelegations ends one of the user's grants, or all.
func revokeDelegations(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "RevokeDelegations"}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		in, err := s.session(ctx, c, toDelegations)
		if err != nil {
			return nil, err
		}
		form, err := in.form(c)
		if err != nil {
			return nil, err
		}
		chosen := []string{form.Get("revoke")}
		if chosen[0] == "all" {
			all, err := s.grants(ctx, c)
			if err != nil {
				return nil, err
			}
			chosen = chosen[:0]
			for _, g := range all {
				chosen = append(chosen, g.Value())
			}
		}
		ended := 0
		for _, value := range chosen {
			err := s.revoke(ctx, c, value)
			if problem.Is(err, problem.KindNotFound) {
				continue // ended already, by another hand or with another grant
			}
			if err != nil {
				return nil, err
			}
			ended++
		}
		return c.SeeOther(home(c) + toDelegations + "?revoked=" + in.receipt(ended)), nil
	})
}

// revoke ends one grant by the same rule and the same call as the API.
func (s *site) revoke(ctx context.Context, c *api.Call, value string) error {
	kind, id, _ := strings.Cut(value, "/")
	me := c.Caller.UserID
	switch kind {
	case kindTrust:
		var t trust.Trust
		err := c.AuthorizeFoundAs(ctx, func() (string, policy.Resource, error) {
			var err error
			t, err = s.Trusts.Find(c.Reads, id)
			of := policy.Trust{TrustorID: t.TrustorID, TrusteeID: t.TrusteeID}
			if problem.Is(err, problem.KindNotFound) {
				of.TrustorID = me
			}
			return "identity:delete_trust", of, err
		})
		if err != nil {
			return err
		}
		return s.Trusts.Delete(ctx, t)
	case kindPreauth:
		if err := c.AuthorizeAs("identity:delete_preauthentication", policy.Preauthentication{UserID: me}); err != nil {
			return err
		}
		return s.Trusts.DeletePreauth(ctx, c.Reads, me, id)
	case kindAccess:
		if err := c.AuthorizeAs("identity:revoke_granted_access_token", policy.User{ID: me}); err != nil {
			return err
		}
		var t oauth1.AccessToken
		if err := c.Settle(ctx, func() (err error) { t, err = s.OAuth1.Find(c.Reads, me, id); return err }); err != nil {
			return err
		}
		return s.OAuth1.Revoke(ctx, t)
	default:
		return problem.Invalid("revoke", "must name a grant")
	}
}
