package oauth1

import (
	"context"
	"fmt"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/retry"
)

// repeated answers a choice about a round that is over: with the verifier of the round that
// the same choice began, or with Conflict.
func (s *Service) repeated(ctx context.Context, rs *store.ReadSet, t RequestToken, userID string, roles store.Set, seen int64) (v secret.Text, err error) {
	if t.Round != seen+1 || t.UserID != userID || !slices.Equal(t.RoleIDs, roles) {
		return v, moved(t.ID)
	}
	k := store.RequestToken(t.ID)
	err = rs.Settle(ctx, func() error {
		i, err := rs.Get(k)
		if err == nil {
			v, err = s.open(rs, k, attrVerifier, i)
		}
		return err
	})
	return v, err
}

func moved(id string) error {
	return problem.Conflict("request token", "it was authorised meanwhile: "+id)
}

// Refuse ends a request token as its user was shown it: whatever verifier there is, it is
// good for nothing from then on. It fails with NotFound when the token is gone, and with
// Conflict when it was authorised since.
func (s *Service) Refuse(ctx context.Context, t RequestToken) error {
	ctx = retry.Patient(ctx, patience)
	k := store.RequestToken(t.ID)
	write := []store.Mutation{store.Delete(k).Where(store.Equals(attrRound, t.Round))}
	for _, m := range t.mirrors() {
		write = append(write, store.Delete(m))
	}
	for {
		err := s.table.Write(ctx, store.NewRequestID(), write...)
		refused, ok := store.AsRefused(err)
		switch {
		case err == nil:
			return nil
		case !ok:
			return fmt.Errorf("delete %s: %w", k, err)
		case refused.Key == k && refused.Item == nil:
			return problem.NotFound("request token", t.ID)
		case refused.Key == k:
			return moved(t.ID)
		}
		write = slices.Delete(write, refused.Index, refused.Index+1)
	}
}
