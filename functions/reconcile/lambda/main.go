// Command lambda is the executable of the function that is run by the clock.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"mandate/functions/reconcile"
	"mandate/shared/gateway"
)

func main() { lambda.Start(reconcile.New(gateway.Start())) }
