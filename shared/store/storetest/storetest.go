// Package storetest decides what an engine of store.Table and store.Log must do. One suite
// runs over all of them: over the embedded engine, and over dynamodb against DynamoDB
// Local, the vendor's own. What one allows and the other refuses is a bug in one of them,
// or a test that is missing here.
//
//	func TestTable(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Table { return openForTest(t) })
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// Run holds an engine to the contract of [store.Table]. open is called once for each group
// of tests and closes what it opened by t.Cleanup. It may return the same table each time,
// with other items in it: every test uses partitions of its own.
func Run(t *testing.T, open func(t *testing.T) store.Table) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, store.Table)
	}{
		{"Conditions", testConditions},
		{"Changes", testChanges},
		{"Values", testValues},
		{"AllOrNothing", testAllOrNothing},
		{"Reads", testReads},
		{"Ranges", testRanges},
		{"Pages", testPages},
		{"Indexes", testIndexes},
		{"Requests", testRequests},
		{"Limits", testLimits},
		{"Contention", testContention},
		{"Whole", testWhole},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, open(t)) })
	}
}

// patience is how long a test waits for what may be late.
const patience = 20 * time.Second

// partition draws a partition key that no other test uses.
func partition() string { return "TEST#" + uuid.NewString() }

// key draws a key that no other test uses.
func key() store.Key { return store.Key{PK: partition(), SK: "ITEM"} }

func in(pk, sk string) store.Key { return store.Key{PK: pk, SK: sk} }

// write makes a write that must succeed and returns its id.
func write(t *testing.T, table store.Table, m ...store.Mutation) store.RequestID {
	t.Helper()
	id := store.NewRequestID()
	require.NoError(t, settle(table, id, m...))
	return id
}

// settle writes until the engine answers, as everybody must who writes to one.
func settle(table store.Table, id store.RequestID, m ...store.Mutation) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 64*time.Millisecond) {
		err := table.Write(ctx, id, m...)
		if !errors.Is(err, store.ErrContended) && !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not settled in %s: %w", patience, err)
		case <-time.After(rand.N(pause)): //nolint:gosec // G404: spreads retries
		}
	}
}

// stored reads one item, nil when it is absent.
func stored(t *testing.T, table store.Table, k store.Key) store.Item {
	t.Helper()
	items, err := table.Read(t.Context(), k)
	require.NoError(t, err)
	return items[k]
}

// stamped is an item as the engine keeps it.
func stamped(item store.Item, id store.RequestID) store.Item {
	out := store.Item{store.AttrRequest: string(id)}
	for name, v := range item {
		out[name] = v
	}
	return out
}

// requireRefused checks that a write was refused by one of its mutations and what stood in
// the way.
func requireRefused(t *testing.T, err error, index int, k store.Key, inTheWay store.Item) {
	t.Helper()
	r, ok := store.AsRefused(err)
	require.True(t, ok, "want a refusal, got: %v", err)
	assert.Equal(t, index, r.Index)
	assert.Equal(t, k, r.Key)
	assert.Equal(t, inTheWay, r.Item)
}
