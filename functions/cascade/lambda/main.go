// Command lambda is the executable of the function on the table's stream.
package main

import (
	"mandate/functions/cascade"
	"mandate/shared/app"
	"mandate/shared/gateway"
)

func main() {
	gateway.MainStream(func(a *app.App) gateway.Changes { return cascade.New(a).Handle })
}
