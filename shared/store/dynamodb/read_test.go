package dynamodb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// processing answers a batch read with the first of its keys only, each an item with no
// more than its key, and leaves the others unprocessed.
func processing(t *testing.T, count int, r request) reply {
	t.Helper()
	keys, isList := at(t, r.body, "RequestItems", "mandate", "Keys").([]any)
	require.True(t, isList)
	count = min(count, len(keys))
	out := map[string]any{
		"Responses":       map[string]any{"mandate": keys[:count]},
		"UnprocessedKeys": map[string]any{},
	}
	if count < len(keys) {
		out["UnprocessedKeys"] = map[string]any{"mandate": map[string]any{"Keys": keys[count:], "ConsistentRead": true}}
	}
	body, err := json.Marshal(out)
	require.NoError(t, err)
	return ok(string(body))
}

func TestUnprocessedKeys(t *testing.T) {
	keys := make([]store.Key, 7)
	for i := range keys {
		keys[i] = store.User(fmt.Sprint(i))
	}
	t.Run("asked for until all are there", func(t *testing.T) {
		n := &network{}
		n.answer = func(i int, r request) (reply, error) {
			return processing(t, []int{3, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3}[i], r), nil
		}
		got, err := n.table(t).Read(t.Context(), keys...)
		require.NoError(t, err)
		require.Len(t, got, len(keys))
		require.Len(t, n.sent, 11)
		for i, left := range []int{7, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3} {
			assert.Len(t, at(t, n.sent[i].body, "RequestItems", "mandate", "Keys"), left)
			assert.Equal(t, true, at(t, n.sent[i].body, "RequestItems", "mandate", "ConsistentRead"))
		}
	})
	t.Run("never processed", func(t *testing.T) {
		n := &network{}
		n.answer = func(_ int, r request) (reply, error) { return processing(t, 0, r), nil }
		_, err := n.table(t).Read(t.Context(), keys...)
		requireMeans(t, store.ErrUnavailable, err)
		require.Len(t, n.sent, 8)
	})
	t.Run("until the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := &network{}
		n.answer = func(i int, r request) (reply, error) {
			if i == 2 {
				cancel()
			}
			return processing(t, 0, r), nil
		}
		_, err := n.table(t).Read(ctx, keys...)
		requireMeans(t, store.ErrUnavailable, err)
		require.Len(t, n.sent, 3)
	})
	t.Run("throttled after some", func(t *testing.T) {
		n := &network{}
		n.answer = func(i int, r request) (reply, error) {
			if i == 0 {
				return processing(t, 2, r), nil
			}
			return fault(http.StatusBadRequest, "ProvisionedThroughputExceededException", ""), nil
		}
		got, err := n.table(t).Read(t.Context(), keys...)
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.Nil(t, got, "half an answer would pass for absence")
	})
}

// TestForeignItems meets items that this engine would not have written.
func TestForeignItems(t *testing.T) {
	for name, attribute := range map[string]string{
		"list": `{"L":[]}`, "map": `{"M":{}}`, "null": `{"NULL":true}`, "fraction": `{"N":"1.5"}`,
		"beyond int64": `{"N":"9223372036854775808"}`, "set of numbers": `{"NS":["1"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			item := `{"pk":{"S":"KEYSET"},"sk":{"S":"KEYSET"},"odd":` + attribute + `}`
			table := always(ok(`{"Responses":{"mandate":[` + item + `]}}`)).table(t)
			_, err := table.Read(t.Context(), store.Keyset())
			require.ErrorContains(t, err, "attribute odd")
			require.NotErrorIs(t, err, store.ErrUnavailable)

			table = always(ok(`{"Items":[` + item + `]}`)).table(t)
			_, err = table.Query(t.Context(), store.Partition(store.Keyset()))
			require.ErrorContains(t, err, "attribute odd")

			table = always(fault(http.StatusBadRequest, "ConditionalCheckFailedException", `"Item":`+item)).table(t)
			err = table.Write(t.Context(), store.NewRequestID(), store.Create(store.Keyset(), nil))
			require.ErrorContains(t, err, "attribute odd")
		})
	}
}

func TestPageMarks(t *testing.T) {
	last := `{"pk":{"S":"TOKEN#1"},"sk":{"S":"TOKEN"},"i1":{"S":"USER#u"},"audit":{"S":"a<é\u2028"}}`
	byUser := store.Range{PK: store.ByUser("u"), Index: store.Index1}
	n := always(ok(`{"Items":[],"LastEvaluatedKey":` + last + `}`))
	table := n.table(t)
	page, err := table.Query(t.Context(), byUser)
	require.NoError(t, err)
	assert.Equal(t, "index1", n.sent[0].body["IndexName"])
	assert.NotContains(t, n.sent[0].body, "ExclusiveStartKey")
	assert.NotEqual(t, true, n.sent[0].body["ConsistentRead"], "DynamoDB refuses it on an index")

	_, err = table.Query(t.Context(), store.Partition(store.Keyset()))
	require.NoError(t, err)
	assert.Equal(t, true, n.sent[1].body["ConsistentRead"])
	n.sent = n.sent[:1]

	byUser.After = page.Next
	_, err = table.Query(t.Context(), byUser)
	require.NoError(t, err)
	sent, err := json.Marshal(n.sent[1].body["ExclusiveStartKey"])
	require.NoError(t, err)
	require.JSONEq(t, last, string(sent))

	for _, mark := range []string{"!", "e30", "W10", page.Next[:len(page.Next)-2]} {
		_, err = table.Query(t.Context(), store.Range{PK: "p", After: mark})
		require.ErrorIs(t, err, store.ErrInvalid, mark)
	}
	_, err = table.Query(t.Context(), store.Range{PK: store.ByUser("u"), After: page.Next})
	require.ErrorIs(t, err, store.ErrInvalid, "a mark of an index on the base table")
	require.Len(t, n.sent, 2)
}
