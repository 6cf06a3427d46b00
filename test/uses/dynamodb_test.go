//go:build dynamodb

package uses

import (
	"testing"

	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

func TestUsesOfATrustOnDynamoDB(t *testing.T) {
	t.Run("TR-101 as many tokens as uses", func(t *testing.T) { exactly(t, 10, service.WithEngine(dynamodblocal.Unfollowed(t))) })
	t.Run("TR-101 with a faulty table", func(t *testing.T) {
		exactly(t, 10, service.WithEngine(dynamodblocal.Unfollowed(t)), service.Faulty())
	})
	t.Run("TR-101 a thousand, with time-outs after the commit", func(t *testing.T) {
		exactly(t, 1000, service.WithEngine(dynamodblocal.Unfollowed(t)), service.WithTable(silent))
	})
}
