// Package auth is /v3/auth: tokens are issued, validated, checked and revoked here, and a
// caller learns what hers can reach (contract/tokens-v3.md). It also has the other way of
// issuing, /v3/tokens/trusts/{user_id} (preauthentications.md section 4).
package auth

import (
	"strings"

	"mandate/shared/api"
	"mandate/shared/app"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation {
	return []api.Operation{
		issue(a), validate(a), check(a), revoke(a),
		listRevoked(a), listEvents(a), listOfUser(a), revokeOfUser(a),
		catalog(a), system(a), fetch(a),
	}
}

// truthy reads a flag of the query as Keystone does for allow_expired: these words, in
// any letter case, mean yes; anything else, or nothing, means no (T-068, T-069).
func truthy(v *string) bool {
	if v == nil {
		return false
	}
	switch strings.ToLower(*v) {
	case "1", "true", "yes", "on", "t", "y":
		return true
	default:
		return false
	}
}

// falsy is the opposite question: only these words mean no (T-119).
func falsy(v *string) bool {
	if v == nil {
		return false
	}
	switch strings.ToLower(*v) {
	case "false", "0", "no", "off", "f", "n":
		return true
	default:
		return false
	}
}
