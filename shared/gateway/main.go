package gateway

import (
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/route"
)

// Main is the main of an area's executable: it puts the app together from the
// environment and serves the operation, or all of the area, that OPERATION names.
func Main(area string, operations func(*app.App) []api.Operation, table []route.Route) {
	a := Start()
	a.API.Area = area
	h, err := Operation(a.API, a.Config.Operation, area, operations(a), table)
	if err != nil {
		Stop(err)
	}
	lambda.Start(HTTP(h))
}

// MainHandler is Main for a function that is no list of operations.
func MainHandler(handler func(*app.App) http.Handler) {
	a := Start()
	a.API.Area = a.Config.Operation
	lambda.Start(HTTP(handler(a)))
}

// MainStream is the main of a function on the table's stream.
func MainStream(handle func(*app.App) Changes) {
	a := Start()
	lambda.Start(Stream(Told(a.Log, a.Config.MetricsNamespace, a.Config.Operation, a.Now, handle(a))))
}

// MainKeeper is the main of a function that a schedule or an operator calls, and that may
// make the keyset of an empty table.
func MainKeeper(job func(*app.App) Job) { lambda.Start(Scheduled(job(StartKeeper()))) }
