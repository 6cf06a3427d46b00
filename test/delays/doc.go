// Package delays measures what a request waits for when the table is as far away as the
// real one: the service on the dynamodb engine, DynamoDB Local below it, and before every
// call a pause drawn as the real service's answers come, 3 ms in the median and 12 ms in one
// of a hundred. It shows that a validation waits for one call; and what repeating lost calls
// and sending slow ones twice (hedging) would do.
//
//	go test -tags dynamodb ./test/delays -run '^$' -bench . -benchtime 1000x
package delays
