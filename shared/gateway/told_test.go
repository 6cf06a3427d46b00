package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/gateway"
	"mandate/shared/metrics"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/meter"
)

// TestABatchIsTold: one line, with metrics, units and the trace, and which records failed goes on.
func TestABatchIsTold(t *testing.T) {
	t.Setenv("_X_AMZN_TRACE_ID", "Root=1-67891233-abcdef012345678912345678;Sampled=1")
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	table, log, at := meter.New(engine), new(bytes.Buffer), time.Unix(1_900_000_000, 0)
	told := gateway.Told(slog.New(slog.NewJSONHandler(log, nil)), "mandate-test", "cascade", func() time.Time { at = at.Add(5 * time.Millisecond); return at },
		func(ctx context.Context, _ []store.Change) []string {
			_, err := table.Read(ctx, store.Keyset())
			require.NoError(t, err)
			return []string{"2"}
		})
	for cold := range 2 {
		log.Reset()
		assert.Equal(t, []string{"2"}, told(t.Context(), make([]store.Change, 3)))
		var line map[string]any
		require.NoError(t, json.Unmarshal(log.Bytes(), &line), "one line")
		assert.Equal(t, "batch", line["msg"])
		assert.Equal(t, "WARN", line["level"])
		assert.Equal(t, "1-67891233-abcdef012345678912345678", line["trace_id"])
		assert.Equal(t, "cascade", line[metrics.Area])
		want := map[string]float64{"records": 3, "failed": 1, "ms": 5, "read_units": 1, "write_units": 0, "cold_starts": float64(1 - cold)}
		assert.Len(t, metrics.Batches, len(want))
		for _, m := range metrics.Batches {
			assert.InDelta(t, want[m.Name], line[m.Name], 0.001, m.Name)
		}
		assert.Contains(t, log.String(), `"CloudWatchMetrics":[{"Namespace":"mandate-test","Dimensions":[["area"]]`)
	}
}
