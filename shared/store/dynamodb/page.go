package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

var _ store.Pages = (*Table)(nil)

// Page implements [store.Pages] by Scan. It reads eventually consistent, at half the price:
// whoever acts on what it shows looks again.
func (t *Table) Page(ctx context.Context, after string, limit int) (store.Page, error) {
	if limit < 1 || limit > store.MaxPageItems {
		return store.Page{}, fmt.Errorf("%w: page of %d items", store.ErrInvalid, limit)
	}
	in := &sdk.ScanInput{TableName: &t.name, Limit: aws.Int32(int32(limit))}
	if after != "" {
		var k []string
		raw, err := base64.RawURLEncoding.DecodeString(after)
		if err == nil {
			err = json.Unmarshal(raw, &k)
		}
		if err != nil || len(k) != 2 {
			return store.Page{}, fmt.Errorf("%w: page after %q", store.ErrInvalid, after)
		}
		in.ExclusiveStartKey = encodeKey(store.Key{PK: k[0], SK: k[1]})
	}
	out, err := t.client.Scan(ctx, in)
	if err != nil {
		return store.Page{}, fmt.Errorf("page through the table: %w", failure(ctx, err))
	}
	page := store.Page{Entries: make([]store.Entry, len(out.Items))}
	for i, raw := range out.Items {
		if page.Entries[i], err = decodeEntry(raw); err != nil {
			return store.Page{}, fmt.Errorf("page through the table: %w", err)
		}
	}
	if len(out.LastEvaluatedKey) == 0 {
		return page, nil
	}
	last := func(name string) string {
		s, _ := out.LastEvaluatedKey[name].(*types.AttributeValueMemberS)
		return s.Value
	}
	raw, err := json.Marshal([]string{last(store.AttrPK), last(store.AttrSK)})
	page.Next = base64.RawURLEncoding.EncodeToString(raw)
	return page, err
}
