package dynamodb_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store/dynamodb"
)

// A network stands where the network and DynamoDB would: it answers in their wire form, so
// that a test can meet what DynamoDB Local never does.
type network struct {
	answer func(n int, r request) (reply, error) // n counts from 0

	mu   sync.Mutex
	sent []request
}

type request struct {
	op     string
	host   string
	header http.Header
	body   map[string]any
}

type reply struct {
	status int
	body   string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := request{host: r.URL.Host, header: r.Header}
	_, got.op, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(raw, &got.body); err != nil {
		return nil, err
	}
	n.mu.Lock()
	count := len(n.sent)
	n.sent = append(n.sent, got)
	n.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, err := n.answer(count, got)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func (n *network) table(t *testing.T) *dynamodb.Table {
	t.Helper()
	table, err := dynamodb.New(dynamodb.Options{
		Table: "mandate", Endpoint: "http://dynamodb.test", HTTPClient: &http.Client{Transport: n},
	})
	require.NoError(t, err)
	return table
}

// always answers every request alike.
func always(r reply) *network {
	return &network{answer: func(int, request) (reply, error) { return r, nil }}
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

// fault is an error of DynamoDB; more are further members of its body.
func fault(status int, code, more string) reply {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"because"`
	if more != "" {
		body += "," + more
	}
	return reply{status: status, body: body + "}"}
}

// cancelled is the answer to a transaction in which mutations failed for these reasons,
// each a code or a whole JSON object.
func cancelled(reasons ...string) reply {
	for i, r := range reasons {
		if !strings.HasPrefix(r, "{") {
			reasons[i] = `{"Code":"` + r + `"}`
		}
	}
	return fault(http.StatusBadRequest, "TransactionCanceledException", `"CancellationReasons":[`+strings.Join(reasons, ",")+`]`)
}

// at walks into decoded JSON.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, isMap := v.(map[string]any)
			require.True(t, isMap, "no object at %s", step)
			assert.Contains(t, m, step)
			v = m[step]
		case int:
			l, isList := v.([]any)
			require.True(t, isList, "no list at %d", step)
			require.Greater(t, len(l), step)
			v = l[step]
		}
	}
	return v
}

// newTable makes a table on a real connection.
func newTable(endpoint string) (*dynamodb.Table, error) {
	return dynamodb.New(dynamodb.Options{Table: "mandate", Endpoint: endpoint})
}
