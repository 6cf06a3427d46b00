// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/assignments"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("assignments", assignments.Operations, routes.Table) }
