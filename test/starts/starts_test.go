//go:build dynamodb

// Package starts shows what a function says that cannot start: the real executable, against
// a Runtime API on loopback and DynamoDB Local.
package starts

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/cloud"
	"mandate/shared/config"
	"mandate/shared/kms"
	"mandate/shared/metrics"
	"mandate/shared/store/dynamodb"
	"mandate/test/deployed"
	"mandate/test/dynamodblocal"
	"mandate/test/fakekms"
)

const region = "us-east-1"

type settings map[string]string

// but is a copy with something else; "" takes a variable away.
func (s settings) but(namesAndValues ...string) settings {
	other := maps.Clone(s)
	for pair := range slices.Chunk(namesAndValues, 2) {
		name, value := pair[0], pair[1]
		if other[name] = value; value == "" {
			delete(other, name)
		}
	}
	return other
}

// makeTable returns the name of a table on DynamoDB Local; with a keyset, when a key is given.
func makeTable(t *testing.T, name string, keys *fakekms.KMS) string {
	t.Helper()
	endpoint := dynamodblocal.Shared(t).Endpoint
	table, err := dynamodb.New(dynamodb.Options{Table: name, Region: region, Endpoint: endpoint})
	require.NoError(t, err)
	for range 5 { // on a busy machine a server that has just started answers late
		if err = table.CreateTable(t.Context()); err == nil {
			break
		}
	}
	require.NoError(t, err)
	if keys == nil {
		return name
	}
	key, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: name, Place: cloud.Place{Region: region, Endpoint: keys.Endpoint}})
	require.NoError(t, err)
	c, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	_, err = app.New(context.Background(), app.Parts{Config: c, Table: table, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return name
}

// minutesAhead is DynamoDB Local as it looks to a machine whose clock is ahead.
func minutesAhead(t *testing.T, endpoint string, ahead time.Duration) string {
	t.Helper()
	to, err := url.Parse(endpoint)
	require.NoError(t, err)
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	t.Cleanup(s.Close)
	return s.URL
}

// refusing is a DynamoDB that answers with an error of AWS.
func refusing(t *testing.T, code, message string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazon.coral.service#" + code, "message": message})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestAFunctionThatCannotStart: it says in one line which variable is wrong and how, keeps
// silent about secrets, and ends.
func TestAFunctionThatCannotStart(t *testing.T) {
	auth, err := deployed.Build(t.Context(), t.TempDir(), "auth", "")
	require.NoError(t, err)
	endpoint, keys, denied := dynamodblocal.Shared(t).Endpoint, fakekms.New(t), fakekms.New(t)
	denied.Fail("AccessDeniedException", "no")
	nowhere := httptest.NewServer(nil)
	nowhere.Close() // a port on which nobody listens
	open := filepath.Join(t.TempDir(), "master.key")
	require.NoError(t, os.WriteFile(open, []byte("x"), 0o644)) //nolint:gosec // G306: open to others, on purpose

	right := settings{
		"OPERATION": "ValidateToken", "TABLE_NAME": makeTable(t, "starts", keys), "AWS_REGION": region, "DYNAMODB_ENDPOINT": endpoint,
		"KMS_KEY_ARN": fakekms.ARN, "KMS_ENDPOINT": keys.Endpoint,
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "never-to-be-printed", "AWS_SESSION_TOKEN": "neither-is-this",
	}
	closed := right.but("DYNAMODB_ENDPOINT", nowhere.URL)
	for name, c := range map[string]struct {
		env  settings
		says []string
	}{
		"nothing is set":               {settings{}, []string{"OPERATION is not set", "TABLE_NAME is not set", "AWS_REGION is not set", "KMS_KEY_ARN is not set"}},
		"no operation":                 {right.but("OPERATION", ""), []string{"OPERATION is not set"}},
		"an operation of elsewhere":    {right.but("OPERATION", "CreateTrust"), []string{`OPERATION="CreateTrust"`, "area auth"}},
		"no table":                     {right.but("TABLE_NAME", ""), []string{"TABLE_NAME is not set"}},
		"a table that is not there":    {right.but("TABLE_NAME", "mandat"), []string{`TABLE_NAME="mandat"`, `AWS_REGION="us-east-1"`}},
		"a table that does not answer": {closed, []string{`TABLE_NAME="starts"`, `AWS_REGION="us-east-1"`, "DYNAMODB_ENDPOINT"}},
		"a table without a keyset":     {right.but("TABLE_NAME", makeTable(t, "empty", nil)), []string{`TABLE_NAME="empty"`, "no keyset", "bootstrap"}},
		"a role that may not read":     {right.but("DYNAMODB_ENDPOINT", refusing(t, "AccessDeniedException", "not authorized")), []string{`TABLE_NAME="starts"`, "role", "not authorized"}},
		"credentials that are stale":   {right.but("DYNAMODB_ENDPOINT", refusing(t, "UnrecognizedClientException", "invalid token")), []string{"AWS_SESSION_TOKEN", `AWS_REGION="us-east-1"`}},
		"no credentials":               {closed.but("AWS_ACCESS_KEY_ID", "", "KMS_ENDPOINT", ""), []string{"AWS_ACCESS_KEY_ID"}},
		"no region":                    {right.but("AWS_REGION", ""), []string{"AWS_REGION is not set"}},
		"a table's wrong region":       {right.but("AWS_REGION", "eu-west-1", "DYNAMODB_ENDPOINT", refusing(t, "ResourceNotFoundException", "Requested resource not found")), []string{`TABLE_NAME="starts"`, `AWS_REGION="eu-west-1"`}},
		"a key's wrong region":         {closed.but("AWS_REGION", "eu-west-1", "KMS_ENDPOINT", ""), []string{"KMS_KEY_ARN=", `AWS_REGION="eu-west-1"`}},
		"no key":                       {right.but("KMS_KEY_ARN", ""), []string{"KMS_KEY_ARN is not set"}},
		"a key's alias":                {right.but("KMS_KEY_ARN", "alias/mandate"), []string{`KMS_KEY_ARN="alias/mandate"`, "must be the ARN"}},
		"another key":                  {right.but("KMS_KEY_ARN", strings.Replace(fakekms.ARN, "1234abcd", "9999abcd", 1)), []string{"KMS_KEY_ARN=", "Decrypt"}},
		"a key that may not be used":   {right.but("KMS_ENDPOINT", denied.Endpoint), []string{"KMS_KEY_ARN=", "AccessDeniedException"}},
		"a key that does not answer":   {right.but("KMS_ENDPOINT", nowhere.URL), []string{"KMS_KEY_ARN="}},
		"a key file open to others":    {right.but("MASTER_KEY_FILE", open), []string{"MASTER_KEY_FILE", "0600"}},
		"a clock that is ahead":        {right.but("DYNAMODB_ENDPOINT", minutesAhead(t, endpoint, 10*time.Minute)), []string{"clock", "(9m59s|10m[01]s) ahead of"}},
		"a clock that is behind":       {right.but("DYNAMODB_ENDPOINT", minutesAhead(t, endpoint, -10*time.Minute)), []string{"clock", "(9m59s|10m[01]s) behind"}},
		"several settings at once": {
			right.but("TOKEN_EXPIRATION", "soon", "POLICY_PRESET", "mine", "LOG_LEVEL", "loud", "PUBLIC_URL", "id.example", "V2", "maybe"),
			[]string{`TOKEN_EXPIRATION="soon"`, `POLICY_PRESET="mine"`, `LOG_LEVEL="loud"`, `PUBLIC_URL="id.example"`, `V2="maybe"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			start, err := deployed.Run(t.Context(), auth, c.env)
			require.NoError(t, err)
			require.False(t, start.Ready, "it asked for an event")
			assert.Equal(t, 1, start.ExitCode)
			assert.Less(t, start.After, 9*time.Second, "Lambda ends it after ten and says nothing but that")
			var line struct{ Level, Msg, Cause string }
			require.Equal(t, 1, strings.Count(start.Log, "\n"), start.Log)
			require.NoError(t, json.Unmarshal([]byte(start.Log), &line), start.Log)
			t.Log(line.Cause)
			assert.Equal(t, "ERROR", line.Level)
			assert.Equal(t, "init failed", line.Msg)
			for _, said := range c.says {
				assert.Regexp(t, said, line.Cause) // a Date has whole seconds
			}
			assert.NotContains(t, start.Log, "never-to-be-printed")
			assert.NotContains(t, start.Log, "neither-is-this")
		})
	}
	t.Run("nothing is wrong", func(t *testing.T) {
		event := `{"version":"2.0","routeKey":"GET /v3/auth/tokens","rawPath":"/v3/auth/tokens","headers":{"host":"id.example"},` +
			`"requestContext":{"stage":"$default","http":{"method":"GET","path":"/v3/auth/tokens"}}}`
		start, err := deployed.Run(t.Context(), auth, right, event, event)
		require.NoError(t, err)
		require.True(t, start.Ready, start.Log)
		require.Len(t, start.Replies, 2)
		assert.Contains(t, start.Replies[1], `"statusCode":401`)
		lines := strings.Split(strings.TrimSpace(start.Log), "\n")
		require.Len(t, lines, 2, "one line for each request")
		for i, cold := range []float64{1, 0} {
			var line map[string]any
			require.NoError(t, json.Unmarshal([]byte(lines[i]), &line))
			assert.Equal(t, "ValidateToken", line["operation"])
			assert.Equal(t, "auth", line[metrics.Area])
			assert.Equal(t, deployed.TraceID, line["trace_id"])
			assert.InDelta(t, cold, line[metrics.ColdStarts], 0)
			assert.Contains(t, line, "_aws")
		}
	})
}
