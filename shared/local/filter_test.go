package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/gateway"
	"mandate/shared/local"
	"mandate/shared/sam"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// but lets through what has none of these partition keys.
func but(names ...string) sam.Filter {
	return sam.Filter{{{Field: sam.Field{Of: "Keys", Attribute: store.AttrPK, Type: "S"}, Not: names}}}
}

func at(t *testing.T, table *embedded.Table) string {
	t.Helper()
	position, err := table.Position(t.Context(), "cascade")
	require.NoError(t, err)
	return position
}

// TestWhatIsFilteredIsPassedOver: it takes no room in a batch, wherever it stands, and is
// acknowledged with the others.
func TestWhatIsFilteredIsPassedOver(t *testing.T) {
	table := open(t, "x", "a", "x1", "b", "c", "y", "d", "z")
	defer func() { require.NoError(t, table.Close()) }()
	s := &stream{}
	p := poller(table, s)
	p.Settings.Filter = but("x", "x1", "y", "z")
	require.NoError(t, p.Drain(t.Context()))
	assert.Equal(t, []string{"a", "b c", "d"}, s.batches, "of three changes each, those that are let through")
	assert.Equal(t, position(8), at(t, table))

	write(t, table, "x2")
	p.Settings.Filter = but("x2")
	require.NoError(t, p.Drain(t.Context()))
	assert.Len(t, s.batches, 3)
	assert.Equal(t, position(9), at(t, table), "nothing but what is filtered, and yet it moves")
}

// TestAFailureHoldsUpWhatIsFilteredBehindIt: and what is before it is done with.
func TestAFailureHoldsUpWhatIsFilteredBehindIt(t *testing.T) {
	table := open(t, "a", "x", "b")
	defer func() { require.NoError(t, table.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	s := &stream{}
	p := poller(table, nil)
	p.Settings.Filter = but("x")
	p.Function = invoked(func(ctx context.Context, payload []byte) ([]byte, error) {
		reply, err := s.Invoke(ctx, payload)
		if len(s.batches) == 1 {
			return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%q}]}`, position(3)), err
		}
		cancel()
		return reply, ctx.Err()
	})
	require.Error(t, p.Drain(ctx))
	assert.Equal(t, []string{"a b", "b"}, s.batches)
	assert.Equal(t, position(2), at(t, table))
}

// TestAShardOfWhatIsFilteredMovesOn: while it runs, within a second, and not for every change.
func TestAShardOfWhatIsFilteredMovesOn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		table := open(t)
		defer func() { require.NoError(t, table.Close()) }()
		p := poller(table, &stream{})
		p.Settings.Filter = but("x")
		counted := &acknowledged{Log: table}
		p.Log = counted
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		for n := range 40 {
			k := store.Key{PK: "x", SK: fmt.Sprint(n)}
			require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(k, store.Item{"type": "ITEM"})))
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(1100 * time.Millisecond)
		assert.Equal(t, position(40), at(t, table))
		cancel()
		require.NoError(t, <-done)
		assert.LessOrEqual(t, counted.times, 5, "one to be made known, and one a second")
	})
}

// acknowledged counts acknowledgements.
type acknowledged struct {
	store.Log
	times int
}

func (a *acknowledged) Acknowledge(ctx context.Context, reader, position string) error {
	a.times++
	return a.Log.Acknowledge(ctx, reader, position)
}

// TestAFilterMeansTheRecord: what is looked up in a change is what stands in the record that
// Lambda would look at.
func TestAFilterMeansTheRecord(t *testing.T) {
	item := store.Item{"type": "token", "dead": true, "uses": int64(1), "raw": []byte("x"), "set": store.NewSet("x")}
	other := maps.Clone(item)
	other["type"], other["dead"] = "job", false
	var fields []sam.Field
	for _, of := range []string{"Keys", "NewImage", "OldImage"} {
		for _, name := range []string{"pk", "sk", "type", "dead", "uses", "raw", "set", "none"} {
			fields = append(fields, sam.Field{Of: of, Attribute: name, Type: "S"}, sam.Field{Of: of, Attribute: name, Type: "BOOL"})
		}
	}
	for name, c := range map[string]store.Change{
		"created": {New: item}, "changed": {Old: item, New: other}, "removed": {Old: other}, "expired": {Old: other, Expired: true},
	} {
		c.Key = store.Key{PK: "JOBS", SK: "1"}
		text, err := json.Marshal(gateway.ToRecord(c))
		require.NoError(t, err)
		var record struct {
			EventName string                     `json:"eventName"`
			Dynamodb  map[string]json.RawMessage `json:"dynamodb"`
		}
		require.NoError(t, json.Unmarshal(text, &record))
		for _, f := range append(fields, sam.Field{Of: "eventName"}) {
			value, there := any(record.EventName), true
			if f.Attribute != "" {
				image := map[string]map[string]any{}
				if raw := record.Dynamodb[f.Of]; raw != nil {
					require.NoError(t, json.Unmarshal(raw, &image))
				}
				value, there = image[f.Attribute][f.Type]
			}
			one := func(c sam.Condition) sam.Filter { c.Field = f; return sam.Filter{{c}} }
			assert.Equal(t, there, local.Wanted(one(sam.Condition{}), c), "%s: %v exists", name, f)
			if f.Type == "BOOL" {
				continue
			}
			for _, text := range []string{"JOBS", "1", "token", "job", "INSERT", "MODIFY", "REMOVE"} {
				assert.Equal(t, there && value == text, local.Wanted(one(sam.Condition{Is: []string{"-", text}}), c), "%s: %v is %s", name, f, text)
				assert.Equal(t, there && value != text, local.Wanted(one(sam.Condition{Not: []string{"-", text}}), c), "%s: %v is not %s", name, f, text)
			}
		}
	}
}

func TestAPatternIsAllOfItAndAFilterAnyOfThem(t *testing.T) {
	is := func(of, attribute, value string) sam.Condition {
		f := sam.Field{Of: of, Attribute: attribute}
		if attribute != "" {
			f.Type = "S"
		}
		return sam.Condition{Field: f, Is: []string{value}}
	}
	c := store.Change{Key: store.Key{PK: "JOBS", SK: "1"}, New: store.Item{"type": "job"}}
	yes, no := is("NewImage", "type", "job"), is("Keys", "pk", "TOKEN#1")
	assert.True(t, local.Wanted(nil, c))
	assert.True(t, local.Wanted(sam.Filter{{yes, is("eventName", "", "INSERT")}}, c))
	assert.False(t, local.Wanted(sam.Filter{{yes, no}}, c))
	assert.True(t, local.Wanted(sam.Filter{{yes, no}, {yes}}, c))
}
