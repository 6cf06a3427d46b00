// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/versions"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("versions", versions.Operations, routes.Table) }
