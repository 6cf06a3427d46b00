package oauth1

import (
	"context"
	"encoding/json"
	"fmt"

	"mandate/shared/secret"
	"mandate/shared/store"
)

// resealPage is how many tokens one step of a rotation looks at.
const resealPage = 50

// resealPlace is how far a walk over all secrets has come: in which list of which consumer.
// Everything stands under consumers.
type resealPlace struct {
	Consumers string `json:"c,omitempty"` // where the list of consumers goes on after this one
	Consumer  string `json:"i,omitempty"` // "": the next of the list
	List      int    `json:"l,omitempty"` // of underConsumer
	After     string `json:"a,omitempty"`
}

// underConsumer are the lists of a consumer's tokens, with the keys of what they list.
var underConsumer = []struct {
	list func(consumerID, id string) store.Key
	item func(id string) store.Key
}{
	{store.RequestOfConsumer, store.RequestToken},
	{store.AccessOfConsumer, store.AccessToken},
}

// Reseal looks at some secrets after a place in their walk ("" is its beginning) and seals
// anew those that another key than the ring's own sealed. It returns the place where to go
// on, "" at the end, and how many there were. Tokens of a consumer that is gone are dead,
// and what sealed them no longer matters.
func (s *Service) Reseal(ctx context.Context, ring *secret.Ring, after string) (next string, resealed int, err error) {
	var at resealPlace
	if after != "" {
		if err := json.Unmarshal([]byte(after), &at); err != nil {
			return "", 0, fmt.Errorf("read the place of a walk over secrets: %w", err)
		}
	}
	if at.Consumer == "" {
		return s.resealConsumer(ctx, ring, at)
	}
	lists := underConsumer[at.List%len(underConsumer)]
	r := store.Prefixed(lists.list(at.Consumer, ""))
	r.After, r.Limit = at.After, resealPage
	page, err := s.table.Query(ctx, r)
	if err != nil {
		return "", 0, fmt.Errorf("list tokens of consumer %s: %w", at.Consumer, err)
	}
	var keys []store.Key
	for _, e := range page.Entries {
		keys = append(keys, lists.item(e.Item.Str(attrID)))
	}
	if resealed, err = s.resealItems(ctx, ring, keys); err != nil {
		return "", 0, err
	}
	switch {
	case page.Next != "":
		at.After = page.Next
	case at.List+1 < len(underConsumer):
		at.List, at.After = at.List+1, ""
	case at.Consumers == "": // that was the last consumer
		return "", resealed, nil
	default:
		at = resealPlace{Consumers: at.Consumers}
	}
	return at.text(), resealed, nil
}

// resealConsumer does the next consumer's own secret; its tokens come after.
func (s *Service) resealConsumer(ctx context.Context, ring *secret.Ring, at resealPlace) (next string, resealed int, err error) {
	r := store.Partition(store.ConsumerList(""))
	r.After, r.Limit = at.Consumers, 1
	page, err := s.table.Query(ctx, r)
	if err != nil {
		return "", 0, fmt.Errorf("list consumers: %w", err)
	}
	if len(page.Entries) == 0 {
		return "", 0, nil
	}
	id := page.Entries[0].Item.Str(attrID)
	if resealed, err = s.resealItems(ctx, ring, []store.Key{store.Consumer(id)}); err != nil {
		return "", 0, err
	}
	return resealPlace{Consumers: page.Next, Consumer: id}.text(), resealed, nil
}

func (s *Service) resealItems(ctx context.Context, ring *secret.Ring, keys []store.Key) (resealed int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	items, err := s.table.Read(ctx, keys...)
	if err != nil {
		return 0, fmt.Errorf("read what has secrets: %w", err)
	}
	for k, item := range items {
		for _, attribute := range []string{attrSecret, attrVerifier} {
			did, err := secret.ResealAttribute(ctx, s.table, ring, k, item, attribute, purpose(k, attribute))
			if err != nil {
				return resealed, err
			}
			if did {
				resealed++
			}
		}
	}
	return resealed, nil
}

func (p resealPlace) text() string {
	text, _ := json.Marshal(p) // strings and a number: never fails
	return string(text)
}
