package sweep

import (
	"context"
	"fmt"

	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
	"mandate/shared/walk"
)

// chainEnded reports whether a change revoked the root of a chain together with every
// token derived from it, and which root.
func chainEnded(c store.Change) (token.AuditID, bool) {
	if c.New == nil || !c.New.Bool(token.AttrChainDead) || c.Old.Bool(token.AttrChainDead) {
		return token.AuditID{}, false
	}
	row, err := token.RowFrom(c.New)
	return row.Audit, err == nil
}

// tokens are the lists of tokens that stood on something. All of them are on an index, and
// late: a row written just before the end may not be seen yet. It is dead nevertheless.
func (s *Sweeper) tokens(k walk.Kill) []walk.Walk {
	all := func(token.Row) bool { return true }
	switch k.Kind {
	case walk.Trust:
		return []walk.Walk{s.rows(store.Index2, store.ByTrust(k.ID), all)}
	case walk.Access:
		return []walk.Walk{s.rows(store.Index2, store.ByAccess(k.ID), all)}
	case walk.Chain:
		return []walk.Walk{s.rows(store.Index2, store.ByChain(k.ID), all)}
	case walk.Trustor:
		return []walk.Walk{s.rows(store.Index2, store.ByTrust(k.ID), func(r token.Row) bool { return r.TrustorEpoch < k.Epoch })}
	case walk.User, walk.Epoch:
		walks := []walk.Walk{s.rows(store.Index1, store.ByUser(k.ID), func(r token.Row) bool { return r.Epoch < k.Epoch })}
		if k.Kind == walk.Epoch { // a deleted user's trusts are deleted, and their tokens with them
			walks = append(walks, s.given(k))
		}
		return walks
	}
	return nil
}

// rows marks token rows of a list as dead.
func (s *Sweeper) rows(index store.Index, pk string, which func(token.Row) bool) walk.Walk {
	live := func(e store.Entry) (token.Row, bool, error) {
		row, err := token.RowFrom(e.Item)
		return row, err == nil && !row.Dead && which(row), err
	}
	return walk.Walk{
		Range: store.Range{Index: index, PK: pk},
		Each: func(ctx context.Context, e store.Entry) error {
			row, live, err := live(e)
			if err != nil {
				return fmt.Errorf("row %s: %w", e.Key, err)
			}
			if !live {
				return nil
			}
			return s.mark(ctx, row)
		},
		Ends: func(e store.Entry) (walk.Kill, bool) {
			row, live, _ := live(e)
			return walk.Kill{Kind: walk.Token, ID: row.Audit.Hex()}, live && s.Now().Before(row.ExpiresAt)
		},
	}
}

// given goes to the tokens of the trusts that a user gave.
func (s *Sweeper) given(k walk.Kill) walk.Walk {
	of := func(e store.Entry) walk.Kill {
		return walk.Kill{Kind: walk.Trustor, ID: trust.From(e.Item).ID, Epoch: k.Epoch}
	}
	return walk.Walk{
		Range: store.Prefixed(store.TrustOfTrustor(k.ID, "")), InTurn: true, // each is a cascade of its own
		Each: func(ctx context.Context, e store.Entry) error { return s.Run(ctx, of(e), s.Now(), NewBudget(least)) },
		Ends: func(e store.Entry) (walk.Kill, bool) { return of(e), true },
	}
}

func (s *Sweeper) mark(ctx context.Context, row token.Row) error {
	kill := token.MarkDead(row.Audit, s.Now()).Where(store.Absent(token.AttrDead))
	err := s.Table.Write(ctx, store.NewRequestID(), kill)
	if _, refused := store.AsRefused(err); refused {
		return nil // gone, or marked by somebody else
	}
	if err != nil {
		return fmt.Errorf("mark token %s: %w", row.Audit, err)
	}
	return nil
}

// enlist puts a revoked token on the list of revoked tokens, where it stays until it
// would have expired.
func (s *Sweeper) enlist(ctx context.Context, t token.Revoked) error {
	if !s.Now().Before(t.ExpiresAt) {
		return nil
	}
	if err := s.Table.Write(ctx, store.NewRequestID(), t.Entry()); err != nil {
		return fmt.Errorf("enlist revoked token %s: %w", t.Audit, err)
	}
	return nil
}
