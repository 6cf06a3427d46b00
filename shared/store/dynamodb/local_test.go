//go:build dynamodb

package dynamodb_test

import (
	"testing"

	"mandate/shared/store"
	"mandate/shared/store/storetest"
	"mandate/test/dynamodblocal"
)

// TestTable holds the engine to the suite that store/embedded passes, on the vendor's own
// DynamoDB Local.
func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Table { return dynamodblocal.Table(t) })
}
