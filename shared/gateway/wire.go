package gateway

import (
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/store"
)

// Attributes of stream records are read and written here, not by the methods of their type, which
// parse each of them four times over: of a large sweep that was a third of all its processor time.
// TestAnyItemComesBack holds both ways to the library's.

var (
	reading = json.JoinOptions(lenient, json.WithUnmarshalers(json.UnmarshalFromFunc(readAttribute)))
	writing = json.JoinOptions(lenient, json.WithMarshalers(json.MarshalToFunc(writeAttribute)))
)

// WriteRecord is a change as a record of the stream, in JSON.
func WriteRecord(c store.Change) ([]byte, error) {
	text, err := json.Marshal(ToRecord(c), writing)
	if err != nil {
		return nil, fmt.Errorf("write record %s: %w", c.Position, err)
	}
	return text, nil
}

// ReadBatch reads what a function on the stream is given.
func ReadBatch(payload []byte) (events.DynamoDBEvent, error) {
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(payload, &batch, reading); err != nil {
		return batch, fmt.Errorf("read the batch: %w", err)
	}
	return batch, nil
}

// readAttribute reads an object of one member, which is named by its type
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html).
// Types that the table does not hold stay what the library makes of nothing: NULL.
func readAttribute(d *jsontext.Decoder, to *events.DynamoDBAttributeValue) error {
	if kind := d.PeekKind(); kind != '{' {
		return fmt.Errorf("attribute that is no object but %s", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	name, err := d.ReadToken()
	if err != nil {
		return err
	}
	if name.Kind() == '}' {
		return errors.New("attribute without a type")
	}
	switch kind := name.String(); kind {
	case "S", "N":
		text, err := d.ReadToken()
		if err != nil {
			return err
		}
		if text.Kind() != '"' {
			return fmt.Errorf("attribute of type %s that is no string", kind)
		}
		if kind == "S" {
			*to = events.NewStringAttribute(text.String())
		} else {
			*to = events.NewNumberAttribute(text.String())
		}
	case "BOOL":
		err = readAs(d, to, events.NewBooleanAttribute)
	case "B":
		err = readAs(d, to, events.NewBinaryAttribute)
	case "SS":
		err = readAs(d, to, events.NewStringSetAttribute)
	default:
		*to = events.NewNullAttribute()
		err = d.SkipValue()
	}
	if err != nil {
		return err
	}
	end, err := d.ReadToken()
	if err == nil && end.Kind() != '}' {
		err = fmt.Errorf("attribute with a second member %s", end)
	}
	return err
}

func readAs[T any](d *jsontext.Decoder, to *events.DynamoDBAttributeValue, make func(T) events.DynamoDBAttributeValue) error {
	var v T
	err := json.UnmarshalDecode(d, &v)
	*to = make(v)
	return err
}

func writeAttribute(e *jsontext.Encoder, v events.DynamoDBAttributeValue) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	var err error
	member := func(name string, value jsontext.Token) {
		if err = e.WriteToken(jsontext.String(name)); err == nil {
			err = e.WriteToken(value)
		}
	}
	switch v.DataType() {
	case events.DataTypeString:
		member("S", jsontext.String(v.String()))
	case events.DataTypeNumber:
		member("N", jsontext.String(v.Number()))
	case events.DataTypeBoolean:
		member("BOOL", jsontext.Bool(v.Boolean()))
	case events.DataTypeBinary:
		err = writeAs(e, "B", v.Binary())
	case events.DataTypeStringSet:
		err = writeAs(e, "SS", v.StringSet())
	default:
		err = fmt.Errorf("attribute of type %d, which the table does not hold", v.DataType())
	}
	if err != nil {
		return err
	}
	return e.WriteToken(jsontext.EndObject)
}

func writeAs(e *jsontext.Encoder, name string, value any) error {
	if err := e.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	return json.MarshalEncode(e, value)
}
