package dynamodblocal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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
	_, table := create(t)
	return table
}

// Unfollowed returns such a table without a stream, for tests that write much and follow
// nothing. DynamoDB Local describes a table's stream at every request, by looking through the
// records of all streams: some minutes of writing make it seconds late.
func Unfollowed(t testing.TB) *dynamodb.Table {
	t.Helper()
	name, table := create(t)
	_, err := Client(t).UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: &name, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)},
	})
	if err != nil {
		t.Fatalf("end the stream of table %s: %v", name, err)
	}
	return table
}

func create(t testing.TB) (name string, table *dynamodb.Table) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		name = "test-" + uuid.NewString()
		table, err := dynamodb.New(dynamodb.Options{Table: name, Endpoint: Shared(t).Endpoint})
		if err == nil {
			err = table.CreateTable(t.Context())
		}
		if err == nil {
			return name, table
		}
		if !errors.Is(err, store.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// Client speaks to the server as any program does, for what our engine does not.
func Client(t testing.TB) *sdk.Client {
	t.Helper()
	return sdk.New(sdk.Options{
		BaseEndpoint: &Shared(t).Endpoint, Region: "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}
