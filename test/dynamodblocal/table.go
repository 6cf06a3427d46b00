package dynamodblocal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
)

// shared is one server for all tests of a process. It ends with the process.
var shared = sync.OnceValues(func() (*Server, error) { return Start(context.Background(), Loopback, 0) })

// Shared returns the server of this test process, which it starts when there is none.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Table returns an empty table on the server of this test process. The server's first answers
// take long on a busy machine: another table is tried until it has one, for half a minute.
func Table(t testing.TB) *dynamodb.Table {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		table, err := dynamodb.New(dynamodb.Options{Table: "test-" + uuid.NewString(), Endpoint: Shared(t).Endpoint})
		if err == nil {
			err = table.CreateTable(t.Context())
		}
		if err == nil {
			return table
		}
		if !errors.Is(err, store.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
