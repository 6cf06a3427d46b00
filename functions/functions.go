// Package functions lists every operation of the API, area by area, for the local
// server and the checks. A deployed function links its own area only.
package functions

import (
	"mandate/functions/assignments"
	"mandate/functions/auth"
	"mandate/functions/catalog"
	"mandate/functions/console"
	"mandate/functions/credentials"
	"mandate/functions/domains"
	"mandate/functions/groups"
	"mandate/functions/oauth1"
	"mandate/functions/preauthentications"
	"mandate/functions/projects"
	"mandate/functions/roles"
	"mandate/functions/trusts"
	"mandate/functions/users"
	"mandate/functions/v2"
	"mandate/functions/versions"
	"mandate/shared/api"
	"mandate/shared/app"
)

// Areas maps the name of each area to its operations.
func Areas() map[string]func(*app.App) []api.Operation {
	return map[string]func(*app.App) []api.Operation{
		"assignments":        assignments.Operations,
		"auth":               auth.Operations,
		"catalog":            catalog.Operations,
		"console":            console.Operations,
		"credentials":        credentials.Operations,
		"domains":            domains.Operations,
		"groups":             groups.Operations,
		"oauth1":             oauth1.Operations,
		"preauthentications": preauthentications.Operations,
		"projects":           projects.Operations,
		"roles":              roles.Operations,
		"trusts":             trusts.Operations,
		"users":              users.Operations,
		"v2":                 v2.Operations,
		"versions":           versions.Operations,
	}
}

// All lists the operations of every area.
func All(a *app.App) []api.Operation {
	var all []api.Operation
	for _, operations := range Areas() {
		all = append(all, operations(a)...)
	}
	return all
}
