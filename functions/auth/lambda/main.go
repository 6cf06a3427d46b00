// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/auth"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("auth", auth.Operations, routes.Table) }
