package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/gateway"
	"mandate/shared/local"
	"mandate/shared/sam"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// stream is a stream function of a test: it notes the batches that it was given and fails
// records, or whole batches, as it is told.
type stream struct {
	batches []string // the partition keys of each batch
	fail    func(events.DynamoDBEventRecord) bool
	err     func(batch string) error
	given   chan struct{}
}

func (s *stream) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, err
	}
	var names []string
	reply := events.DynamoDBEventResponse{}
	for _, r := range batch.Records {
		names = append(names, r.Change.Keys[store.AttrPK].String())
		if s.fail != nil && s.fail(r) {
			reply.BatchItemFailures = append(reply.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
		}
	}
	s.batches = append(s.batches, strings.Join(names, " "))
	if s.given != nil {
		s.given <- struct{}{}
	}
	if s.err != nil {
		if err := s.err(strings.Join(names, " ")); err != nil {
			return nil, err
		}
	}
	return json.Marshal(reply)
}

// open is a table with an item for each name, written one after another.
func open(t *testing.T, names ...string) *embedded.Table {
	t.Helper()
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	write(t, table, names...)
	return table
}

func write(t *testing.T, table *embedded.Table, names ...string) {
	t.Helper()
	for _, name := range names {
		k := store.Key{PK: name, SK: "ITEM"}
		require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(k, store.Item{"type": "ITEM"})))
	}
}

var settings = sam.Stream{FromStart: true, Batch: 3, Retries: 2, Bisect: true, Partial: true}

func poller(table *embedded.Table, s *stream) local.Poller {
	return local.Poller{Log: table, Function: s, Reader: "cascade", Settings: settings, Logger: slog.New(slog.DiscardHandler)}
}

func TestChangesComeInOrderAndInBatches(t *testing.T) {
	table := open(t, "a", "b", "c", "d", "e")
	defer func() { require.NoError(t, table.Close()) }()
	s := &stream{}
	require.NoError(t, poller(table, s).Drain(t.Context()))
	assert.Equal(t, []string{"a b c", "d e"}, s.batches)

	write(t, table, "f")
	again := &stream{}
	require.NoError(t, poller(table, again).Drain(t.Context()))
	assert.Equal(t, []string{"f"}, again.batches, "goes on after what was acknowledged")
}

// inTime runs a test on a clock of its own, which jumps over pauses.
func inTime(t *testing.T, test func(*testing.T)) { synctest.Test(t, test) }

func TestABatchGoesOnFromItsFirstFailure(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t, "a", "b", "c", "d")
		defer func() { require.NoError(t, table.Close()) }()
		failures := 0
		s := &stream{fail: func(r events.DynamoDBEventRecord) bool {
			if r.Change.Keys[store.AttrPK].String() != "b" || failures == 2 {
				return false
			}
			failures++
			return true
		}}
		require.NoError(t, poller(table, s).Drain(t.Context()))
		assert.Equal(t, []string{"a b c", "b c", "b c", "d"}, s.batches)
	})
}

// TestAFollowerIsFedAsAnyFunction: without events, in the same batches and with the same retries.
func TestAFollowerIsFedAsAnyFunction(t *testing.T) {
	inTime(t, func(t *testing.T) {
		for partial, want := range map[bool][]string{true: {"a b c", "b c", "b c", "d"}, false: {"a b c", "d"}} {
			table := open(t, "a", "b", "c", "d")
			var batches []string
			failures := 0
			p := poller(table, nil)
			p.Settings.Partial = partial
			p.Function = gateway.Stream(func(_ context.Context, changes []store.Change) (failed []string) {
				var names []string
				for _, c := range changes {
					names = append(names, c.Key.PK)
					if c.Key.PK == "b" && failures < 2 {
						failures++
						failed = append(failed, c.Position)
					}
				}
				batches = append(batches, strings.Join(names, " "))
				return failed
			})
			require.NoError(t, p.Drain(t.Context()))
			assert.Equal(t, want, batches, "reporting records: %t", partial)
			require.NoError(t, table.Close())
		}
	})
}

func TestARecordThatNeverSucceedsIsPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		function stream
		batches  []string
		kept     []any
	}{
		"reported": {
			stream{fail: func(r events.DynamoDBEventRecord) bool { return r.Change.Keys[store.AttrPK].String() == "b" }},
			[]string{"a b c", "b c", "b c", "b c"},
			[]any{"RetryAttemptsExhausted", 3, position(2), position(3), 2},
		},
		"failing the whole batch": {
			stream{err: func(batch string) error {
				if strings.Contains(batch, "b") {
					return errors.New("poison")
				}
				return nil
			}},
			[]string{"a b c", "a", "b c", "b", "b", "b", "c"},
			[]any{"RetryAttemptsExhausted", 3, position(2), position(2), 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				table := open(t, "a", "b", "c")
				defer func() { require.NoError(t, table.Close()) }()
				s := c.function
				p := poller(table, &s)
				p.Failures = &local.Failures{Path: filepath.Join(t.TempDir(), "failures.jsonl")}
				require.NoError(t, p.Drain(t.Context()))
				kept, err := os.ReadFile(p.Failures.Path)
				require.NoError(t, err)
				var f local.Failure
				require.NoError(t, json.Unmarshal(kept, &f), "one line")
				assert.Equal(t, c.kept, []any{f.Condition, f.Calls, f.First, f.Last, f.Records})
				assert.NotContains(t, string(kept), "ITEM", "where they stand, not what is in them")
				assert.Equal(t, c.batches, s.batches, "two retries")

				after := &stream{}
				require.NoError(t, poller(table, after).Drain(t.Context()))
				assert.Empty(t, after.batches, "it does not come again")
			})
		})
	}
}

// position is where the nth change of an embedded table stands.
func position(n int) string { return fmt.Sprintf("%020d", n) }

// raw is a function that answers with a text.
type raw func() string

func (f raw) Invoke(context.Context, []byte) ([]byte, error) { return []byte(f()), nil }

func TestReplies(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		calls int
	}{
		"without a list, all is handled":            {`{}`, 1},
		"an empty list, all is handled":             {`{"batchItemFailures":[]}`, 1},
		"a record that nobody gave, nothing is":     {`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, 7},
		"an empty identifier, nothing is":           {`{"batchItemFailures":[{"itemIdentifier":""}]}`, 7},
		"what is no answer to a stream, nothing is": {`[]`, 7},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				table := open(t, "a", "b")
				defer func() { require.NoError(t, table.Close()) }()
				p := poller(table, nil)
				calls := 0
				p.Function = raw(func() string { calls++; return c.reply })
				require.NoError(t, p.Drain(t.Context()))
				assert.Equal(t, c.calls, calls)
			})
		})
	}
}

func TestRunWaitsForChangesAndEndsWithTheContext(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t)
		defer func() { require.NoError(t, table.Close()) }()
		s := &stream{given: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- poller(table, s).Run(ctx) }()
		began := time.Now()
		write(t, table, "a")
		<-s.given
		assert.Less(t, time.Since(began), time.Second, "a change is not polled for but told")
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, []string{"a"}, s.batches)
	})
}

// invoked is a function of a test that needs to see the context.
type invoked func(ctx context.Context, payload []byte) ([]byte, error)

func (f invoked) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

func TestAFunctionThatPanicsOrHangsFailsItsBatch(t *testing.T) {
	for name, fail := range map[string]invoked{
		"panics": func(context.Context, []byte) ([]byte, error) { panic("no such thing") },
		"hangs":  func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				table := open(t, "a", "b", "c")
				defer func() { require.NoError(t, table.Close()) }()
				s := &stream{}
				p := poller(table, s)
				p.Timeout = time.Minute
				p.Function = invoked(func(ctx context.Context, payload []byte) ([]byte, error) {
					if strings.Contains(string(payload), `"S":"b"`) {
						return fail(ctx, payload)
					}
					return s.Invoke(ctx, payload)
				})
				require.NoError(t, p.Drain(t.Context()))
				assert.Equal(t, []string{"a", "c"}, s.batches)
			})
		})
	}
}

func TestWithoutBisectingABatchFailsTogether(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t, "a", "b")
		defer func() { require.NoError(t, table.Close()) }()
		s := &stream{err: func(string) error { return errors.New("poison") }}
		p := poller(table, s)
		p.Settings.Bisect = false
		require.NoError(t, p.Drain(t.Context()))
		assert.Equal(t, []string{"a b", "a b", "a b"}, s.batches)
	})
}

func TestOldRecordsAreGivenUpUnseen(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t, "a", "b")
		defer func() { require.NoError(t, table.Close()) }()
		time.Sleep(time.Hour)
		write(t, table, "c")
		s := &stream{}
		p := poller(table, s)
		p.Settings.MaxAge = time.Minute
		p.Failures = &local.Failures{Path: filepath.Join(t.TempDir(), "failures.jsonl")}
		require.NoError(t, p.Drain(t.Context()))
		assert.Equal(t, []string{"c"}, s.batches)
		kept, err := os.ReadFile(p.Failures.Path)
		require.NoError(t, err)
		assert.Contains(t, string(kept), `"RecordAgeExceeded"`)
		assert.Contains(t, string(kept), `"records":2`)
	})
}

func TestABatchWaitsToBecomeFull(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t)
		defer func() { require.NoError(t, table.Close()) }()
		s := &stream{given: make(chan struct{})}
		p := poller(table, s)
		p.Settings.Window = 10 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		write(t, table, "a")
		time.Sleep(5 * time.Second)
		began := time.Now()
		write(t, table, "b", "c")
		<-s.given
		assert.Less(t, time.Since(began), time.Second, "full")
		began = time.Now()
		write(t, table, "d")
		<-s.given
		assert.WithinDuration(t, began.Add(10*time.Second), time.Now(), time.Second, "no longer than the window")
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, []string{"a b c", "d"}, s.batches)
	})
}

func TestANewReaderMayBeginAtTheEnd(t *testing.T) {
	table := open(t, "a", "b")
	defer func() { require.NoError(t, table.Close()) }()
	s := &stream{}
	p := poller(table, s)
	p.Settings.FromStart = false
	require.NoError(t, p.Drain(t.Context()))
	write(t, table, "c")
	require.NoError(t, p.Drain(t.Context()))
	assert.Equal(t, []string{"c"}, s.batches)
}

// TestTwoReadersGoAtTheirOwnPace: each has its own position, and the log keeps what one of
// them has not seen.
func TestTwoReadersGoAtTheirOwnPace(t *testing.T) {
	table := open(t, "a", "b")
	defer func() { require.NoError(t, table.Close()) }()
	quick, slow := &stream{}, &stream{}
	first, second := poller(table, quick), poller(table, slow)
	second.Reader = "publish"
	require.NoError(t, second.Drain(t.Context()))
	write(t, table, "c", "d")
	require.NoError(t, first.Drain(t.Context()))
	_, err := table.SweepNow(t.Context())
	require.NoError(t, err)
	require.NoError(t, second.Drain(t.Context()))
	assert.Equal(t, []string{"a b c", "d"}, quick.batches)
	assert.Equal(t, []string{"a b", "c d"}, slow.batches)
}
