package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mandate/shared/store"
)

// doubts are the transactions that were not answered: they may still be on their way.
type doubts struct {
	mu    sync.Mutex
	ids   map[store.RequestID]bool
	order [maxDoubts]store.RequestID // a ring: the oldest is forgotten
	next  int
}

// maxDoubts is far more than one process repeats at a time.
const maxDoubts = 1024

func (d *doubts) add(id store.RequestID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ids[id] {
		return
	}
	if d.ids == nil {
		d.ids = make(map[store.RequestID]bool)
	}
	delete(d.ids, d.order[d.next])
	d.ids[id], d.order[d.next], d.next = true, id, (d.next+1)%maxDoubts
}

func (d *doubts) has(id store.RequestID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ids[id]
}

// unanswered reports whether nobody knows what became of a request that failed so.
func unanswered(ctx context.Context, err error) bool {
	var unsent *smithyhttp.RequestSendError // or sent without an answer
	var garbled *smithy.DeserializationError
	var answer *smithyhttp.ResponseError
	return ctx.Err() != nil || errors.As(err, &unsent) || errors.As(err, &garbled) ||
		errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

// settle makes a refusal final. When an earlier request with this id was not answered, it may
// arrive yet, and be made if it fits by then, because DynamoDB remembers what was made and
// not what was refused. So its client token is used up by a transaction that changes nothing.
// If that cannot be, the earlier one has arrived in between: the write was made.
func (t *Table) settle(ctx context.Context, id store.RequestID, m []store.Mutation, refused error) error {
	if !t.doubts.has(id) {
		return refused
	}
	_, err := t.client.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{
		ClientRequestToken: aws.String(string(id)),
		TransactItems: []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: encodeKey(m[0].Key),
			ConditionExpression: aws.String("attribute_exists(" + store.AttrPK + ") OR attribute_not_exists(" + store.AttrPK + ")"),
		}}},
	})
	var made *types.IdempotentParameterMismatchException
	switch {
	case err == nil:
		return refused
	case errors.As(err, &made):
		return nil
	}
	return fmt.Errorf("settle a refused write: %w", outcome(ctx, m[:1], err))
}
