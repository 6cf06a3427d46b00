//go:build dynamodb

package late

import (
	"testing"

	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

func TestWhatWasEndedStaysEndedOnDynamoDB(t *testing.T) {
	stays(t, service.WithEngine(dynamodblocal.Unfollowed(t)))
}

func TestWhatWasDeletedStaysDeletedOnDynamoDB(t *testing.T) {
	staysDeleted(t, service.WithEngine(dynamodblocal.Unfollowed(t)))
}
