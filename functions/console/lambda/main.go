// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/console"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("console", console.Operations, routes.Table) }
