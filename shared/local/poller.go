package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/gateway"
	"mandate/shared/store"
)

// Poller feeds a table's change log to a stream function, as Lambda's event source
// mapping feeds a DynamoDB stream: in order, at least once, in batches, going on after
// what was acknowledged. A batch that fails in part is given again from its first failure.
type Poller struct {
	Log      store.Log
	Function lambda.Handler
	Reader   string // name under which the position is kept
	Batch    int    // records at once, at most; 0: 100
	Retries  int    // how often a record is given again before it is passed over; 0: 10
	Logger   *slog.Logger
}

// Run feeds until the context ends.
func (p Poller) Run(ctx context.Context) error {
	at, err := p.Log.Position(ctx, p.Reader)
	if err != nil {
		return fmt.Errorf("find the position of %s: %w", p.Reader, err)
	}
	for {
		changes, err := p.Log.Changes(ctx, at, cmp.Or(p.Batch, 100))
		if err == nil && len(changes) == 0 {
			err = p.Log.Wait(ctx, at)
		}
		if err == nil && len(changes) > 0 {
			at, err = p.deliver(ctx, changes, at)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			p.Logger.ErrorContext(ctx, "stream", "reader", p.Reader, "cause", err.Error())
			pause(ctx, time.Second)
		}
	}
}

// Drain feeds what there is and returns when the log has no more.
func (p Poller) Drain(ctx context.Context) error {
	at, err := p.Log.Position(ctx, p.Reader)
	if err != nil {
		return fmt.Errorf("find the position of %s: %w", p.Reader, err)
	}
	for {
		changes, err := p.Log.Changes(ctx, at, cmp.Or(p.Batch, 100))
		if err != nil || len(changes) == 0 {
			return err
		}
		if at, err = p.deliver(ctx, changes, at); err != nil {
			return err
		}
	}
}

// deliver gives a batch until all of it has been handled or passed over, and returns the
// position behind it. A batch that fails as a whole is halved until the record that it
// fails for stands alone, which uses up no retries (BisectBatchOnFunctionError).
func (p Poller) deliver(ctx context.Context, changes []store.Change, at string) (string, error) {
	size, retries := len(changes), 0
	for len(changes) > 0 {
		done, err := p.invoke(ctx, changes[:size])
		if err != nil && ctx.Err() == nil {
			p.Logger.WarnContext(ctx, "stream batch failed", "reader", p.Reader,
				"position", changes[0].Position, "records", size, "cause", err.Error())
		}
		switch {
		case done > 0:
		case ctx.Err() != nil:
			return at, ctx.Err()
		case err != nil && size > 1:
			size /= 2
			continue
		case retries < cmp.Or(p.Retries, 10):
			retries++
			pause(ctx, min(100*time.Millisecond<<min(retries, 6), 5*time.Second))
			continue
		default:
			p.Logger.ErrorContext(ctx, "stream record passed over", "reader", p.Reader,
				"position", changes[0].Position, "item", changes[0].Key.String(), "retries", retries)
			done = 1
		}
		at = changes[done-1].Position
		if err := p.Log.Acknowledge(ctx, p.Reader, at); err != nil {
			return at, fmt.Errorf("keep the position of %s: %w", p.Reader, err)
		}
		changes = changes[done:]
		size, retries = len(changes), 0
	}
	return at, nil
}

// invoke gives one batch and returns how many of its records, from the first, were
// handled; an error means that it failed as a whole.
func (p Poller) invoke(ctx context.Context, changes []store.Change) (int, error) {
	batch := events.DynamoDBEvent{Records: make([]events.DynamoDBEventRecord, 0, len(changes))}
	for _, c := range changes {
		batch.Records = append(batch.Records, gateway.ToRecord(c))
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		return 0, fmt.Errorf("write the batch: %w", err)
	}
	reply, err := p.Function.Invoke(ctx, payload)
	if err != nil {
		return 0, err
	}
	var response events.DynamoDBEventResponse
	if err := json.Unmarshal(reply, &response); err != nil {
		return 0, fmt.Errorf("read the reply: %w", err)
	}
	first := len(changes)
	for _, f := range response.BatchItemFailures {
		n := slices.IndexFunc(changes, func(c store.Change) bool { return c.Position == f.ItemIdentifier })
		if n < 0 {
			return 0, errors.New("the function reported a record that was not in the batch")
		}
		first = min(first, n)
	}
	return first, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
