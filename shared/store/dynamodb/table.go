// Package dynamodb is the table in the cloud: an engine of [store.Table] on Amazon
// DynamoDB, and on what speaks its protocol (DynamoDB Local, LocalStack). It decides how
// reads and mutations become requests and what every answer means; store/storetest holds
// it to the same behaviour as store/embedded.
//
//	t, err := dynamodb.New(dynamodb.Options{Table: "mandate", Endpoint: endpoint})
//	err = t.Write(ctx, store.NewRequestID(), store.Create(store.User(id), user))
//
// A write of one Create, or of one Update or Upsert that adds to no number, is a plain
// PutItem or UpdateItem, which costs half of a transaction. It is stamped with its request
// id, so that a repeat which is refused by its own first success is a success. What a
// repeat can still do, when others wrote the item in between, is to come after them: then
// the writes have happened in that order. Adding is different, for no order of the writes
// would explain a second addition; so it is a transaction, as are Delete, which leaves
// nothing to stamp, Check, and all writes of several mutations. DynamoDB itself makes
// transactions with the same client token happen once, for ten minutes.
//
// The engine sends each request once. Repeating is the retry decorator's, which knows the
// request's deadline; only keys that a batch read left unprocessed are asked for again here.
package dynamodb

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"mandate/shared/store"
)

// Options say which table is meant and how it is reached.
type Options struct {
	Table  string // its name or ARN
	Region string // needed in the cloud; anything, or nothing, with an Endpoint

	// Endpoint is the URL of a DynamoDB that is not the region's own. It may be empty in
	// the Cloud only, so that no local mode and no test reaches AWS by accident.
	Endpoint string
	Cloud    bool // running as a Lambda function in AWS

	// Credentials sign the requests. When nil they are those of the environment, as Lambda
	// sets them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. A local
	// endpoint takes any, so without them it is given some.
	Credentials aws.CredentialsProvider

	// HTTPClient sends the requests; one with bounded waiting when nil.
	HTTPClient sdk.HTTPClient
}

// Table implements [store.Table]. It is safe for concurrent use.
type Table struct {
	client   *sdk.Client
	name     string
	endpoint string // "" in the cloud
}

var _ store.Table = (*Table)(nil)

// New makes a table. It sends nothing.
func New(o Options) (*Table, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		found, err := environment(o.Endpoint)
		if err != nil {
			return nil, err
		}
		o.Credentials = found
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	options := sdk.Options{
		Region:      o.Region,
		Credentials: o.Credentials,
		HTTPClient:  o.HTTPClient,
		Retryer:     aws.NopRetryer{},
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
		if o.Region == "" {
			options.Region = anyRegion
		}
	}
	return &Table{client: sdk.New(options), name: o.Table, endpoint: o.Endpoint}, nil
}

// anyRegion goes into signatures that nobody checks. It is one that the SDK has in its list:
// for others it compiles a dozen patterns on every request, which doubles the cost of one.
const anyRegion = "us-east-1"

func (o Options) check() error {
	switch {
	case o.Table == "":
		return errors.New("dynamodb: no table named")
	case o.Endpoint == "" && !o.Cloud:
		return errors.New("dynamodb: no endpoint named; outside AWS there must be one (DYNAMODB_ENDPOINT)")
	case o.Endpoint == "" && o.Region == "":
		return errors.New("dynamodb: no region named (AWS_REGION)")
	}
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("dynamodb: the endpoint is not a URL with http or https and a host")
		}
	}
	return nil
}

// environment reads the credentials once: in Lambda they stay as long as the process.
func environment(endpoint string) (aws.CredentialsProvider, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		if endpoint == "" {
			return nil, errors.New("dynamodb: no credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)")
		}
		c = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "none needed"}
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }), nil
}

// Bounds of waiting, so that a lost packet costs a repeat and not a Lambda's whole time.
// DynamoDB answers within milliseconds, within some hundred for 16 MB.
const (
	connectWithin   = time.Second
	answerWithin    = 2 * time.Second // from the end of the request to the first byte of the answer
	idleConnections = 64              // the SDK keeps 10, fewer than one local gateway uses
)

func newHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectWithin }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connectWithin
			t.ResponseHeaderTimeout = answerWithin
			t.MaxIdleConnsPerHost = idleConnections
		})
}
