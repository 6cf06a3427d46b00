// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/oauth1"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("oauth1", oauth1.Operations, routes.Table) }
