package dynamodb

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

// An attributes is an item, or a key, as the SDK has it.
type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// encode makes an attribute of a value that store.CheckWrite has let through.
func encode(v store.Value) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return text(v)
	case int64:
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(v, 10)}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []byte:
		if v == nil {
			v = []byte{} // the SDK would send null
		}
		return &types.AttributeValueMemberB{Value: v}
	case store.Set:
		return &types.AttributeValueMemberSS{Value: v}
	}
	panic(fmt.Sprintf("value of type %T", v))
}

// absent reports whether writing a value leaves the attribute absent.
func absent(v store.Value) bool {
	set, isSet := v.(store.Set)
	return v == nil || isSet && len(set) == 0
}

// encodeKey makes the key attributes of an item.
func encodeKey(k store.Key) attributes {
	return attributes{store.AttrPK: text(k.PK), store.AttrSK: text(k.SK)}
}

// encodeItem makes a whole item, stamped with the request that writes it.
func encodeItem(k store.Key, item store.Item, id store.RequestID) attributes {
	out := make(attributes, len(item)+3)
	for name, v := range item {
		if !absent(v) {
			out[name] = encode(v)
		}
	}
	out[store.AttrPK], out[store.AttrSK] = text(k.PK), text(k.SK)
	out[store.AttrRequest] = text(string(id))
	return out
}

// decodeEntry takes an item apart that DynamoDB returned. It fails on what this engine
// never writes: other types, and numbers that are no int64.
func decodeEntry(from attributes) (store.Entry, error) {
	item := make(store.Item, len(from))
	for name, a := range from {
		v, err := decode(a)
		if err != nil {
			return store.Entry{}, fmt.Errorf("attribute %s: %w", name, err)
		}
		item[name] = v
	}
	key := store.Key{PK: item.Str(store.AttrPK), SK: item.Str(store.AttrSK)}
	delete(item, store.AttrPK)
	delete(item, store.AttrSK)
	return store.Entry{Key: key, Item: item}, nil
}

func decode(a types.AttributeValue) (store.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return a.Value, nil
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(a.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("number %q: %w", a.Value, err)
		}
		return n, nil
	case *types.AttributeValueMemberBOOL:
		return a.Value, nil
	case *types.AttributeValueMemberB:
		if a.Value == nil {
			return []byte{}, nil
		}
		return a.Value, nil
	case *types.AttributeValueMemberSS:
		return store.NewSet(a.Value...), nil // DynamoDB returns members in any order
	}
	return nil, fmt.Errorf("unexpected type %T", a)
}
