// Command lambda is the executable of the function that replaces the sealing key.
package main

import (
	"mandate/functions/rotate"
	"mandate/shared/app"
	"mandate/shared/gateway"
)

func main() {
	gateway.MainKeeper(func(a *app.App) gateway.Job { return rotate.New(a) })
}
