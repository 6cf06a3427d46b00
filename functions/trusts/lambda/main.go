// Command lambda is the executable of the area's functions.
package main

import (
	"mandate/functions/routes"
	"mandate/functions/trusts"
	"mandate/shared/gateway"
)

func main() { gateway.Main("trusts", trusts.Operations, routes.Table) }
