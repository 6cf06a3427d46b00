//go:build dynamodb

package dynamodb_test

import (
	"context"
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

// TestCreateTable reads back what was created.
func TestCreateTable(t *testing.T) {
	endpoint, name := dynamodblocal.Shared(t).Endpoint, aws.String("created")
	table, err := dynamodb.New(dynamodb.Options{Table: *name, Endpoint: endpoint})
	require.NoError(t, err)
	require.NoError(t, table.CreateTable(t.Context()))
	require.NoError(t, table.CreateTable(t.Context()), "there already")

	client := sdk.New(sdk.Options{
		BaseEndpoint: &endpoint, Region: "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
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
