//go:build dynamodb

package oauth1_test

import (
	"testing"

	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

func init() {
	engines["dynamodb"] = func(t *testing.T) service.Option { return service.WithEngine(dynamodblocal.Unfollowed(t)) }
}
