//go:build dynamodb

package prove

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mandate/shared/store"
	"mandate/test/dynamodblocal"
)

// TestHistoriesOnDynamoDB is TestHistories on the vendor's own engine, which is a hundred times
// slower: fewer clients, who do less, and reads in fewer parts.
func TestHistoriesOnDynamoDB(t *testing.T) {
	prove(t, options{clients: [2]int{8, 10}, acts: [2]int{3, 4}, age: 60, few: 12}.chosen(), func(t testing.TB) engine {
		table := &following{Table: dynamodblocal.Unfollowed(t)}
		return engine{table: table, log: table, watch: table.watched.Store, parts: 3, close: func() {}}
	})
}

// following makes a change log of what is written, by looking before and after, while somebody
// reads it. Writes then come one after the other so that what is seen is what each of them did.
type following struct {
	store.Table
	watched atomic.Bool
	mu      sync.Mutex
	changes []store.Change
}

func (f *following) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	if !f.watched.Load() {
		return f.Table.Write(ctx, id, m...)
	}
	keys := make([]store.Key, 0, len(m))
	for _, mutation := range m {
		if mutation.Kind != store.KindCheck && mutation.Key.PK != store.Head(0).PK {
			keys = append(keys, mutation.Key)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before, err := f.Read(ctx, keys...)
	if err != nil {
		return err
	}
	if err := f.Table.Write(ctx, id, m...); err != nil {
		return err
	}
	after, err := f.Read(context.WithoutCancel(ctx), keys...)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if before[k] == nil && after[k] == nil {
			continue
		}
		f.changes = append(f.changes, store.Change{Position: fmt.Sprintf("%020d", len(f.changes)+1), Key: k, Old: before[k], New: after[k]})
	}
	return nil
}

// Changes implements [store.Log].
func (f *following) Changes(_ context.Context, after string, limit int) ([]store.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d", &from); err != nil {
			return nil, err
		}
	}
	return f.changes[from:min(from+limit, len(f.changes))], nil
}

// pollEvery is how often Wait looks: this log cannot ring.
const pollEvery = 2 * time.Millisecond

// Wait implements [store.Log].
func (f *following) Wait(ctx context.Context, after string) error {
	for ctx.Err() == nil {
		if c, err := f.Changes(ctx, after, 1); err != nil || len(c) > 0 {
			return err
		}
		pause(ctx, pollEvery)
	}
	return ctx.Err()
}

// Position and Acknowledge are not asked for here.
func (*following) Position(context.Context, string) (string, error) { return "", nil }

func (*following) Acknowledge(context.Context, string, string) error { return nil }
