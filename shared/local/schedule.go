package local

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mandate/functions/reconcile"
	"mandate/functions/rotate"
	"mandate/shared/app"
	"mandate/shared/gateway"
	"mandate/shared/sam"
)

// ScheduledFunction is a function that is run by the clock, as the template says when.
type ScheduledFunction struct {
	Name     string
	Function lambda.Handler
	Schedule sam.Schedule
	Timeout  time.Duration
}

// scheduledFunctions are the functions that can be run by the clock, by area.
func scheduledFunctions(a *app.App) map[string]lambda.Handler {
	return map[string]lambda.Handler{"reconcile": reconcile.New(a), "rotate": gateway.Scheduled(rotate.New(a))}
}

// Run runs the function at its times until the context ends. A failure is logged; the next
// time is another try. A daily one keeps to the time of day, in UTC.
func (f ScheduledFunction) Run(ctx context.Context, logger *slog.Logger) {
	for {
		wait := f.Schedule.Every
		if f.Schedule.At > 0 {
			now := time.Now().UTC()
			wait = now.Truncate(24 * time.Hour).Add(f.Schedule.At).Sub(now)
			if wait <= 0 {
				wait += 24 * time.Hour
			}
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return
		}
		f.Once(ctx, logger)
	}
}

// Once runs the function now.
func (f ScheduledFunction) Once(ctx context.Context, logger *slog.Logger) {
	within, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	if _, err := f.Function.Invoke(within, []byte(f.Schedule.Input)); err != nil && ctx.Err() == nil {
		logger.ErrorContext(ctx, "schedule", "function", f.Name, "event", f.Schedule.Name, "cause", err.Error())
	}
}
