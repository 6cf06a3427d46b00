// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/catalog"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("catalog", catalog.Operations, routes.Table) }
