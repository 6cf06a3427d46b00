package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

// Schema is what a table must be declared as. All its keys are texts.
type Schema struct {
	PartitionKey, SortKey string
	Indexes               []IndexSchema // global
	TTL                   string        // attribute after whose time DynamoDB removes an item
	Stream                types.StreamViewType
	Billing               types.BillingMode
}

// IndexSchema is a global secondary index.
type IndexSchema struct {
	Name, PartitionKey, SortKey string
	Projection                  types.ProjectionType
}

// TableSchema is the schema of the one table, which template.yaml declares for the cloud
// and CreateTable makes locally.
//
// The indexes project whole items: they hold token rows only, which are smaller than the
// 1 KB that an index entry is charged as anyhow, and a list of tokens or a cascade would
// otherwise read each row again.
func TableSchema() Schema {
	index := func(i store.Index) IndexSchema {
		return IndexSchema{
			Name: indexName(i), PartitionKey: partitionKey(i), SortKey: sortKey(i), Projection: types.ProjectionTypeAll,
		}
	}
	return Schema{
		PartitionKey: store.AttrPK,
		SortKey:      store.AttrSK,
		Indexes:      []IndexSchema{index(store.Index1), index(store.Index2)},
		TTL:          store.AttrTTL,
		Stream:       types.StreamViewTypeNewAndOldImages,
		Billing:      types.BillingModePayPerRequest,
	}
}

// createWithin bounds how long a new table may take until it can be used.
const createWithin = 30 * time.Second

// CreateTable makes the table where there is none, for local use. It refuses without an
// explicit endpoint: in the cloud template.yaml makes it.
func (t *Table) CreateTable(ctx context.Context) error {
	if t.endpoint == "" {
		return errors.New("dynamodb: a table is created at an explicit endpoint only (DYNAMODB_ENDPOINT)")
	}
	s := TableSchema()
	_, err := t.client.CreateTable(ctx, s.request(t.name))
	var exists *types.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create table %s: %w", t.name, failure(ctx, err))
	}
	wait := sdk.NewTableExistsWaiter(t.client, func(o *sdk.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := wait.Wait(ctx, &sdk.DescribeTableInput{TableName: &t.name}, createWithin); err != nil {
		return fmt.Errorf("create table %s: %w", t.name, failure(ctx, err))
	}
	_, err = t.client.UpdateTimeToLive(ctx, &sdk.UpdateTimeToLiveInput{
		TableName:               &t.name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &s.TTL, Enabled: aws.Bool(true)},
	})
	if err != nil {
		return fmt.Errorf("create table %s: expiry: %w", t.name, failure(ctx, err))
	}
	return nil
}

// StreamARN names the table's stream, for whoever reads it without Lambda.
func (t *Table) StreamARN(ctx context.Context) (string, error) {
	out, err := t.client.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: &t.name})
	if err != nil {
		return "", fmt.Errorf("describe table %s: %w", t.name, failure(ctx, err))
	}
	if out.Table.LatestStreamArn == nil {
		return "", fmt.Errorf("table %s has no stream", t.name)
	}
	return *out.Table.LatestStreamArn, nil
}

func (s Schema) request(name string) *sdk.CreateTableInput {
	keys := func(partition, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	attributes := []string{s.PartitionKey, s.SortKey}
	in := &sdk.CreateTableInput{
		TableName:   &name,
		BillingMode: s.Billing,
		KeySchema:   keys(s.PartitionKey, s.SortKey),
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: s.Stream,
		},
	}
	for _, i := range s.Indexes {
		attributes = append(attributes, i.PartitionKey, i.SortKey)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &i.Name, KeySchema: keys(i.PartitionKey, i.SortKey),
			Projection: &types.Projection{ProjectionType: i.Projection},
		})
	}
	slices.Sort(attributes)
	for _, a := range slices.Compact(attributes) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &a, AttributeType: types.ScalarAttributeTypeS,
		})
	}
	return in
}
