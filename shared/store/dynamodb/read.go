package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mandate/shared/store"
)

// Keys left unprocessed are asked for again after pauses that double, as long as some are
// processed now and then. After this many answers with none, within about half a second,
// it is the retry decorator's turn, which knows how long a request may wait.
const (
	firstPause = 2 * time.Millisecond
	maxStalled = 8
)

// Read implements [store.Table] by BatchGetItem. DynamoDB may leave keys unprocessed, when
// it is short of capacity or the answer would exceed 16 MB; they are asked for again.
func (t *Table) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if err := store.CheckRead(keys); err != nil {
		return nil, err
	}
	items := make(store.Items, len(keys))
	if len(keys) == 0 {
		return items, nil
	}
	left := make([]map[string]types.AttributeValue, len(keys))
	for i, k := range keys {
		left[i] = encodeKey(k)
	}
	for stalled := 0; ; {
		out, err := t.client.BatchGetItem(ctx, &sdk.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{
				t.name: {Keys: left, ConsistentRead: aws.Bool(true)},
			},
		})
		if err != nil {
			return nil, fmt.Errorf("read %d items: %w", len(keys), failure(ctx, err))
		}
		for _, raw := range out.Responses[t.name] {
			e, err := decodeEntry(raw)
			if err != nil {
				return nil, fmt.Errorf("read %d items: %w", len(keys), err)
			}
			items[e.Key] = e.Item
		}
		before := len(left)
		if left = out.UnprocessedKeys[t.name].Keys; len(left) == 0 {
			return items, nil
		}
		if stalled++; len(left) < before {
			stalled = 0
		}
		if stalled == maxStalled || !sleep(ctx, firstPause<<stalled) {
			return nil, fmt.Errorf("read %d items, %d unprocessed: %w", len(keys), len(left), store.ErrUnavailable)
		}
	}
}

// sleep pauses for between half of d and d, and reports whether the context outlived it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2)) //nolint:gosec // G404: spreads repeats
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Query implements [store.Table].
func (t *Table) Query(ctx context.Context, r store.Range) (store.Page, error) {
	if err := store.CheckRange(r); err != nil {
		return store.Page{}, err
	}
	start, more, err := startKey(r)
	if err != nil || !more {
		return store.Page{}, err
	}
	if r.Limit == 0 {
		r.Limit = store.MaxPageItems
	}
	var e expression
	condition := e.within(r)
	in := &sdk.QueryInput{
		TableName:                 aws.String(t.name),
		KeyConditionExpression:    &condition,
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
		ScanIndexForward:          aws.Bool(!r.Descending),
		Limit:                     aws.Int32(int32(r.Limit)), //nolint:gosec // G115: at most MaxPageItems
		ExclusiveStartKey:         start,
	}
	if r.Index == store.Base {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(indexName(r.Index))
	}
	out, err := t.client.Query(ctx, in)
	if err != nil {
		return store.Page{}, fmt.Errorf("query %s: %w", r.PK, failure(ctx, err))
	}
	page := store.Page{Entries: make([]store.Entry, len(out.Items))}
	for i, raw := range out.Items {
		if page.Entries[i], err = decodeEntry(raw); err != nil {
			return store.Page{}, fmt.Errorf("query %s: %w", r.PK, err)
		}
	}
	page.Next, err = next(r.Index, out.LastEvaluatedKey)
	return page, err
}

// indexName has the three letters that DynamoDB asks for.
func indexName(i store.Index) string {
	return [...]string{store.Index1: "index1", store.Index2: "index2"}[i]
}

func partitionKey(i store.Index) string {
	return [...]string{store.Base: store.AttrPK, store.Index1: store.AttrIndex1, store.Index2: store.AttrIndex2}[i]
}

func sortKey(i store.Index) string {
	if i == store.Base {
		return store.AttrSK
	}
	return store.AttrAudit
}

// within is a range as a key condition.
func (e *expression) within(r store.Range) string {
	partition := e.name(partitionKey(r.Index)) + " = " + e.value(text(r.PK))
	if r.Prefix == "" && r.From == "" && r.To == "" {
		return partition
	}
	sort := e.name(sortKey(r.Index))
	switch {
	case r.Prefix != "":
		return partition + " AND begins_with(" + sort + ", " + e.value(text(r.Prefix)) + ")"
	case r.To == "":
		return partition + " AND " + sort + " >= " + e.value(text(r.From))
	case r.From == "":
		return partition + " AND " + sort + " <= " + e.value(text(r.To))
	}
	return partition + " AND " + sort + " BETWEEN " + e.value(text(r.From)) + " AND " + e.value(text(r.To))
}

// positionParts are the attributes that say where a page ended, beside the range's own
// partition.
func positionParts(i store.Index) []string {
	if i == store.Base {
		return []string{store.AttrSK}
	}
	return []string{store.AttrAudit, store.AttrPK, store.AttrSK}
}

// next makes Page.Next of the last key of a page, nil when there are no more.
func next(i store.Index, last attributes) (string, error) {
	if len(last) == 0 {
		return "", nil
	}
	var parts []string
	for _, name := range positionParts(i) {
		s, ok := last[name].(*types.AttributeValueMemberS)
		if !ok {
			return "", fmt.Errorf("last key of a page has no %s", name)
		}
		parts = append(parts, s.Value)
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("last key of a page: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// startKey makes the key after which a page starts, nil for the first, and reports whether
// there is any more of the range after it. A key outside of the range, from a page of
// another one, is a place like any other; DynamoDB would refuse it.
func startKey(r store.Range) (key attributes, more bool, err error) {
	if r.After == "" {
		return nil, true, nil
	}
	names := positionParts(r.Index)
	var parts []string
	raw, err := base64.RawURLEncoding.DecodeString(r.After)
	if err == nil {
		err = json.Unmarshal(raw, &parts)
	}
	if err != nil || len(parts) != len(names) {
		return nil, false, fmt.Errorf("%w: page after %q", store.ErrInvalid, r.After)
	}
	side := place(r, parts[0])
	if side != 0 {
		return nil, (side < 0) != r.Descending, nil
	}
	key = attributes{partitionKey(r.Index): text(r.PK)}
	for i, name := range names {
		key[name] = text(parts[i])
	}
	return key, true, nil
}

// place says where a sort key lies: before a range (-1), in it (0) or after it (1).
func place(r store.Range, sort string) int {
	switch {
	case sort < r.From, sort < r.Prefix:
		return -1
	case r.To != "" && sort > r.To, !strings.HasPrefix(sort, r.Prefix):
		return 1
	}
	return 0
}
