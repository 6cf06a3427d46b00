// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/routes"
	"mandate/functions/versions"
	"mandate/shared/gateway"
)

func main() { gateway.Main("versions", versions.Operations, routes.Table) }
