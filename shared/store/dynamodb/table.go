// Package dynamodb is the table in the cloud: an engine of [store.Table] on Amazon
// DynamoDB, and on what speaks its protocol (DynamoDB Local, LocalStack). It decides how
// reads and mutations become requests and what every answer means; store/storetest holds
// it to the same behaviour as store/embedded.
//
//	t, err := dynamodb.New(dynamodb.Options{Table: "mandate", Endpoint: endpoint})
//	err = t.Write(ctx, store.NewRequestID(), store.Create(store.User(id), user))
//
// Every write is a transaction, which DynamoDB makes once for its client token, for ten
// minutes; it takes no request that is signed longer ago than some minutes. So a request that
// is held up on its way, and arrives after its own repetition was answered and others have
// written the item since, changes nothing; nor when the repetition was refused (settle).
//
// A write of one Create, Update or Upsert that is [store.Mutation.Lasting] is a plain PutItem
// or UpdateItem instead, which costs half: issuing and revoking a token are. It is stamped
// with its request id, so that a repeat which is refused by its own first success is a
// success. One that adds to a number is a transaction all the same.
//
// The engine sends each request once. Repeating is the retry decorator's, which knows the
// request's deadline; only keys that a batch read left unprocessed are asked for again here.
package dynamodb

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"mandate/shared/cloud"
	"mandate/shared/store"
)

// Options say which table is meant and how it is reached.
type Options struct {
	Table    string // its name or ARN
	Region   string // these are explained at [cloud.Place]
	Endpoint string
	Cloud    bool

	// Credentials sign the requests; those of the environment when nil.
	Credentials aws.CredentialsProvider

	// HTTPClient sends the requests; one with bounded waiting when nil.
	HTTPClient sdk.HTTPClient
}

// Table implements [store.Table]. It is safe for concurrent use.
type Table struct {
	client   *sdk.Client
	name     string
	endpoint string // "" in the cloud
	doubts   doubts
}

var _ store.Table = (*Table)(nil)

// New makes a table. It sends nothing.
func New(o Options) (*Table, error) {
	if o.Table == "" {
		return nil, errors.New("dynamodb: no table named (TABLE_NAME)")
	}
	place := cloud.Place{Region: o.Region, Endpoint: o.Endpoint, Cloud: o.Cloud}
	if err := place.Check("DYNAMODB_ENDPOINT"); err != nil {
		return nil, fmt.Errorf("dynamodb: %w", err)
	}
	if o.Credentials == nil {
		found, err := place.Credentials()
		if err != nil {
			return nil, fmt.Errorf("dynamodb: %w", err)
		}
		o.Credentials = found
	}
	if o.HTTPClient == nil {
		o.HTTPClient = cloud.HTTPClient()
	}
	client := sdk.New(sdk.Options{
		Region: place.SigningRegion(), BaseEndpoint: place.BaseEndpoint(),
		Credentials: o.Credentials,
		HTTPClient:  o.HTTPClient,
		Retryer:     aws.NopRetryer{},
	})
	return &Table{client: client, name: o.Table, endpoint: o.Endpoint}, nil
}
