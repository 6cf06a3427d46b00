package gateway

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"mandate/shared/api"
	"mandate/shared/metrics"
	"mandate/shared/store"
	"mandate/shared/store/meter"
)

// Told writes a line with metrics, which CloudWatch keeps in a namespace, for each batch of
// changes that a function has handled.
func Told(log *slog.Logger, namespace, area string, now func() time.Time, handle Changes) Changes {
	var warm atomic.Bool
	return func(ctx context.Context, changes []store.Change) []string {
		began := now()
		ctx, usage := meter.With(ctx)
		failed := handle(ctx, changes)
		level := slog.LevelInfo
		if len(failed) > 0 {
			level = slog.LevelWarn
		}
		counts := usage.Counts()
		attrs := []slog.Attr{
			slog.String(metrics.Area, area), slog.Int(metrics.Records, len(changes)), slog.Int(metrics.Failed, len(failed)),
			slog.Float64(metrics.Milliseconds, float64(now().Sub(began).Microseconds())/1000),
			slog.Int("calls", counts.Trips()), slog.Float64(metrics.ReadUnits, counts.ReadUnits), slog.Float64(metrics.WriteUnits, counts.WriteUnits),
			metrics.Flag(metrics.ColdStarts, !warm.Swap(true)), metrics.Batches.Attr(namespace, began),
		}
		if trace := api.TraceID(os.Getenv(traceVariable)); trace != "" {
			attrs = append(attrs, slog.String("trace_id", trace))
		}
		log.LogAttrs(ctx, level, "batch", attrs...)
		return failed
	}
}
