package trust

import (
	"context"
	"fmt"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Deleted does what follows from a trust's deletion: trusts redelegated from it are deleted,
// each a change of its own whose consequences follow in turn (TR-080, TR-081), and whatever
// still lists the trust is removed. All of it is dead by the reads already; this only
// tidies and lets each end be told. It may be repeated, and goes on where it stopped.
func (s *Service) Deleted(ctx context.Context, t Trust) error {
	if err := walk.Run(ctx, s.table, s.Walks(walk.Kill{Kind: walk.Trust, ID: t.ID})); err != nil {
		return err
	}
	return s.Tidy(ctx, t)
}

// Walks are the lists of trusts that stood on something that was deleted: those redelegated
// from a trust, those from and to a user, those about a project.
func (s *Service) Walks(k walk.Kill) []walk.Walk {
	listed := func(list store.Key, of func(Trust) bool) walk.Walk {
		return walk.Walk{
			Range: store.Prefixed(list),
			Each: func(ctx context.Context, e store.Entry) error {
				if t := From(e.Item); of(t) {
					return s.orphan(ctx, t, e.Key)
				}
				return nil
			},
			Ends: func(e store.Entry) (walk.Kill, bool) {
				t := From(e.Item)
				return walk.Kill{Kind: walk.Trust, ID: t.ID}, of(t)
			},
		}
	}
	switch k.Kind {
	case walk.Trust: // the key has 8 bytes of the id, which may be another trust's too
		return []walk.Walk{listed(store.TrustChild(k.ID, ""), func(t Trust) bool { return t.ParentID == k.ID })}
	case walk.User:
		return []walk.Walk{
			listed(store.TrustOfTrustor(k.ID, ""), func(Trust) bool { return true }),
			listed(store.TrustOfTrustee(k.ID, ""), func(t Trust) bool { return t.TrustorID != k.ID }),
		}
	case walk.Project:
		return []walk.Walk{listed(store.TrustOfProject(k.ID, ""), func(Trust) bool { return true })}
	}
	return nil
}

// orphan deletes a trust found in the list of what it stood on, or, when it is gone
// already, its entry there.
func (s *Service) orphan(ctx context.Context, listed Trust, entry store.Key) error {
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

// Tidy removes what a deleted trust left behind. An ordinary deletion leaves nothing.
func (s *Service) Tidy(ctx context.Context, t Trust) error {
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
