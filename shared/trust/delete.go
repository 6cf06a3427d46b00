package trust

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/retry"
)

// patience is how long a deletion goes on against conflicting writes: nobody may starve
// it by using the trust or redelegating it (design.md section 4, law 9).
const patience = 5 * time.Second

// Delete ends a trust by one acknowledged write: from then on it, all trusts made from it
// and all their tokens are dead, because each of them reads its item. The same
// transaction takes it out of every list, gives its claim back, and ends the
// pre-authentication that holds it (PA-042). It fails with NotFound when somebody else
// deleted it meanwhile.
func (s *Service) Delete(ctx context.Context, t Trust) error {
	gone, err := s.remove(ctx, t)
	if err == nil && gone {
		return problem.NotFound("trust", t.ID)
	}
	return err
}

// Remove is Delete for cascades: what is gone already is fine.
func (s *Service) Remove(ctx context.Context, t Trust) error {
	_, err := s.remove(ctx, t)
	return err
}

// remove deletes a trust with what belongs to it, and reports whether it was gone before.
// A mirror or claim that is not there, or not the trust's any more, is left out and the rest
// written again: nothing that merely lists a trust may keep it alive.
func (s *Service) remove(ctx context.Context, t Trust) (bool, error) {
	ctx = retry.Patient(ctx, patience)
	write := append(
		[]store.Mutation{store.Delete(store.Trust(t.ID)).Where(store.Equals(attrID, t.ID))}, s.belongings(t)...)
	for {
		err := s.table.Write(ctx, store.NewRequestID(), write...)
		if err == nil {
			return false, nil
		}
		refused, ok := store.AsRefused(err)
		if !ok {
			return false, fmt.Errorf("delete trust %s: %w", t.ID, err)
		}
		if refused.Key == store.Trust(t.ID) {
			return true, nil
		}
		write = slices.DeleteFunc(write, func(m store.Mutation) bool { return m.Key == refused.Key })
	}
}

// belongings are the deletions of what a trust has besides its own item.
func (s *Service) belongings(t Trust) []store.Mutation {
	var write []store.Mutation
	for _, k := range t.mirrors() {
		write = append(write, store.Delete(k))
	}
	if k, ok := t.claim(); ok {
		write = append(write, store.Delete(k).Where(store.Equals(attrOwner, t.ID)))
	}
	if t.PreauthID != "" {
		for _, k := range t.handles() {
			write = append(write, store.Delete(k).Where(store.Equals(attrTrust, t.ID)))
		}
	}
	return write
}
