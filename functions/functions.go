// Package functions lists every operation of the API, area by area, for the local
// server and the checks. A deployed function links its own area only.
package functions

import (
	"mandate/functions/auth"
	"mandate/functions/trusts"
	"mandate/shared/api"
	"mandate/shared/app"
)

// Areas maps the name of each area to its operations.
func Areas() map[string]func(*app.App) []api.Operation {
	return map[string]func(*app.App) []api.Operation{
		"auth":   auth.Operations,
		"trusts": trusts.Operations,
	}
}
