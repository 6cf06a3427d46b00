// Command lambda is the executable of the function behind every route.
package main

import (
	"net/http"

	"mandate/functions"
	"mandate/functions/fallback"
	"mandate/functions/routes"
	"mandate/shared/app"
	"mandate/shared/gateway"
)

func main() {
	gateway.MainHandler(func(a *app.App) http.Handler { return fallback.New(a.API, routes.Table, functions.All(a)) })
}
