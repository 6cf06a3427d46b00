package auth

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/token"
)

type listRevokedTokens struct{ api.Paging }

type revokedBody struct {
	Revoked []shownRevoked `json:"revoked"`
	api.Collection
}

type shownRevoked struct {
	AuditID string   `json:"audit_id"`
	Expires api.Time `json:"expires"`
}

// listRevoked lists the tokens that were revoked before their time and have not expired
// yet, newest first (T-118). It says their audit ids, never the tokens.
func listRevoked(a *app.App) api.Operation {
	return api.Op(api.Spec[listRevokedTokens]{Name: "ListRevokedTokens", Action: "identity:revocation_list"},
		func(ctx context.Context, c *api.Call, in listRevokedTokens) (revokedBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return revokedBody{}, err
			}
			limit, marker := in.Page()
			listing := token.ListRevoked(marker, limit)
			var list []token.Revoked
			var next string
			err := c.Settle(ctx, func() (err error) { list, next, err = a.Tokens.Revoked(c.Reads, listing); return err })
			if err != nil {
				return revokedBody{}, err
			}
			body := revokedBody{Revoked: make([]shownRevoked, 0, len(list)), Collection: c.Collection(next)}
			for _, t := range list {
				body.Revoked = append(body.Revoked, shownRevoked{t.Audit.String(), api.Time(t.ExpiresAt)})
			}
			return body, nil
		})
}
