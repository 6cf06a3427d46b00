// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/users"
	"mandate/functions/routes"
	"mandate/shared/gateway"
)

func main() { gateway.Main("users", users.Operations, routes.Table) }
