package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

// inTheWay asks for the item that made a condition fail.
const inTheWay = types.ReturnValuesOnConditionCheckFailureAllOld

// Write implements [store.Table].
func (t *Table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	if err := store.CheckWrite(id, m); err != nil {
		return err
	}
	var err error
	switch {
	case !store.Plain(m):
		err = t.transact(ctx, id, m)
	case m[0].Kind == store.KindCreate:
		err = t.put(ctx, id, m[0])
	default:
		err = t.update(ctx, id, m[0])
	}
	if err != nil && !store.Plain(m) && unanswered(ctx, err) {
		t.doubts.add(id)
	}
	if err = outcome(ctx, m, err); err == nil {
		return nil
	}
	if r, ok := store.AsRefused(err); ok {
		if r.Item.Str(store.AttrRequest) == string(id) {
			return nil // by what this very write did before
		}
		if err = t.settle(ctx, id, m, err); err == nil {
			return nil
		}
	}
	return fmt.Errorf("write %s: %w", m[0].Key, err)
}

func (t *Table) put(ctx context.Context, id store.RequestID, m store.Mutation) error {
	var e expression
	condition := e.condition(m)
	_, err := t.client.PutItem(ctx, &sdk.PutItemInput{
		TableName:                           &t.name,
		Item:                                encodeItem(m.Key, m.Item, id),
		ConditionExpression:                 condition,
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: inTheWay,
	})
	return err
}

func (t *Table) update(ctx context.Context, id store.RequestID, m store.Mutation) error {
	var e expression
	condition, update := e.condition(m), e.update(m, id)
	_, err := t.client.UpdateItem(ctx, &sdk.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 encodeKey(m.Key),
		ConditionExpression:                 condition,
		UpdateExpression:                    update,
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: inTheWay,
	})
	return err
}

func (t *Table) transact(ctx context.Context, id store.RequestID, m []store.Mutation) error {
	items := make([]types.TransactWriteItem, len(m))
	for i := range m {
		items[i] = t.part(id, m[i])
	}
	_, err := t.client.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{
		ClientRequestToken: aws.String(string(id)),
		TransactItems:      items,
	})
	return err
}

// part is one mutation of a transaction.
func (t *Table) part(id store.RequestID, m store.Mutation) types.TransactWriteItem {
	var e expression
	condition := e.condition(m)
	switch m.Kind {
	case store.KindCreate:
		return types.TransactWriteItem{Put: &types.Put{
			TableName:                           &t.name,
			Item:                                encodeItem(m.Key, m.Item, id),
			ConditionExpression:                 condition,
			ExpressionAttributeNames:            e.names,
			ExpressionAttributeValues:           e.values,
			ReturnValuesOnConditionCheckFailure: inTheWay,
		}}
	case store.KindDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName:                           &t.name,
			Key:                                 encodeKey(m.Key),
			ConditionExpression:                 condition,
			ExpressionAttributeNames:            e.names,
			ExpressionAttributeValues:           e.values,
			ReturnValuesOnConditionCheckFailure: inTheWay,
		}}
	case store.KindCheck:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName:                           &t.name,
			Key:                                 encodeKey(m.Key),
			ConditionExpression:                 condition,
			ExpressionAttributeNames:            e.names,
			ExpressionAttributeValues:           e.values,
			ReturnValuesOnConditionCheckFailure: inTheWay,
		}}
	}
	update := e.update(m, id)
	return types.TransactWriteItem{Update: &types.Update{
		TableName:                           &t.name,
		Key:                                 encodeKey(m.Key),
		ConditionExpression:                 condition,
		UpdateExpression:                    update,
		ExpressionAttributeNames:            e.names,
		ExpressionAttributeValues:           e.values,
		ReturnValuesOnConditionCheckFailure: inTheWay,
	}}
}
