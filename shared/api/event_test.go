package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/metrics"
	"mandate/shared/store"
)

// TestALineCarriesMetrics: as the embedded metric format wants them, where they are collected.
func TestALineCarriesMetrics(t *testing.T) {
	b := newBench(t)
	ask := func() map[string]any {
		b.send(t, show(), with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada"))
		return b.line(t)
	}
	assert.NotContains(t, ask(), "_aws", "nobody collects them")

	b.Area, b.Namespace = "users", "mandate-test"
	line := ask()
	about := line["_aws"].(map[string]any)
	assert.InDelta(t, noon.UnixMilli(), about["Timestamp"], 0)
	directives := about["CloudWatchMetrics"].([]any)
	require.Len(t, directives, 1)
	directive := directives[0].(map[string]any)
	assert.Equal(t, "mandate-test", directive["Namespace"])
	assert.Equal(t, []any{[]any{metrics.Area}}, directive["Dimensions"])
	assert.Equal(t, "users", line[metrics.Area])
	listed := directive["Metrics"].([]any)
	assert.Len(t, listed, len(metrics.Requests))
	for _, m := range listed {
		assert.IsType(t, 0.0, line[m.(map[string]any)["Name"].(string)], "%v", m)
	}
	assert.InDelta(t, 0, line[metrics.Faults], 0)
	assert.InDelta(t, 1, line[metrics.ColdStarts], 0)
	assert.InDelta(t, 0, ask()[metrics.ColdStarts], 0, "the second line of the process")

	b.send(t, answer(true, func(*api.Call) error { return store.ErrUnavailable }), request("GET", "/", "", ""))
	assert.InDelta(t, http.StatusServiceUnavailable, b.line(t)["status"], 0)
	assert.InDelta(t, 1, b.line(t)[metrics.Faults], 0)
}

func TestALineNamesItsTrace(t *testing.T) {
	const root = "1-67891233-abcdef012345678912345678"
	b := newBench(t)
	for header, want := range map[string]any{
		"Root=" + root: root,
		"Self=1-67891234-12456789abcdef012345678; Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1": root,
		"":                   nil,
		"Root=" + adminToken: nil,
		"Root=" + root + "0": nil,
		"Parent=" + root:     nil,
		`Root=1-67891233-abcdef0123456789123456"8`: nil,
	} {
		r := with(request("GET", "/v3/users/ada", memberToken, ""), "user_id", "ada")
		r.Header.Set("X-Amzn-Trace-Id", header)
		b.send(t, show(), r)
		assert.Equal(t, want, b.line(t)["trace_id"], header)
	}
}
