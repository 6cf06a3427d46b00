package embedded

import (
	"context"
	"encoding/base64"
	"fmt"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

var _ store.Pages = (*Table)(nil)

// Page implements [store.Pages], in the order of keys. Each page is a snapshot of its own.
func (t *Table) Page(ctx context.Context, after string, limit int) (store.Page, error) {
	if limit < 1 || limit > store.MaxPageItems {
		return store.Page{}, fmt.Errorf("%w: page of %d items", store.ErrInvalid, limit)
	}
	low, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil {
		return store.Page{}, fmt.Errorf("%w: page after %q", store.ErrInvalid, after)
	}
	var page store.Page
	err = t.view(ctx, func(tx *bbolt.Tx) (err error) {
		page, err = cut(func(yield func(row, error) bool) {
			c := tx.Bucket(bucketItems).Cursor()
			k, v := c.Seek(low)
			if k != nil && len(low) > 0 && string(k) == string(low) {
				k, v = c.Next()
			}
			for ; k != nil; k, v = c.Next() {
				if !yield(t.row(k, k, v)) {
					return
				}
			}
		}, limit)
		return err
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("page after %q: %w", after, err)
	}
	return page, nil
}
