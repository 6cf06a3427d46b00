package stream

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"mandate/shared/store"
)

// expirer is who removes items whose TTL has passed.
const expirer = "dynamodb.amazonaws.com"

func changeFrom(r types.Record) (store.Change, error) {
	c := store.Change{
		Position: aws.ToString(r.Dynamodb.SequenceNumber), At: aws.ToTime(r.Dynamodb.ApproximateCreationDateTime),
		Expired: r.UserIdentity != nil && aws.ToString(r.UserIdentity.PrincipalId) == expirer,
	}
	keys, err := itemFrom(r.Dynamodb.Keys)
	if err != nil {
		return c, err
	}
	c.Key = store.Key{PK: keys.Str(store.AttrPK), SK: keys.Str(store.AttrSK)}
	if c.Old, err = itemFrom(r.Dynamodb.OldImage); err != nil {
		return c, fmt.Errorf("%s: %w", c.Key, err)
	}
	if c.New, err = itemFrom(r.Dynamodb.NewImage); err != nil {
		return c, fmt.Errorf("%s: %w", c.Key, err)
	}
	for _, i := range []store.Item{c.Old, c.New} {
		delete(i, store.AttrPK)
		delete(i, store.AttrSK)
	}
	return c, nil
}

// itemFrom reads an image; nil when there is none.
func itemFrom(image map[string]types.AttributeValue) (store.Item, error) {
	if len(image) == 0 {
		return nil, nil
	}
	i := make(store.Item, len(image))
	for name, v := range image {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			i[name] = v.Value
		case *types.AttributeValueMemberN:
			n, err := strconv.ParseInt(v.Value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", name, err)
			}
			i[name] = n
		case *types.AttributeValueMemberBOOL:
			i[name] = v.Value
		case *types.AttributeValueMemberB:
			i[name] = append([]byte{}, v.Value...)
		case *types.AttributeValueMemberSS:
			i[name] = store.NewSet(v.Value...)
		default:
			return nil, fmt.Errorf("attribute %s has a type that the table does not hold", name)
		}
	}
	return i, nil
}
