package local

import (
	"slices"
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
// It is given what publish is given, of which it tells the same. An endpoint that does not
// answer gets its notices again for an hour and holds up no other reader. What is older is
// given up; it still stands on the list of revocation events.
func (s *Service) Webhook(a *app.App, endpoint publish.Listener) StreamFunction {
	like := slices.IndexFunc(s.Streams, func(f StreamFunction) bool { return f.Reader == "publish" })
	return StreamFunction{
		Reader: "webhook", Function: gateway.Stream(publish.Forward(a, endpoint).Handle),
		Settings: sam.Stream{
			Filter: s.Streams[like].Settings.Filter, Batch: 10, Bisect: true, Retries: -1, MaxAge: time.Hour, Partial: true, Failures: true,
		},
		Timeout: time.Minute,
	}
}
