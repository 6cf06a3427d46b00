package v2

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/token"
)

type listRevokedTokens struct{ api.Paging }

type revokedBody struct {
	Revoked []revokedToken `json:"revoked"`
	api.Collection
}

type revokedToken struct {
	AuditID string   `json:"audit_id"`
	Expires api.Time `json:"expires"`
}

// revoked lists the tokens that were revoked before their time, as v3 does (V2-057, T-118).
// Divergence: it is not signed; the signature that old clients looked for went with PKI.
func revoked(a *app.App) api.Operation {
	return api.Op(api.Spec[listRevokedTokens]{Name: "ListRevokedTokensV2", Action: "identity:revocation_list"},
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
			body := revokedBody{Revoked: make([]revokedToken, 0, len(list)), Collection: c.Collection(next)}
			for _, t := range list {
				body.Revoked = append(body.Revoked, revokedToken{t.Audit.String(), api.Time(t.ExpiresAt)})
			}
			return body, nil
		})
}
