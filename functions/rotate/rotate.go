// Package rotate is the function behind the schedule that replaces the sealing key, and
// what an operator calls it for (docs/operations.md).
package rotate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"mandate/shared/app"
)

// Request is what the function may be asked for; a schedule asks for nothing more than the
// steps that are due.
type Request struct {
	// Begin begins a rotation although none is due.
	Begin bool `json:"begin"`
	// Restored says that the table was restored from a backup: the deployment gets a new
	// id, and every token ends.
	Restored bool `json:"restored"`
}

// Reply is what was done.
type Reply struct {
	Did  []string `json:"did"`
	Next string   `json:"next,omitempty"` // when there is more to do; "" never
}

// reserve is how much of the function's time is left when it stops making steps.
const reserve = 10 * time.Second

// New is the function.
func New(a *app.App) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, asked json.RawMessage) (any, error) {
		var r Request
		if len(asked) > 0 {
			if err := json.Unmarshal(asked, &r); err != nil {
				return nil, fmt.Errorf("read what is asked: %w", err)
			}
		}
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-reserve))
			defer cancel()
		}
		return Run(ctx, a, r)
	}
}

// Run does what is asked, until there is nothing to do now or the context ends.
func Run(ctx context.Context, a *app.App, r Request) (Reply, error) {
	reply := Reply{Did: []string{}}
	if r.Restored {
		if err := a.Rings.Renew(ctx); err != nil {
			return reply, err
		}
		reply.Did = append(reply.Did, "gave the deployment a new id; all tokens ended")
	}
	did, next, err := a.Rotation.Run(ctx, r.Begin)
	reply.Did = append(reply.Did, did...)
	if !next.IsZero() {
		reply.Next = next.UTC().Format(time.RFC3339)
	}
	return reply, err
}
