//go:build dynamodb

package dynamodb_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/shared/store/storetest"
	"mandate/test/dynamodblocal"
)

// TestTable holds the engine to the suite that store/embedded passes, on the vendor's own
// DynamoDB Local.
func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Table { return dynamodblocal.Table(t) })
}

// held keeps a request back that its sender believes lost.
type held struct{ request *http.Request }

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.request != nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	h.request = r.Clone(context.Background())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.request.Body = io.NopCloser(bytes.NewReader(body))
	return nil, io.ErrUnexpectedEOF
}

// TestHeldUp: a request arrives after its repetition was refused, when it would fit again.
func TestHeldUp(t *testing.T) {
	o, k := dynamodb.Options{Table: "held", Endpoint: dynamodblocal.Shared(t).Endpoint}, store.User("u")
	table, err := dynamodb.New(o)
	require.NoError(t, err)
	require.NoError(t, table.CreateTable(t.Context()))
	write := func(m store.Mutation) { require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m)) }
	write(store.Create(k, store.Item{"locked": true}))
	network := &held{}
	o.HTTPClient = &http.Client{Transport: network}
	slow, err := dynamodb.New(o)
	require.NoError(t, err)
	id, enable := store.NewRequestID(), store.Update(k).Set("enabled", true).Where(store.Absent("locked"))
	require.ErrorIs(t, slow.Write(t.Context(), id, enable), store.ErrUnavailable)
	_, refused := store.AsRefused(slow.Write(t.Context(), id, enable))
	require.True(t, refused)
	write(store.Update(k).Remove("locked"))
	late, err := http.DefaultTransport.RoundTrip(network.request)
	require.NoError(t, err)
	answer, err := io.ReadAll(late.Body)
	require.NoError(t, err)
	require.NoError(t, late.Body.Close())
	assert.Contains(t, string(answer), "IdempotentParameterMismatch")
	items, err := table.Read(t.Context(), k)
	require.NoError(t, err)
	require.False(t, items[k].Bool("enabled"))
}

// TestCreateTable reads back what was created.
func TestCreateTable(t *testing.T) {
	endpoint, name := dynamodblocal.Shared(t).Endpoint, aws.String("created")
	table, err := dynamodb.New(dynamodb.Options{Table: *name, Endpoint: endpoint})
	require.NoError(t, err)
	require.NoError(t, table.CreateTable(t.Context()))
	require.NoError(t, table.CreateTable(t.Context()), "there already")

	client := dynamodblocal.Client(t)
	found, err := client.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: name})
	require.NoError(t, err)
	expiry, err := client.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: name})
	require.NoError(t, err)
	got := dynamodb.Schema{
		PartitionKey: keyOf(found.Table.KeySchema, types.KeyTypeHash),
		SortKey:      keyOf(found.Table.KeySchema, types.KeyTypeRange),
		Stream:       found.Table.StreamSpecification.StreamViewType,
		Billing:      found.Table.BillingModeSummary.BillingMode,
		TTL:          aws.ToString(expiry.TimeToLiveDescription.AttributeName),
	}
	for _, i := range found.Table.GlobalSecondaryIndexes {
		got.Indexes = append(got.Indexes, dynamodb.IndexSchema{
			Name: *i.IndexName, PartitionKey: keyOf(i.KeySchema, types.KeyTypeHash), SortKey: keyOf(i.KeySchema, types.KeyTypeRange),
			Projection: i.Projection.ProjectionType,
		})
	}
	want := dynamodb.TableSchema()
	assert.ElementsMatch(t, want.Indexes, got.Indexes)
	got.Indexes = want.Indexes
	require.Equal(t, want, got)
	for _, a := range found.Table.AttributeDefinitions {
		require.Equal(t, types.ScalarAttributeTypeS, a.AttributeType)
	}
}

func keyOf(keys []types.KeySchemaElement, kind types.KeyType) string {
	for _, k := range keys {
		if k.KeyType == kind {
			return *k.AttributeName
		}
	}
	return ""
}
