package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"mandate/shared/app"
	"mandate/shared/cloud"
	"mandate/shared/config"
	"mandate/shared/kms"
	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/test/dynamodblocal"
	"mandate/test/fakekms"
)

const (
	tableName = "coldstart"
	region    = "us-east-1"

	// warmed is how often DynamoDB Local answers before the first start: until then Java compiles
	// what it runs, and takes a processor for it that the service itself would not.
	warmed = 1000
)

// A place is where a function runs: a table with a keyset, and the KMS that wrapped it.
type place struct {
	near, far map[string]string // environments of the function
	stops     []func()
}

func (p *place) stop() {
	for _, stop := range p.stops {
		stop()
	}
}

func makePlace(ctx context.Context) (p *place, err error) {
	p = &place{}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	server, err := dynamodblocal.Start(ctx, dynamodblocal.Loopback, 0)
	if err != nil {
		return nil, err
	}
	p.stops = append(p.stops, server.Stop)
	keys, stop, err := fakekms.Start()
	if err != nil {
		return nil, err
	}
	p.stops = append(p.stops, stop)
	if err := fill(ctx, server.Endpoint, keys.Endpoint); err != nil {
		return nil, err
	}
	p.near = map[string]string{
		"TABLE_NAME": tableName, "AWS_REGION": region, "OPERATION": "ValidateToken", "KMS_KEY_ARN": fakekms.ARN,
		"DYNAMODB_ENDPOINT": server.Endpoint, "KMS_ENDPOINT": keys.Endpoint,
	}
	if _, err := p.answers(ctx, warmed); err != nil {
		return nil, err
	}
	p.far = maps.Clone(p.near)
	for _, variable := range []string{"DYNAMODB_ENDPOINT", "KMS_ENDPOINT"} {
		if p.far[variable], err = p.awayFrom(p.near[variable]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// fill makes a table with a keyset.
func fill(ctx context.Context, endpoint, kmsEndpoint string) error {
	table, err := dynamodb.New(dynamodb.Options{Table: tableName, Region: region, Endpoint: endpoint})
	if err != nil {
		return err
	}
	for range 5 { // on a busy machine a table that has just started answers late
		if err = table.CreateTable(ctx); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	key, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: tableName, Place: cloud.Place{Region: region, Endpoint: kmsEndpoint}})
	if err != nil {
		return err
	}
	c, err := config.Read(func(string) string { return "" })
	if err != nil {
		return err
	}
	_, err = app.New(ctx, app.Parts{Config: c, Table: table, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	return err
}

// answers times what a start reads, as a process does that has read before, each time by a new
// connection: how long a start waits for DynamoDB Local.
func (p *place) answers(ctx context.Context, times int) ([]float64, error) {
	var took []float64
	for range times {
		table, err := dynamodb.New(dynamodb.Options{Table: tableName, Region: region, Endpoint: p.near["DYNAMODB_ENDPOINT"]})
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := table.Read(ctx, store.Keyset(), store.Deployment()); err != nil {
			return nil, err
		}
		took = append(took, milliseconds(time.Since(began)))
	}
	slices.Sort(took)
	return took, nil
}

// awayFrom starts what passes requests on, and answers later.
func (p *place) awayFrom(endpoint string) (string, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("endpoint %s: %w", endpoint, err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(*http.Response) error {
			time.Sleep(away)
			return nil
		},
	})
	p.stops = append(p.stops, s.Close)
	return s.URL, nil
}
