package gateway

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/store"
)

// Changes handles a batch of changes and returns the positions of those that failed, to
// be given again. Batches arrive at least once, per item in order.
type Changes func(ctx context.Context, changes []store.Change) (failed []string)

// Stream serves the table's stream by a function over changes.
func Stream(handle Changes) lambda.Handler { return streamHandler{handle} }

// A Follower takes changes as they are: a function on the stream, by whoever runs it in his own
// process. The records that a batch would come in say the same (TestAnyItemComesBack); writing
// and reading them was a quarter of the processor time of a sweep.
type Follower interface {
	// Follow handles one batch and returns the positions of those that failed.
	Follow(ctx context.Context, changes []store.Change) (failed []string)
}

type streamHandler struct{ handle Changes }

// Follow implements [Follower].
func (h streamHandler) Follow(ctx context.Context, changes []store.Change) (failed []string) {
	return h.handle(ctx, changes)
}

// Invoke handles one batch. Failures are reported by sequence number
// (ReportBatchItemFailures), never as a failure of the whole.
func (h streamHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	batch, err := ReadBatch(payload)
	if err != nil {
		return nil, err
	}
	changes := make([]store.Change, 0, len(batch.Records))
	for _, r := range batch.Records {
		c, err := FromRecord(r)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	reply := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for _, position := range h.handle(ctx, changes) {
		reply.BatchItemFailures = append(reply.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: position})
	}
	return encode(reply)
}

// expirer is who removes items whose TTL has passed, in the records of the stream.
const expirer = "dynamodb.amazonaws.com"

// FromRecord reads a record of the stream.
func FromRecord(r events.DynamoDBEventRecord) (store.Change, error) {
	c := store.Change{
		Position: r.Change.SequenceNumber, At: r.Change.ApproximateCreationDateTime.Time,
		Expired: r.UserIdentity != nil && r.UserIdentity.PrincipalID == expirer,
	}
	keys, err := fromImage(r.Change.Keys)
	if err != nil {
		return c, fmt.Errorf("record %s: %w", c.Position, err)
	}
	c.Key = store.Key{PK: keys.Str(store.AttrPK), SK: keys.Str(store.AttrSK)}
	if c.Old, err = fromImage(r.Change.OldImage); err != nil {
		return c, fmt.Errorf("record %s: %w", c.Position, err)
	}
	if c.New, err = fromImage(r.Change.NewImage); err != nil {
		return c, fmt.Errorf("record %s: %w", c.Position, err)
	}
	for _, i := range []store.Item{c.Old, c.New} {
		delete(i, store.AttrPK)
		delete(i, store.AttrSK)
	}
	return c, nil
}

func fromImage(image map[string]events.DynamoDBAttributeValue) (store.Item, error) {
	if len(image) == 0 {
		return nil, nil
	}
	i := make(store.Item, len(image))
	for name, v := range image {
		switch v.DataType() {
		case events.DataTypeString:
			i[name] = v.String()
		case events.DataTypeNumber:
			n, err := v.Int64() // Integer would cut off what is no int64
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", name, err)
			}
			i[name] = n
		case events.DataTypeBoolean:
			i[name] = v.Boolean()
		case events.DataTypeBinary:
			i[name] = v.Binary()
		case events.DataTypeStringSet:
			i[name] = store.NewSet(v.StringSet()...)
		default:
			return nil, fmt.Errorf("attribute %s has a type that the table does not hold", name)
		}
	}
	return i, nil
}

// ToRecord writes a change as the stream would, for engines that have a change log of
// their own.
func ToRecord(c store.Change) events.DynamoDBEventRecord {
	r := events.DynamoDBEventRecord{
		EventID: c.Position, EventName: EventName(c), EventSource: "aws:dynamodb", EventVersion: "1.1",
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: c.At},
			Keys:                        toImage(c.Key, store.Item{}), SequenceNumber: c.Position,
			OldImage: toImage(c.Key, c.Old), NewImage: toImage(c.Key, c.New),
			StreamViewType: string(events.DynamoDBStreamViewTypeNewAndOldImages),
		},
	}
	if c.Expired {
		r.UserIdentity = &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: expirer}
	}
	return r
}

// EventName is what the stream calls what happened: INSERT, MODIFY or REMOVE.
func EventName(c store.Change) string {
	switch {
	case c.Old == nil:
		return string(events.DynamoDBOperationTypeInsert)
	case c.New == nil:
		return string(events.DynamoDBOperationTypeRemove)
	}
	return string(events.DynamoDBOperationTypeModify)
}

func toImage(k store.Key, i store.Item) map[string]events.DynamoDBAttributeValue {
	if i == nil {
		return nil
	}
	image := make(map[string]events.DynamoDBAttributeValue, len(i)+2)
	image[store.AttrPK], image[store.AttrSK] = events.NewStringAttribute(k.PK), events.NewStringAttribute(k.SK)
	for name, v := range i {
		switch v := v.(type) {
		case string:
			image[name] = events.NewStringAttribute(v)
		case int64:
			image[name] = events.NewNumberAttribute(strconv.FormatInt(v, 10))
		case bool:
			image[name] = events.NewBooleanAttribute(v)
		case []byte:
			image[name] = events.NewBinaryAttribute(v)
		case store.Set:
			image[name] = events.NewStringSetAttribute(v)
		}
	}
	return image
}
