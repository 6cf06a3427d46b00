package local

import (
	"time"

	"mandate/functions/publish"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/sam"
)

// Webhook is the reader of the stream that tells a webhook. It is no function of the
// template: a shard of DynamoDB's stream has room for two readers, and in the cloud the
// bus tells others.
//
// An endpoint that does not answer gets its notices again for an hour and holds up no other
// reader. What is older is given up; it still stands on the list of revocation events.
func Webhook(a *app.App, endpoint publish.Listener) StreamFunction {
	return StreamFunction{
		Reader: "webhook", Function: gateway.Stream(publish.Forward(a, endpoint).Handle),
		Settings: sam.Stream{Batch: 10, Bisect: true, Retries: -1, MaxAge: time.Hour, Partial: true, Failures: true},
		Timeout:  time.Minute,
	}
}
