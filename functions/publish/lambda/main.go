// Command lambda is the executable of the function that tells what ended.
package main

import (
	"os"

	"mandate/functions/publish"
	"mandate/shared/app"
	"mandate/shared/gateway"
)

func main() {
	gateway.MainStream(func(a *app.App) gateway.Changes {
		var listeners []publish.Listener
		if a.Config.EventBus != "" {
			bus, err := newBus(a.Config.EventBus, os.Getenv)
			if err != nil {
				gateway.Stop(err)
			}
			listeners = append(listeners, bus)
		}
		return publish.New(a, listeners...).Handle
	})
}
