package dynamodb_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// TestOperations says which request each kind of write becomes: a plain one costs half.
func TestOperations(t *testing.T) {
	k := store.User("u")
	for _, c := range []struct {
		name string
		m    []store.Mutation
		op   string
	}{
		{"lasting create", []store.Mutation{store.Create(k, nil).Lasting()}, "PutItem"},
		{"lasting create with a condition", []store.Mutation{store.Create(k, nil).Where(store.Absent("a")).Lasting()}, "PutItem"},
		{"lasting update", []store.Mutation{store.Update(k).Set("a", "b").Insert("s", "x").Take("t", "y").Lasting()}, "UpdateItem"},
		{"lasting upsert", []store.Mutation{store.Upsert(k).Lasting()}, "UpdateItem"},
		{"lasting update that adds", []store.Mutation{store.Update(k).Set("a", "b").Add("n", 1).Lasting()}, "TransactWriteItems"},
		{"lasting upsert that adds", []store.Mutation{store.Upsert(k).Add("n", 1).Lasting()}, "TransactWriteItems"},
		{"lasting delete", []store.Mutation{store.Delete(k).Lasting()}, "TransactWriteItems"},
		{"create", []store.Mutation{store.Create(k, nil)}, "TransactWriteItems"},
		{"update", []store.Mutation{store.Update(k).Set("a", "b")}, "TransactWriteItems"},
		{"upsert", []store.Mutation{store.Upsert(k)}, "TransactWriteItems"},
		{"delete", []store.Mutation{store.Delete(k)}, "TransactWriteItems"},
		{"check", []store.Mutation{store.Check(k)}, "TransactWriteItems"},
		{"two", []store.Mutation{store.Create(k, nil), store.Create(store.Keyset(), nil)}, "TransactWriteItems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, id := always(ok(`{}`)), store.NewRequestID()
			require.NoError(t, n.table(t).Write(t.Context(), id, c.m...))
			require.Len(t, n.sent, 1)
			assert.Equal(t, c.op, n.sent[0].op)
			if c.op == "TransactWriteItems" {
				assert.Equal(t, string(id), n.sent[0].body["ClientRequestToken"])
			}
		})
	}
}

// TestOwnStamp repeats writes whose first answer was lost.
func TestOwnStamp(t *testing.T) {
	k, id := store.User("u"), store.NewRequestID()
	item := func(rid string) string {
		return `"Item":{"pk":{"S":"USER#u"},"sk":{"S":"USER"},"rid":{"S":"` + rid + `"},"n":{"N":"1"}}`
	}
	failed := func(rid string) reply {
		return fault(http.StatusBadRequest, "ConditionalCheckFailedException", item(rid))
	}
	inTransaction := func(rid string) reply {
		return cancelled(`{"Code":"ConditionalCheckFailed",` + item(rid) + `}`)
	}
	for _, c := range []struct {
		name   string
		m      store.Mutation
		refuse func(rid string) reply
	}{
		{"create", store.Create(k, nil).Lasting(), failed},
		{"update", store.Update(k).Set("a", "b").Where(store.Absent("a")).Lasting(), failed},
		{"upsert", store.Upsert(k).Set("a", "b").Where(store.Absent("a")).Lasting(), failed},
		{"update that adds", store.Update(k).Add("n", -1).Where(store.AtLeast("n", 1)), inTransaction},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, always(c.refuse(string(id))).table(t).Write(t.Context(), id, c.m))
			err := always(c.refuse("another")).table(t).Write(t.Context(), id, c.m)
			r, isRefused := store.AsRefused(err)
			require.True(t, isRefused, "%v", err)
			require.Equal(t, &store.Refused{Key: k, Item: store.Item{"rid": "another", "n": int64(1)}}, r)
		})
	}
	t.Run("absent", func(t *testing.T) {
		err := always(fault(http.StatusBadRequest, "ConditionalCheckFailedException", "")).table(t).
			Write(t.Context(), id, store.Update(k).Set("a", "b"))
		r, isRefused := store.AsRefused(err)
		require.True(t, isRefused, "%v", err)
		require.Nil(t, r.Item)
	})
}

// TestCancellation finds what a cancelled transaction means. DynamoDB Local gives no
// other reason than ConditionalCheckFailed.
func TestCancellation(t *testing.T) {
	m := []store.Mutation{store.Create(store.User("a"), nil), store.Delete(store.User("b")), store.Check(store.User("c"))}
	there := `{"Code":"ConditionalCheckFailed","Message":"m","Item":{"pk":{"S":"USER#c"},"sk":{"S":"USER"},"rid":{"S":"r"}}}`
	for _, c := range []struct {
		name    string
		reasons []string
		want    error // nil: refused
		index   int
		item    store.Item
	}{
		{"condition", []string{"None", "None", there}, nil, 2, store.Item{"rid": "r"}},
		{"absent", []string{"None", "ConditionalCheckFailed", "None"}, nil, 1, nil},
		{"several conditions", []string{"None", "ConditionalCheckFailed", there}, nil, 1, nil},
		{"condition and conflict", []string{"TransactionConflict", "None", there}, nil, 2, store.Item{"rid": "r"}},
		{"conflict", []string{"None", "TransactionConflict", "None"}, store.ErrContended, 0, nil},
		{"conflict and throttling", []string{"ThrottlingError", "TransactionConflict", "None"}, store.ErrContended, 0, nil},
		{"capacity", []string{"None", "ProvisionedThroughputExceeded", "None"}, store.ErrUnavailable, 0, nil},
		{"throttling", []string{"ThrottlingError", "None", "None"}, store.ErrUnavailable, 0, nil},
		{"mistake", []string{"None", "TransactionConflict", "ValidationError"}, store.ErrInvalid, 0, nil},
		{"a reason that is not known", []string{"None", "SomethingNew", "None"}, errUnknown, 0, nil},
		{"no reasons", nil, errUnknown, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := always(cancelled(c.reasons...))
			err := n.table(t).Write(t.Context(), store.NewRequestID(), m...)
			require.Len(t, n.sent, 1)
			if c.want != nil {
				requireMeans(t, c.want, err)
				return
			}
			r, isRefused := store.AsRefused(err)
			require.True(t, isRefused, "%v", err)
			require.Equal(t, &store.Refused{Index: c.index, Key: m[c.index].Key, Item: c.item}, r)
		})
	}
}

// TestSettled: a write that was not answered and whose repetition is refused is not made when
// the first request arrives after all.
func TestSettled(t *testing.T) {
	k, id := store.User("u"), store.NewRequestID()
	m := store.Update(k).Set("enabled", true).Where(store.Absent("locked"))
	refusal := cancelled(`{"Code":"ConditionalCheckFailed","Item":{"pk":{"S":"USER#u"},"sk":{"S":"USER"},"rid":{"S":"another"}}}`)
	for name, c := range map[string]struct {
		last reply
		want string // "refused", "made" or "unknown"
	}{
		"nothing came":              {ok(`{}`), "refused"},
		"it has arrived in between": {fault(http.StatusBadRequest, "IdempotentParameterMismatchException", ""), "made"},
		"others are in the way":     {cancelled("TransactionConflict"), "unknown"},
		"away":                      {fault(http.StatusServiceUnavailable, "ServiceUnavailable", ""), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			n := &network{answer: func(n int, _ request) (reply, error) {
				if n == 0 {
					return reply{}, io.ErrUnexpectedEOF
				}
				return []reply{refusal, c.last}[n-1], nil
			}}
			table := n.table(t)
			require.ErrorIs(t, table.Write(t.Context(), id, m), store.ErrUnavailable)
			err := table.Write(t.Context(), id, m)
			_, refused := store.AsRefused(err)
			assert.Equal(t, c.want == "refused", refused, "%v", err)
			assert.Equal(t, c.want == "made", err == nil, "%v", err)
			require.Len(t, n.sent, 3)
			assert.Equal(t, string(id), n.sent[2].body["ClientRequestToken"])
			assert.Contains(t, at(t, n.sent[2].body, "TransactItems", 0), "ConditionCheck")
		})
	}
	t.Run("what was answered needs no more", func(t *testing.T) {
		n := always(refusal)
		_, refused := store.AsRefused(n.table(t).Write(t.Context(), id, m))
		require.True(t, refused)
		require.Len(t, n.sent, 1)
	})
}
