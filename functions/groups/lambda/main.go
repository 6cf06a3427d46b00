// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/groups"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("groups", groups.Operations, routes.Table) }
