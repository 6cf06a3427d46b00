package dynamodb_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name    string
		options dynamodb.Options
		env     map[string]string
		problem string // "" when it is accepted
	}{
		{"no endpoint outside AWS", dynamodb.Options{Table: "t", Region: "eu-west-1"}, keysInEnv, "no endpoint"},
		{"no table", dynamodb.Options{Endpoint: "http://127.0.0.1:1"}, nil, "no table"},
		{"no region in AWS", dynamodb.Options{Table: "t", Cloud: true}, keysInEnv, "no region"},
		{"no credentials in AWS", dynamodb.Options{Table: "t", Region: "eu-west-1", Cloud: true}, nil, "no credentials"},
		{"endpoint without a host", dynamodb.Options{Table: "t", Endpoint: "http://"}, nil, "not a URL"},
		{"endpoint without a scheme", dynamodb.Options{Table: "t", Endpoint: "localhost:8000"}, nil, "not a URL"},
		{"local, nothing else said", dynamodb.Options{Table: "t", Endpoint: "http://127.0.0.1:1"}, nil, ""},
		{"in AWS", dynamodb.Options{Table: "t", Region: "eu-west-1", Cloud: true}, keysInEnv, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			setKeys(t, c.env)
			table, err := dynamodb.New(c.options)
			if c.problem != "" {
				require.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			require.NotNil(t, table)
		})
	}
}

var keysInEnv = map[string]string{
	"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
}

func setKeys(t *testing.T, env map[string]string) {
	t.Helper()
	for name := range keysInEnv {
		t.Setenv(name, env[name])
	}
}

// TestCloud looks at the one request that would have gone to AWS.
func TestCloud(t *testing.T) {
	setKeys(t, keysInEnv)
	n := always(ok(`{}`))
	table, err := dynamodb.New(dynamodb.Options{
		Table: "mandate", Region: "eu-west-1", Cloud: true, HTTPClient: &http.Client{Transport: n},
	})
	require.NoError(t, err)
	_, err = table.Read(t.Context(), store.Keyset())
	require.NoError(t, err)
	require.Len(t, n.sent, 1)
	assert.Equal(t, "dynamodb.eu-west-1.amazonaws.com", n.sent[0].host)
	assert.Contains(t, n.sent[0].header.Get("Authorization"), "Credential=AKIDEXAMPLE/")
	assert.Contains(t, n.sent[0].header.Get("Authorization"), "/eu-west-1/dynamodb/")
	assert.Equal(t, "session", n.sent[0].header.Get("X-Amz-Security-Token"))

	require.ErrorContains(t, table.CreateTable(t.Context()), "explicit endpoint")
	require.Len(t, n.sent, 1, "no table is created in the cloud")
}
