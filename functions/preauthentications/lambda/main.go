// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/preauthentications"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("preauthentications", preauthentications.Operations, routes.Table) }
