package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mandate/shared/store"
)

// outcome says what the answer to a write means. Codes are those of the API reference,
// "Errors" of PutItem, UpdateItem and TransactWriteItems.
func outcome(ctx context.Context, m []store.Mutation, err error) error {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return refused(0, m[0], failed.Item)
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return cancellation(m, cancelled)
	}
	return failure(ctx, err)
}

func refused(index int, m store.Mutation, item attributes) error {
	r := &store.Refused{Index: index, Key: m.Key}
	if len(item) > 0 {
		e, err := decodeEntry(item)
		if err != nil {
			return fmt.Errorf("refused by what cannot be read: %w", err)
		}
		r.Item = e.Item
	}
	return r
}

// cancellation finds the reason that decides among those of all mutations: a condition
// that did not hold, then a mistake, then what a repeat may cure.
func cancellation(m []store.Mutation, c *types.TransactionCanceledException) error {
	because := map[string]bool{}
	for i, reason := range c.CancellationReasons {
		code := aws.ToString(reason.Code)
		if code == "ConditionalCheckFailed" && i < len(m) {
			return refused(i, m[i], reason.Item)
		}
		because[code] = true
	}
	switch {
	case because["ValidationError"]:
		return fmt.Errorf("%w: %w", store.ErrInvalid, c)
	case because["TransactionConflict"]:
		return fmt.Errorf("%w: %w", store.ErrContended, c)
	case because["ProvisionedThroughputExceeded"], because["ThrottlingError"]:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, c)
	}
	return c
}

// transient is the SDK's own list of answers that may be others soon: throttling and 5xx.
var transient = retry.IsErrorRetryables(retry.DefaultRetryables)

// failure says what an error means that is no refusal; nil stays nil. What it does not
// know, such as missing permissions or a missing table, stays as it is.
func failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var answer smithy.APIError
	if errors.As(err, &answer) {
		switch answer.ErrorCode() {
		case "ValidationException", "IdempotentParameterMismatchException":
			return fmt.Errorf("%w: %w", store.ErrInvalid, err)
		case "TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException":
			return fmt.Errorf("%w: %w", store.ErrContended, err)
		}
	}
	var unsent *smithyhttp.RequestSendError  // or sent without an answer
	var garbled *smithy.DeserializationError // an answer, but lost on the way
	if ctx.Err() != nil || errors.As(err, &unsent) || errors.As(err, &garbled) || transient.IsErrorRetryable(err).Bool() {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}
