package trust

import (
	"context"
	"fmt"

	"mandate/shared/store"
)

// Deleted does what follows from a trust's deletion: trusts redelegated from it are deleted,
// each a change of its own whose consequences follow in turn (TR-080, TR-081), and whatever
// still lists the trust is removed. All of it is dead by the reads already; this only
// tidies and lets each end be told. It may be repeated, and goes on where it stopped.
func (s *Service) Deleted(ctx context.Context, t Trust) error {
	children := store.Prefixed(store.TrustChild(t.ID, ""))
	for {
		page, err := s.table.Query(ctx, children)
		if err != nil {
			return fmt.Errorf("list the children of trust %s: %w", t.ID, err)
		}
		for _, e := range page.Entries {
			if err := s.orphan(ctx, t, From(e.Item), e.Key); err != nil {
				return err
			}
		}
		if page.Next == "" {
			break
		}
		children.After = page.Next
	}
	return s.tidy(ctx, t)
}

// orphan deletes a trust found in the list of its deleted parent, or, when it is gone
// already, its entry there.
func (s *Service) orphan(ctx context.Context, parent, listed Trust, entry store.Key) error {
	if listed.ParentID != parent.ID {
		return nil // the parent's 8 bytes are another trust's too
	}
	child := store.Trust(listed.ID)
	items, err := s.table.Read(ctx, child)
	if err != nil {
		return fmt.Errorf("read trust %s: %w", listed.ID, err)
	}
	if i := items[child]; i != nil && i.Str(attrID) == listed.ID {
		return s.Remove(ctx, From(i))
	}
	return s.discard(ctx, store.Delete(entry))
}

// tidy removes what a deleted trust left behind. An ordinary deletion leaves nothing.
func (s *Service) tidy(ctx context.Context, t Trust) error {
	left := s.belongings(t)
	keys := make([]store.Key, 0, len(left))
	for _, m := range left {
		keys = append(keys, m.Key)
	}
	items, err := s.table.Read(ctx, keys...)
	if err != nil {
		return fmt.Errorf("read what trust %s left: %w", t.ID, err)
	}
	for _, m := range left {
		if items[m.Key] == nil {
			continue
		}
		if err := s.discard(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// discard makes one deletion; what is gone or another's by now is left alone.
func (s *Service) discard(ctx context.Context, m store.Mutation) error {
	err := s.table.Write(ctx, store.NewRequestID(), m)
	if _, refused := store.AsRefused(err); refused {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", m.Key, err)
	}
	return nil
}

// WasDeleted reports whether a change deleted a trust, and which. What TTL removed had
// expired before.
func WasDeleted(c store.Change) (Trust, bool) {
	if c.New != nil || c.Expired || c.Old.Str(store.AttrType) != typeTrust {
		return Trust{}, false
	}
	return From(c.Old), true
}
