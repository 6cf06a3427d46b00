//go:build dynamodb

package names

import (
	"testing"

	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

func TestNamesOnDynamoDB(t *testing.T) {
	t.Run("D-021 torn reads", func(t *testing.T) { claim(t, service.WithEngine(dynamodblocal.Unfollowed(t)), service.Torn()) })
	t.Run("D-021 a faulty table", func(t *testing.T) { claim(t, service.WithEngine(dynamodblocal.Unfollowed(t)), service.Faulty()) })
}
