package directory

import (
	"context"
	"fmt"

	"mandate/shared/secret"
	"mandate/shared/store"
)

// resealPage is how many credentials one step of a rotation looks at.
const resealPage = 50

// Reseal looks at some credentials after a place in their list ("" is its beginning) and
// seals anew the blobs that another key than the ring's own sealed. It returns the place
// where to go on, "" at the end, and how many there were.
func (d *Directory) Reseal(ctx context.Context, ring *secret.Ring, after string) (next string, resealed int, err error) {
	r := store.Partition(store.CredentialList(""))
	r.After, r.Limit = after, resealPage
	page, err := d.table.Query(ctx, r)
	if err != nil {
		return "", 0, fmt.Errorf("list credentials: %w", err)
	}
	if len(page.Entries) == 0 {
		return page.Next, 0, nil
	}
	var keys []store.Key
	for _, e := range page.Entries {
		keys = append(keys, store.Credential(e.Item.Str(attrID)))
	}
	items, err := d.table.Read(ctx, keys...)
	if err != nil {
		return "", 0, fmt.Errorf("read credentials: %w", err)
	}
	for k, item := range items {
		did, err := secret.ResealAttribute(ctx, d.table, ring, k, item, attrBlob, credentialPurpose(item.Str(attrID)))
		if err != nil {
			return "", 0, err
		}
		if did {
			resealed++
		}
	}
	return page.Next, resealed, nil
}
