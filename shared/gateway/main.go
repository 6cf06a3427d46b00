package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/route"
	"mandate/shared/secret"
	"mandate/shared/store/dynamodb"
)

// initWithin bounds the start of a function; Lambda itself gives it 10 s.
const initWithin = 8 * time.Second

// Main is the main of an area's executable: it puts the app together from the
// environment and serves the operation, or all of the area, that OPERATION names.
func Main(area string, operations func(*app.App) []api.Operation, table []route.Route) {
	a := Start()
	h, err := Operation(a.API, a.Config.Operation, area, operations(a), table)
	if err != nil {
		Stop(err)
	}
	lambda.Start(HTTP(h))
}

// MainHandler is Main for a function that is no list of operations.
func MainHandler(handler func(*app.App) http.Handler) { lambda.Start(HTTP(handler(Start()))) }

// MainStream is the main of a function on the table's stream.
func MainStream(handle func(*app.App) Changes) { lambda.Start(Stream(handle(Start()))) }

// Start puts the app together from a function's environment, or ends the function with
// one line that says what is wrong.
func Start() *app.App {
	app.CollectLess()
	c, err := config.Read(os.Getenv)
	if err != nil {
		Stop(err)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	table, err := dynamodb.New(dynamodb.Options{
		Table: c.TableName, Region: os.Getenv("AWS_REGION"), Endpoint: os.Getenv("DYNAMODB_ENDPOINT"),
		Cloud: inCloud(),
	})
	if err != nil {
		Stop(err)
	}
	// MASTER_KEY_FILE wraps the keyset where there is no KMS.
	key, err := secret.OpenMasterKey(os.Getenv("MASTER_KEY_FILE"))
	if err != nil {
		Stop(fmt.Errorf("MASTER_KEY_FILE: %w", err))
	}
	ctx, cancel := context.WithTimeout(context.Background(), initWithin)
	defer cancel()
	a, err := app.New(ctx, app.Parts{Config: c, Table: table, Wrapper: key, Log: log})
	if err != nil {
		Stop(err)
	}
	return a
}

// inCloud reports whether this is a Lambda function in AWS. SAM's and LocalStack's local
// ones look the same but for their own variables, and SAM gives them its user's credentials.
func inCloud() bool {
	return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" &&
		os.Getenv("AWS_SAM_LOCAL") == "" && os.Getenv("LOCALSTACK_HOSTNAME") == ""
}

// Stop ends a process that cannot start.
func Stop(err error) {
	fmt.Fprintln(os.Stderr, "mandate:", err)
	os.Exit(1)
}
