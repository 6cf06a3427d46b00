// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/projects"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("projects", projects.Operations, routes.Table) }
