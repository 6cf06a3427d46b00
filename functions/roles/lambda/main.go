// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/roles"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("roles", roles.Operations, routes.Table) }
