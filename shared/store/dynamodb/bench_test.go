package dynamodb_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
)

// instant answers every request alike, so that a benchmark sees this engine and the SDK
// under it, and no network.
type instant string

func (body instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
	}, nil
}

func (body instant) table(b *testing.B) *dynamodb.Table {
	b.Helper()
	table, err := dynamodb.New(dynamodb.Options{
		Table: "mandate", Endpoint: "http://dynamodb.test", HTTPClient: &http.Client{Transport: body},
	})
	require.NoError(b, err)
	return table
}

// BenchmarkRead reads five items, as a validation does.
func BenchmarkRead(b *testing.B) {
	item := `{"pk":{"S":"USER#0123456789abcdef0123456789abcdef"},"sk":{"S":"USER"},"type":{"S":"user"},` +
		`"rid":{"S":"0190b1d2-5a44-7c3e-8f11-2b3c4d5e6f70"},"enabled":{"BOOL":true},"epoch":{"N":"1790000000000000"},` +
		`"name":{"S":"alice"},"groups":{"SS":["a","b"]}}`
	table := instant(`{"Responses":{"mandate":[` + strings.Repeat(item+",", 4) + item + `]}}`).table(b)
	keys := []store.Key{store.User("1"), store.User("2"), store.User("3"), store.User("4"), store.User("5")}
	b.ReportAllocs()
	for b.Loop() {
		_, err := table.Read(b.Context(), keys...)
		require.NoError(b, err)
	}
}

// BenchmarkCreate writes a token's row.
func BenchmarkCreate(b *testing.B) {
	table := instant(`{}`).table(b)
	row := store.Item{
		store.AttrType: "token", store.AttrTTL: int64(1790000000), store.AttrIndex1: "USER#u", store.AttrIndex2: "CHAIN#r",
		store.AttrAudit: "0123456789abcdef", "digest": make([]byte, 32), "epoch": int64(1790000000000000),
	}
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, table.Write(b.Context(), store.NewRequestID(), store.Create(store.Token("0123456789abcdef"), row).Lasting()))
	}
}
