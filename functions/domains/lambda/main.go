// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/domains"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("domains", domains.Operations, routes.Table) }
