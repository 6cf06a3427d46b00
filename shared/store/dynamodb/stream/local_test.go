//go:build dynamodb

package stream_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/shared/store/dynamodb/stream"
	"mandate/test/dynamodblocal"
)

const patience = 30 * time.Second

// reader follows the stream as a process would that ends when it has seen enough.
type reader struct {
	name  string
	start bool
	path  string
}

// read returns the changes that a reader is given until it has seen one of the key last.
// It acknowledges all but that one.
func (r reader) read(t *testing.T, table *dynamodb.Table, last store.Key) []store.Change {
	t.Helper()
	return r.until(t, table, func(c store.Change) bool { return c.Key == last })
}

func (r reader) until(t *testing.T, table *dynamodb.Table, last func(store.Change) bool) []store.Change {
	t.Helper()
	arn, err := table.StreamARN(t.Context())
	require.NoError(t, err)
	kept, err := stream.OpenPositions(r.path)
	require.NoError(t, err)
	s, err := stream.New(stream.Options{Endpoint: dynamodblocal.Shared(t).Endpoint, Region: "us-east-1", ARN: arn, Keep: kept})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []store.Change
	require.NoError(t, s.Follow(ctx, r.name, r.start, func(ctx context.Context, shard string, log store.Log) error {
		require.NotEmpty(t, shard)
		at, err := log.Position(ctx, r.name)
		require.NoError(t, err)
		for ctx.Err() == nil {
			changes, err := log.Changes(ctx, at, 3)
			if ctx.Err() != nil {
				break
			}
			require.NoError(t, err)
			for _, c := range changes {
				got = append(got, c)
				if at = c.Position; last(c) {
					cancel()
					return nil
				}
				require.NoError(t, log.Acknowledge(ctx, r.name, at))
			}
			if len(changes) == 0 {
				_ = log.Wait(ctx, at)
			}
		}
		return nil
	}))
	require.NotEmpty(t, got)
	require.True(t, last(got[len(got)-1]), "nothing more came in time")
	return got
}

func key(n int) store.Key { return store.Key{PK: fmt.Sprint("ITEM#", n), SK: "ITEM"} }

func write(t *testing.T, table *dynamodb.Table, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(key(n), store.Item{
			"number": int64(n), "text": "ü", "flag": true, "bytes": []byte{0, 1}, "set": store.NewSet("b", "a"),
		})))
	}
}

// TestReaders: two read one stream, each at its own pace, go on where they were, and see
// images as they were written.
func TestReaders(t *testing.T) {
	table := dynamodblocal.Table(t)
	write(t, table, 0, 8)
	path := filepath.Join(t.TempDir(), "stream.json")
	cascade, publish := reader{"cascade", true, path}, reader{"publish", true, path}

	got := cascade.read(t, table, key(7))
	require.Len(t, got, 8)
	for n, c := range got {
		assert.Equal(t, key(n), c.Key, "in order")
		assert.Nil(t, c.Old)
		assert.Equal(t, int64(n), c.New.Int("number"))
		assert.Equal(t, "ü", c.New.Str("text"))
		assert.True(t, c.New.Bool("flag"))
		assert.Equal(t, []byte{0, 1}, c.New.Bytes("bytes"))
		assert.Equal(t, store.NewSet("a", "b"), c.New.Set("set"))
		assert.False(t, c.New.Has(store.AttrPK))
		assert.WithinDuration(t, time.Now(), c.At, time.Minute)
	}
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Update(key(0)).Add("number", 5)))
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Delete(key(0))))
	got = cascade.read(t, table, key(7))
	require.Len(t, got, 1, "what was not acknowledged comes again, and nothing before it")
	write(t, table, 8, 9)
	got = cascade.read(t, table, key(8))
	require.Len(t, got, 4)
	assert.Equal(t, int64(5), got[1].New.Int("number"))
	assert.Nil(t, got[2].New)
	require.Len(t, publish.read(t, table, key(8)), 11, "the other one has seen nothing yet")

	// A new reader may begin with what is written from now on: with some item of those that
	// are written until it has seen one.
	seen, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 20; ; n++ {
			write(t, table, n, n+1)
			select {
			case <-seen:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	got = reader{"late", false, path}.until(t, table, func(store.Change) bool { return true })
	close(seen)
	<-stopped
	require.Len(t, got, 1)
	assert.GreaterOrEqual(t, got[0].New.Int("number"), int64(20))
}
