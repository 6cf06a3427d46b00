// Package cloud is what every client of AWS here has in common: whose credentials sign its
// requests, how long it waits, and that none reaches AWS by accident. Clients are put
// together from these parts and not by the SDK's own loader, which looks in files and asks
// the network, and makes every function 2 MB larger.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Place says where a service of AWS is reached.
type Place struct {
	Region string // needed in the cloud; anything, or nothing, with an Endpoint

	// Endpoint is the URL of one that is not the region's own. It may be empty in the Cloud
	// only, so that no local mode and no test reaches AWS by accident.
	Endpoint string
	Cloud    bool // running as a Lambda function in AWS
}

// Check reports what is missing. variable names the endpoint's.
func (p Place) Check(variable string) error {
	switch {
	case p.Endpoint == "" && !p.Cloud:
		return fmt.Errorf("no endpoint named; outside AWS there must be one (%s)", variable)
	case p.Endpoint == "" && p.Region == "":
		return errors.New("no region named (AWS_REGION)")
	case p.Endpoint == "":
		return nil
	}
	u, err := url.Parse(p.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the endpoint (%s) is not a URL with http or https and a host", variable)
	}
	return nil
}

// anyRegion goes into signatures that nobody checks. It is one that the SDK has in its list:
// for others it compiles a dozen patterns on every request, which doubles the cost of one.
const anyRegion = "us-east-1"

// SigningRegion is the region that requests are signed for.
func (p Place) SigningRegion() string {
	if p.Region == "" && p.Endpoint != "" {
		return anyRegion
	}
	return p.Region
}

// BaseEndpoint is the endpoint as the SDK's options want it.
func (p Place) BaseEndpoint() *string {
	if p.Endpoint == "" {
		return nil
	}
	return aws.String(p.Endpoint)
}

// Credentials reads those of the environment, as Lambda sets them: AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. It reads them once: in Lambda they stay as long
// as the process. A local endpoint takes any, so without them it is given some.
func (p Place) Credentials() (aws.CredentialsProvider, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		if p.Endpoint == "" {
			return nil, errors.New("no credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)")
		}
		c = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "none needed"}
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }), nil
}

// Bounds of waiting, so that a lost packet costs a repeat and not a Lambda's whole time.
// DynamoDB and KMS answer within milliseconds, DynamoDB within some hundred for 16 MB.
const (
	connectWithin   = time.Second
	answerWithin    = 2 * time.Second // from the end of the request to the first byte of the answer
	idleConnections = 64              // the SDK keeps 10, fewer than one local gateway uses
)

// HTTPClient waits no longer than that.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectWithin }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connectWithin
			t.ResponseHeaderTimeout = answerWithin
			t.MaxIdleConnsPerHost = idleConnections
		})
}
