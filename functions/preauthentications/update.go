package preauthentications

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

type updatePreauthentication struct {
	UserID string `path:"user_id"`
	ID     string `path:"preauthentication_id"`
	Body   patch  `body:"json"`
}

// patch may be empty: then nothing is to change (PA-033).
type patch struct {
	Preauthentication api.Given[attributes] `json:"preauthentication"`
	Others            others                `json:",embed"`
}

// Check refuses what cannot be set.
func (in *updatePreauthentication) Check() error {
	switch {
	case len(in.Body.Others) > 0:
		return problem.Invalid("the body", `must have no member beside "preauthentication"`)
	case in.Body.Preauthentication.Null:
		return problem.Invalid(object, "must be an object")
	}
	return in.Body.Preauthentication.Value.check()
}

// update changes a pre-authentication, by giving it a new trust unless only its
// description changes.
func update(a *app.App) api.Operation {
	return api.Op(api.Spec[updatePreauthentication]{
		Name: "UpdatePreauthentication", Action: "identity:update_preauthentication",
		Reads: func(rs *store.ReadSet, in updatePreauthentication) { one{in.UserID, in.ID}.wants(rs) },
	}, func(ctx context.Context, c *api.Call, in updatePreauthentication) (body, error) {
		if err := (one{in.UserID, in.ID}).authorize(c); err != nil {
			return body{}, err
		}
		w := in.Body.Preauthentication.Value
		p, err := a.Trusts.UpdatePreauth(ctx, c.Reads, c.Caller, in.ID, func(p trust.Preauth) (trust.Change, error) {
			if err := matches(c, p); err != nil {
				return trust.Change{}, err
			}
			change := trust.Change{Described: w.Description.Set, Description: w.Description.Ptr()}
			if w.replaces() {
				g := w.over(p.Trust)
				change.Trust = &g
			}
			return change, nil
		})
		if err != nil {
			return body{}, err
		}
		return reply(ctx, a, c, p)
	})
}
