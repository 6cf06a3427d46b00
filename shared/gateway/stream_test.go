package gateway_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/gateway"
	"mandate/shared/store"
)

// overTheWire is a change after it has been written and read as JSON, as Lambda has it. Both
// ways must be as those of the library are.
func overTheWire(t require.TestingT, c store.Change) store.Change {
	text, err := gateway.WriteRecord(c)
	require.NoError(t, err)
	theirs, err := json.Marshal(gateway.ToRecord(c))
	require.NoError(t, err)
	require.JSONEq(t, string(theirs), string(text))

	payload := `{"Records":[` + string(text) + "]}"
	batch, err := gateway.ReadBatch([]byte(payload))
	require.NoError(t, err)
	var read events.DynamoDBEvent
	require.NoError(t, json.Unmarshal([]byte(payload), &read))
	require.Equal(t, read, batch)
	back, err := gateway.FromRecord(batch.Records[0])
	require.NoError(t, err)
	return back
}

func TestARecordSaysWhatHappened(t *testing.T) {
	item := store.Item{"type": "TRUST", "uses": int64(3)}
	for _, c := range []struct {
		name   string
		change store.Change
		event  string
	}{
		{"created", store.Change{New: item}, "INSERT"},
		{"changed", store.Change{Old: item, New: store.Item{"type": "TRUST"}}, "MODIFY"},
		{"removed", store.Change{Old: item}, "REMOVE"},
		{"expired", store.Change{Old: item, Expired: true}, "REMOVE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change.Key = store.Key{PK: "TRUST#1", SK: "TRUST"}
			c.change.Position, c.change.At = "000000000000000000007", time.Unix(1_700_000_000, 0)
			r := gateway.ToRecord(c.change)
			assert.Equal(t, c.event, r.EventName)
			assert.Equal(t, "000000000000000000007", r.Change.SequenceNumber)
			assert.Equal(t, "NEW_AND_OLD_IMAGES", r.Change.StreamViewType)
			assert.Len(t, r.Change.Keys, 2)
			assert.Equal(t, c.change.Expired, r.UserIdentity != nil)

			back := overTheWire(t, c.change)
			assert.True(t, c.change.At.Equal(back.At))
			back.At = c.change.At
			assert.Equal(t, c.change, back)
		})
	}
}

// TestAnyItemComesBack: whatever an item may hold is the same after it went through a record.
func TestAnyItemComesBack(t *testing.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) store.Value { return s }),
		rapid.Map(rapid.Int64(), func(n int64) store.Value { return n }),
		rapid.Map(rapid.Bool(), func(b bool) store.Value { return b }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) store.Value { return b }),
		rapid.Map(rapid.SliceOfN(rapid.String(), 1, 5), func(s []string) store.Value { return store.NewSet(s...) }),
	)
	name := rapid.StringMatching(`[a-z_]{3,9}`)
	rapid.Check(t, func(t *rapid.T) {
		c := store.Change{
			Key: store.Key{PK: "USER#a", SK: "USER"}, Position: "1", At: time.Unix(1_700_000_000, 0),
			Old: rapid.MapOf(name, value).Draw(t, "old"), New: rapid.MapOf(name, value).Draw(t, "new"),
		}
		back := overTheWire(t, c)
		assert.Equal(t, c.Key, back.Key)
		assert.Equal(t, c.Old, back.Old)
		assert.Equal(t, c.New, back.New)
	})
}

// TestAFollowerIsGivenTheSame: a function hears of a change the same by a record and directly,
// and what it reports comes back both ways.
func TestAFollowerIsGivenTheSame(t *testing.T) {
	var given [][]store.Change
	function := gateway.Stream(func(_ context.Context, changes []store.Change) []string {
		given = append(given, changes)
		return []string{changes[0].Position}
	})
	c := store.Change{
		Key: store.User("a"), Position: "7", At: time.UnixMicro(1_700_000_000_654_321), Expired: true,
		Old: store.Item{"type": "user", "epoch": int64(3), "groups": store.NewSet("x", "y"), "d": []byte{0, 255}, "on": true},
	}
	text, err := gateway.WriteRecord(c)
	require.NoError(t, err)
	reply, err := function.Invoke(t.Context(), []byte(`{"Records":[`+string(text)+"]}"))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"7"}]}`, string(reply))
	require.Equal(t, []string{"7"}, function.(gateway.Follower).Follow(t.Context(), []store.Change{c}))
	require.Len(t, given, 2)
	require.WithinDuration(t, given[0][0].At, given[1][0].At, time.Microsecond, "a record has seconds in a float")
	given[0][0].At = given[1][0].At
	require.Equal(t, given[0], given[1])
}

// fromTheCloud is a record in the form of the AWS documentation: written by no code of ours.
const fromTheCloud = `{"Records":[{
	"eventID":"1","eventName":"REMOVE","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",
	"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},
	"dynamodb":{"ApproximateCreationDateTime":1.7e9,"Keys":{"pk":{"S":"TOKEN#x"},"sk":{"S":"TOKEN"}},
		"OldImage":{"pk":{"S":"TOKEN#x"},"sk":{"S":"TOKEN"},"ttl":{"N":"1700000000"},"dead":{"BOOL":true},"g":{"SS":["b","a"]},"d":{"B":"AP8="}},
		"SequenceNumber":"4421584500000000017450439091","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},
	"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"}]}`

func TestABatchOfTheCloud(t *testing.T) {
	var got []store.Change
	h := gateway.Stream(func(_ context.Context, changes []store.Change) []string {
		got = changes
		return []string{changes[0].Position}
	})
	reply, err := h.Invoke(t.Context(), []byte(fromTheCloud))
	require.NoError(t, err)
	assert.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"4421584500000000017450439091"}]}`, string(reply))
	require.Len(t, got, 1)
	assert.True(t, got[0].Expired)
	assert.Equal(t, store.Key{PK: "TOKEN#x", SK: "TOKEN"}, got[0].Key)
	assert.Nil(t, got[0].New)
	assert.Equal(t, store.Item{
		"ttl": int64(1700000000), "dead": true, "g": store.NewSet("a", "b"), "d": []byte{0, 255},
	}, got[0].Old)
}

func TestNoFailuresAreAnEmptyList(t *testing.T) {
	h := gateway.Stream(func(context.Context, []store.Change) []string { return nil })
	reply, err := h.Invoke(t.Context(), []byte(fromTheCloud))
	require.NoError(t, err)
	assert.JSONEq(t, `{"batchItemFailures":[]}`, string(reply))
}

func TestABatchThatCannotBeReadFailsWhole(t *testing.T) {
	h := gateway.Stream(func(context.Context, []store.Change) []string { t.Error("it was handled"); return nil })
	for name, batch := range map[string]string{
		"no batch":               "[]",
		"no attribute":           `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":"y"}}}]}`,
		"an empty attribute":     `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":{}}}}]}`,
		"two types":              `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":{"S":"y","N":"1"}}}}]}`,
		"a number as such":       `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":{"N":1}}}}]}`,
		"a type we do not store": `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":{"L":[]}}}}]}`,
		"a fraction":             `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"NewImage":{"x":{"N":"1.5"}}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Invoke(t.Context(), []byte(batch))
			assert.Error(t, err)
		})
	}
}
