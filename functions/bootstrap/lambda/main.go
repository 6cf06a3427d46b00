// Command lambda is the executable of the function that makes an empty table ready.
package main

import (
	"mandate/functions/bootstrap"
	"mandate/shared/app"
	"mandate/shared/gateway"
)

func main() {
	gateway.MainKeeper(func(a *app.App) gateway.Job { return bootstrap.New(a) })
}
