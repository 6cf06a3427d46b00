// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/routes"
	"mandate/functions/v2"
	"mandate/shared/gateway"
)

func main() { gateway.Main("v2", v2.Operations, routes.Table) }
