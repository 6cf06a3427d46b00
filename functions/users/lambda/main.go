// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/routes"
	"mandate/functions/users"
	"mandate/shared/gateway"
)

func main() { gateway.Main("users", users.Operations, routes.Table) }
