package credentials

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type createIn struct {
	Body struct {
		Credential *attributes `json:"credential"`
	} `body:"json"`
}

// Check wants what a credential is made of (D-181).
func (in *createIn) Check() error {
	switch a := in.Body.Credential; {
	case a == nil:
		return problem.Invalid("credential", "is required")
	case !a.Type.Set:
		return problem.Invalid("credential.type", "is required")
	case !a.Blob.Set:
		return problem.Invalid("credential.blob", "is required")
	case !a.UserID.Set:
		return problem.Invalid("credential.user_id", "is required")
	default:
		return a.check()
	}
}

// create keeps a credential of the user that the body names (D-180). What is wrong with a
// body is said to whoever may have credentials of her own.
func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{
		Name: "CreateCredential", Action: "identity:create_credential", Status: http.StatusCreated,
		Reads: func(rs *store.ReadSet, in createIn) {
			rs.Want(store.User(in.Body.Credential.UserID.Value), rs.Head())
		},
	}, func(ctx context.Context, c *api.Call, in createIn) (body, error) {
		v := directory.Credential{UserID: c.Caller.UserID}
		if a := in.Body.Credential; a != nil {
			a.apply(&v)
		}
		if err := c.Authorize(policy.Credential{UserID: v.UserID}); err != nil {
			return body{}, err
		}
		v.Blob = *in.Body.Credential.blob()
		made, err := d.CreateCredential(ctx, c.Reads, v)
		return body{show(c, made)}, err
	})
}
