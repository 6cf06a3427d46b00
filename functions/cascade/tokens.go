package cascade

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mandate/shared/store"
	"mandate/shared/token"
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
	r := store.Range{Index: store.Index2, PK: partition}
	for {
		page, err := c.table.Query(ctx, r)
		if err != nil {
			return fmt.Errorf("list the tokens of %s: %w", partition, err)
		}
		if err := c.markPage(ctx, page.Entries); err != nil {
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

func (c *Cascade) markPage(ctx context.Context, rows []store.Entry) error {
	var group sync.WaitGroup
	free := make(chan struct{}, abreast)
	errs := make([]error, len(rows))
	for n, row := range rows {
		if row.Item.Bool(token.AttrDead) {
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

func (c *Cascade) mark(ctx context.Context, e store.Entry) error {
	row, err := token.RowFrom(e.Item)
	if err != nil {
		return fmt.Errorf("row %s: %w", e.Key, err)
	}
	kill := token.MarkDead(row.Audit, c.now()).Where(store.Absent(token.AttrDead))
	err = c.table.Write(ctx, store.NewRequestID(), kill)
	if _, refused := store.AsRefused(err); refused {
		return nil // gone, or marked by somebody else
	}
	if err != nil {
		return fmt.Errorf("mark token %s: %w", row.Audit, err)
	}
	return nil
}
