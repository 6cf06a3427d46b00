package preauthentications

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

type createPreauthentication struct {
	UserID string `path:"user_id"`
	Body   struct {
		Preauthentication *attributes `json:"preauthentication"`
		Others            others      `json:",embed"`
	} `body:"json"`
}

// Check wants what a trust with authority needs (PA-003, PA-006).
func (in *createPreauthentication) Check() error {
	w := in.Body.Preauthentication
	switch {
	case len(in.Body.Others) > 0:
		return problem.Invalid("the body", `must have no member beside "preauthentication"`)
	case w == nil:
		return problem.Invalid(object, "is required")
	}
	if err := w.check(); err != nil {
		return err
	}
	switch {
	case !w.TrusteeUserID.Set:
		return invalid("trustee_user_id", "is required")
	case !w.ProjectID.Set:
		return invalid("project_id", "is required")
	case !w.Roles.Set:
		return invalid("roles", "is required")
	}
	return nil
}

// create arranges that another user can fetch a token later.
func create(a *app.App) api.Operation {
	return api.Op(api.Spec[createPreauthentication]{
		Name: "CreatePreauthentication", Action: "identity:create_preauthentication", Status: http.StatusCreated,
		Reads: func(rs *store.ReadSet, in createPreauthentication) {
			w := in.Body.Preauthentication
			trust.Want(rs, in.UserID, w.TrusteeUserID.Value, w.ProjectID.Value)
		},
	}, func(ctx context.Context, c *api.Call, in createPreauthentication) (out body, err error) {
		if err := (one{in.UserID, in.UserID}).authorize(c); err != nil {
			return body{}, err
		}
		w := in.Body.Preauthentication
		g := w.over(trust.Trust{TrustorID: in.UserID, Impersonation: true})
		p, err := a.Trusts.CreatePreauth(ctx, c.Reads, c.Caller, g, w.Description.Ptr())
		if err != nil {
			return body{}, err
		}
		c.Header.Set("Location", link(c, p))
		return reply(ctx, a, c, p)
	})
}

// reply shows what became of a pre-authentication.
func reply(ctx context.Context, a *app.App, c *api.Call, p trust.Preauth) (out body, err error) {
	c.Header.Set("ETag", tag(p))
	err = c.Settle(ctx, func() error { out.Preauthentication, err = present(a, c, p); return err })
	return out, err
}
