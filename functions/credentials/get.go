package credentials

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
)

func get(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetCredential", Action: "identity:get_credential", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (body, error) {
			if err := authorize(ctx, c, in.CredentialID); err != nil {
				return body{}, err
			}
			v, err := d.Credential(ctx, c.Reads, in.CredentialID)
			return body{show(c, v)}, err
		})
}
