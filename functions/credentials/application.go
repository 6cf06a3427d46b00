package credentials

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

// notOffered lists the calls of application credentials and their access rules. Mandate has
// none: OAuth1 delegation and pre-authentications are for what they do. The routes are there
// so that a client hears 403 in the common envelope, as policy says of everybody, and not
// that it has mistaken the address.
//
// Divergence: Keystone offers them.
func notOffered() []api.Operation {
	return []api.Operation{
		refuse("CreateApplicationCredential", "identity:create_application_credential"),
		refuse("ListApplicationCredentials", "identity:list_application_credentials"),
		refuse("GetApplicationCredential", "identity:get_application_credential"),
		refuse("DeleteApplicationCredential", "identity:delete_application_credential"),
		refuse("ListAccessRules", "identity:list_access_rules"),
		refuse("GetAccessRule", "identity:get_access_rule"),
		refuse("DeleteAccessRule", "identity:delete_access_rule"),
	}
}

type ofUser struct {
	UserID string `path:"user_id"`
}

// refuse is an operation that is refused to everybody, whatever a policy permits.
func refuse(name, action string) api.Operation {
	return api.Op(api.Spec[ofUser]{Name: name, Action: action},
		func(_ context.Context, c *api.Call, in ofUser) (struct{}, error) {
			if err := c.Authorize(policy.User{ID: in.UserID}); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, problem.Forbidden(action)
		})
}
