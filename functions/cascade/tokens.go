package cascade

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
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

// markAll marks the rows of one partition of index 2, the tokens of a trust or of a
// chain, as dead.
//
// The index is late: a row written just before the kill may not be seen here and then
// stays unmarked. It is dead nevertheless. A pass repeated 15 minutes later would find it.
func (c *Cascade) markAll(ctx context.Context, partition string) error {
	return c.markThose(ctx, store.Range{Index: store.Index2, PK: partition}, func(token.Row) bool { return true })
}

// markOfUser marks what stood on a user before her epoch was raised to this one: the
// tokens that she got, and those of trusts that she gave.
func (c *Cascade) markOfUser(ctx context.Context, userID string, epoch int64) error {
	own := c.markThose(ctx, store.Range{Index: store.Index1, PK: store.ByUser(userID)}, func(r token.Row) bool { return r.Epoch < epoch })
	r := store.Prefixed(store.TrustOfTrustor(userID, ""))
	for {
		page, err := c.table.Query(ctx, r)
		if err != nil {
			return errors.Join(own, fmt.Errorf("list the trusts of user %s: %w", userID, err))
		}
		for _, e := range page.Entries {
			given := store.Range{Index: store.Index2, PK: store.ByTrust(trust.From(e.Item).ID)}
			own = errors.Join(own, c.markThose(ctx, given, func(r token.Row) bool { return r.TrustorEpoch < epoch }))
		}
		if page.Next == "" {
			return own
		}
		r.After = page.Next
	}
}

// enlist puts a revoked token on the list of revoked tokens, where it stays until it
// would have expired.
func (c *Cascade) enlist(ctx context.Context, t token.Revoked) error {
	if !c.now().Before(t.ExpiresAt) {
		return nil
	}
	if err := c.table.Write(ctx, store.NewRequestID(), t.Entry()); err != nil {
		return fmt.Errorf("enlist revoked token %s: %w", t.Audit, err)
	}
	return nil
}

func (c *Cascade) markThose(ctx context.Context, r store.Range, which func(token.Row) bool) error {
	for {
		page, err := c.table.Query(ctx, r)
		if err != nil {
			return fmt.Errorf("list the tokens of %s: %w", r.PK, err)
		}
		if err := c.markPage(ctx, page.Entries, which); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		r.After = page.Next
	}
}

// abreast is how many rows are marked side by side. Each mark is a write of its own,
// because a row that is gone, or marked already, must not hold up the others.
const abreast = 16

func (c *Cascade) markPage(ctx context.Context, rows []store.Entry, which func(token.Row) bool) error {
	var group sync.WaitGroup
	free := make(chan struct{}, abreast)
	errs := make([]error, len(rows))
	for n, e := range rows {
		row, err := token.RowFrom(e.Item)
		if err != nil {
			return fmt.Errorf("row %s: %w", e.Key, err)
		}
		if row.Dead || !which(row) {
			continue
		}
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			errs[n] = c.mark(ctx, row)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (c *Cascade) mark(ctx context.Context, row token.Row) error {
	kill := token.MarkDead(row.Audit, c.now()).Where(store.Absent(token.AttrDead))
	err := c.table.Write(ctx, store.NewRequestID(), kill)
	if _, refused := store.AsRefused(err); refused {
		return nil // gone, or marked by somebody else
	}
	if err != nil {
		return fmt.Errorf("mark token %s: %w", row.Audit, err)
	}
	return nil
}
