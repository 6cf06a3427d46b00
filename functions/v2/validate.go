package v2

import (
	"context"
	"errors"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type validateToken struct {
	named
	BelongsTo *string `query:"belongsTo"`
}

// validate shows the token that the path names (V2-030).
func validate(a *app.App) api.Operation {
	return looking(a, "ValidateTokenV2", "identity:validate_token_v2")
}

// check is validate for callers who only want to know (HEAD, V2-031).
func check(a *app.App) api.Operation { return looking(a, "CheckTokenV2", "identity:check_token_v2") }

func looking(a *app.App, name, action string) api.Operation {
	return api.Op(api.Spec[validateToken]{
		Name: name, Action: action, Reads: func(rs *store.ReadSet, in validateToken) { in.reads(a, rs) },
	}, func(ctx context.Context, c *api.Call, in validateToken) (accessBody, error) {
		// Policy comes first: its rule does not look at the owner (common.md section 6).
		if err := c.Authorize(policy.Any{}); err != nil {
			return accessBody{}, err
		}
		t, shown, err := in.find(ctx, a, c)
		if err != nil {
			return accessBody{}, err
		}
		if in.BelongsTo != nil && *in.BelongsTo != "" && *in.BelongsTo != t.Project.ID {
			return accessBody{}, problem.Unauthorized(errors.New("the token is not for the tenant that belongsTo names"))
		}
		return show(t, in.Token, shown), nil
	})
}
