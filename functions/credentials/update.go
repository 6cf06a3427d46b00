package credentials

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

type updateIn struct {
	CredentialID string `path:"credential_id"`
	Body         struct {
		Credential *attributes `json:"credential"`
	} `body:"json"`
}

// Check refuses an empty change (D-007) and another id (D-012).
func (in *updateIn) Check() error {
	a := in.Body.Credential
	switch {
	case a == nil:
		return problem.Invalid("credential", "is required")
	case api.Empty(*a):
		return problem.Invalid("credential", "must change something")
	}
	if err := api.SameID("credential.id", a.ID, in.CredentialID); err != nil {
		return err
	}
	return a.check()
}

// update changes a credential. Who gives it to another user must be let to hers too.
func update(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[updateIn]{Name: "UpdateCredential", Action: "identity:update_credential"},
		func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
			if err := authorize(ctx, c, in.CredentialID); err != nil {
				return body{}, err
			}
			a := in.Body.Credential
			v, err := d.UpdateCredential(ctx, c.Reads, in.CredentialID, func(v *directory.Credential) error {
				a.apply(v)
				return c.Authorize(policy.Credential{UserID: v.UserID})
			}, a.blob())
			return body{show(c, v)}, err
		})
}

func remove(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteCredential", Action: "identity:delete_credential", Status: 204, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if err := authorize(ctx, c, in.CredentialID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteCredential(ctx, c.Reads, in.CredentialID)
		})
}
