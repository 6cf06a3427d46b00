// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/credentials"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("credentials", credentials.Operations, routes.Table) }
