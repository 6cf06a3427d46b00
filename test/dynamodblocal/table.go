package dynamodblocal

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"

	"mandate/shared/store/dynamodb"
)

// shared is one server for all tests of a process. It ends with the process.
var shared = sync.OnceValues(func() (*Server, error) { return Start(context.Background(), 0) })

// Shared returns the server of this test process, which it starts when there is none.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Table returns an empty table on the server of this test process.
func Table(t testing.TB) *dynamodb.Table {
	t.Helper()
	table, err := dynamodb.New(dynamodb.Options{Table: "test-" + uuid.NewString(), Endpoint: Shared(t).Endpoint})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return table
}
