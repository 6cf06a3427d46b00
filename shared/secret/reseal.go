package secret

import (
	"context"
	"fmt"

	"mandate/shared/store"
)

// ResealAttribute seals one attribute of an item anew if another key than the one that
// seals now sealed it, and reports whether it did. It replaces what it has seen only: when
// the item changed meanwhile it looks again, and when it is gone there is nothing to do.
func ResealAttribute(ctx context.Context, table store.Table, ring *Ring, k store.Key, item store.Item, attribute string, associated []byte) (bool, error) {
	for range attempts {
		sealed := item.Bytes(attribute)
		anew, replaced, err := ring.Reseal(sealed, associated)
		if err != nil {
			return false, fmt.Errorf("seal %s of %s anew: %w", attribute, k, err)
		}
		if !replaced {
			return false, nil
		}
		err = table.Write(ctx, store.NewRequestID(), store.Update(k).Set(attribute, anew).Where(store.Equals(attribute, sealed)))
		refused, ok := store.AsRefused(err)
		if !ok {
			return err == nil, err
		}
		if item = refused.Item; item == nil {
			return false, nil
		}
	}
	return false, fmt.Errorf("seal %s of %s anew: %w", attribute, k, store.ErrContended)
}
