package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
	"mandate/shared/walk"
)

// typeReconciliation is the item of a reconciliation on its way, among the jobs.
const (
	typeReconciliation = "reconciliation"

	attrFixed = "fixed" // what was amiss
	attrSigns = "signs" // of domains that were off when it began
)

// pageRest is how long a reconciliation rests after each page, so that it never takes
// more than a part of what a table can do: at most ten pages of 1,000 items a second.
const pageRest = 100 * time.Millisecond

// ErrNoPages says that the table cannot be paged through.
var ErrNoPages = errors.New("the table cannot be paged through")

// Begin begins a reconciliation: a look at every item of the table, whether it still has
// what it stands on. There is one on its way at most.
func (s *Sweeper) Begin(ctx context.Context) error {
	_, signs, err := s.Directory.Signs(ctx)
	if err != nil {
		return fmt.Errorf("begin a reconciliation: %w", err)
	}
	i := store.Item{
		store.AttrType: typeReconciliation, attrCursor: "", attrDue: s.Now().UnixMicro(), attrMoved: s.Now().Add(-Stuck).UnixMicro(),
		attrWent: int64(0), attrFixed: int64(0), attrSigns: signs,
	}
	err = s.Table.Write(ctx, store.NewRequestID(), store.Create(reconciliation(), i))
	if _, refused := store.AsRefused(err); refused {
		return nil
	}
	if err != nil {
		return fmt.Errorf("begin a reconciliation: %w", err)
	}
	return nil
}

func reconciliation() store.Key { return store.Job(0, typeReconciliation) }

// Reconcile takes the reconciliation on its way further, if there is one, until it has
// ended or the time has come. What it finds it puts right at once; what is long becomes a
// job. It returns how much was amiss. Two at a time do no harm: the slower one stops.
func (s *Sweeper) Reconcile(ctx context.Context, until time.Time) (fixed int, err error) {
	key := reconciliation()
	items, err := s.Table.Read(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("read the reconciliation: %w", err)
	}
	i := items[key]
	switch {
	case i == nil:
		return 0, nil
	case s.Pages == nil:
		return 0, ErrNoPages
	}
	at := i.Str(attrCursor)
	for s.Now().Before(until) {
		p, err := s.Pages.Page(ctx, at, store.MaxPageItems)
		if err != nil {
			return fixed, fmt.Errorf("page through the table: %w", err)
		}
		n, err := s.check(ctx, p.Entries)
		fixed += n
		if err != nil {
			return fixed, fmt.Errorf("reconcile: %w", err)
		}
		here := store.Equals(attrCursor, at)
		if p.Next == "" {
			if err := s.end(ctx, i.Set(attrSigns)); err != nil {
				return fixed, fmt.Errorf("end the reconciliation: %w", err)
			}
			err = s.Table.Write(ctx, store.NewRequestID(), store.Delete(key).Where(here))
			s.Log.InfoContext(ctx, "reconciled", "items", i.Int(attrWent)+int64(len(p.Entries)), "amiss", i.Int(attrFixed)+int64(fixed))
			return fixed, s.unlessRefused(err)
		}
		err = s.Table.Write(ctx, store.NewRequestID(), store.Update(key).Where(here).Set(attrCursor, p.Next).
			Set(attrMoved, s.Now().UnixMicro()).Add(attrWent, int64(len(p.Entries))).Add(attrFixed, int64(n)))
		if _, refused := store.AsRefused(err); refused || err != nil {
			return fixed, s.unlessRefused(err)
		}
		i[attrWent] = i.Int(attrWent) + int64(len(p.Entries))
		at = p.Next
		if err := rest(ctx, pageRest); err != nil {
			return fixed, err
		}
	}
	return fixed, nil
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Sweeper) unlessRefused(err error) error {
	if _, refused := store.AsRefused(err); refused {
		return nil
	}
	return err
}

// check looks at a page of items and puts right what is amiss.
func (s *Sweeper) check(ctx context.Context, entries []store.Entry) (fixed int, err error) {
	checks := make([]walk.Check, 0, len(entries))
	var keys, more []store.Key
	for _, e := range entries {
		if c := s.checkOf(e); c.Amiss != nil {
			checks = append(checks, c)
			keys = append(keys, c.Needs...)
		}
	}
	found := store.Items{}
	if err := s.read(ctx, found, keys); err != nil {
		return 0, err
	}
	for _, c := range checks {
		if c.More != nil {
			more = append(more, c.More(found)...)
		}
	}
	if err := s.read(ctx, found, more); err != nil {
		return 0, err
	}
	var errs []error
	budget := NewBudget(s.bound())
	for _, c := range checks {
		fix := c.Amiss(found)
		if fix == nil {
			continue
		}
		fixed++
		k, err := fix(ctx)
		if err == nil && k != nil {
			err = s.Run(ctx, *k, s.Now(), budget)
		}
		errs = append(errs, err)
	}
	return fixed, errors.Join(errs...)
}

// read adds items to those found. What was read is not read again.
func (s *Sweeper) read(ctx context.Context, found store.Items, keys []store.Key) error {
	var batch []store.Key
	wanted := map[store.Key]bool{}
	flush := func() error {
		items, err := s.Table.Read(ctx, batch...)
		if err != nil {
			return fmt.Errorf("read what items stand on: %w", err)
		}
		maps.Copy(found, items)
		batch = batch[:0]
		return nil
	}
	for _, k := range keys {
		if _, ok := found[k]; ok || wanted[k] || !k.Storable() {
			continue
		}
		wanted[k] = true
		if batch = append(batch, k); len(batch) == store.MaxReadKeys {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}

func (s *Sweeper) checkOf(e store.Entry) walk.Check {
	if e.Item.Str(store.AttrType) == "token" {
		return s.checkToken(e)
	}
	for _, of := range []func(store.Entry) walk.Check{s.Trusts.Check, s.OAuth1.Check, s.Directory.Check} {
		if c := of(e); c.Amiss != nil {
			return c
		}
	}
	return walk.Check{}
}

// checkToken says what a row stands on. One that has expired is left to TTL.
func (s *Sweeper) checkToken(e store.Entry) walk.Check {
	row, err := token.RowFrom(e.Item)
	if err != nil || !s.Now().Before(row.ExpiresAt) {
		return walk.Check{}
	}
	if row.Dead {
		return s.checkRevoked(store.Change{Key: e.Key, New: e.Item})
	}
	user := store.User(row.UserID)
	keys := []store.Key{user}
	var root, delegation store.Key
	if row.Derived() {
		root = store.Token(row.Root.Hex())
		keys = append(keys, root)
	}
	switch {
	case row.TrustID != "":
		delegation = store.Trust(row.TrustID)
		keys = append(keys, delegation)
	case row.AccessID != "":
		delegation = store.AccessToken(row.AccessID)
		keys = append(keys, delegation, store.Consumer(row.ConsumerID))
	}
	mark := walk.Do(func(ctx context.Context) error { return s.mark(ctx, row) })
	trustor := func(found store.Items) store.Key { return store.User(trust.From(found[delegation]).TrustorID) }
	c := walk.Check{Needs: keys, Amiss: func(found store.Items) walk.Fix {
		switch {
		case found[user] == nil, found[user].Int(directory.AttrEpoch) > row.Epoch,
			row.Derived() && found[root].Bool(token.AttrChainDead),
			row.AccessID != "" && (found[delegation] == nil || found[store.Consumer(row.ConsumerID)] == nil),
			row.TrustID != "" && trust.From(found[delegation]).ID != row.TrustID,
			row.TrustID != "" && found[trustor(found)].Int(directory.AttrEpoch) > row.TrustorEpoch:
			return mark
		}
		return nil
	}}
	if row.TrustID != "" { // only the trust names its trustor
		c.More = func(found store.Items) []store.Key { return []store.Key{trustor(found)} }
	}
	return c
}

// checkRevoked sees that a revoked token is on the list of them.
func (s *Sweeper) checkRevoked(c store.Change) walk.Check {
	r, ok := token.WasRevoked(c)
	if !ok {
		return walk.Check{}
	}
	return walk.All(walk.Do(func(ctx context.Context) error { return s.enlist(ctx, r) }), r.Entry().Key)
}

// end does what needs the whole table to have been looked at: deleted groups and domains
// whose cascade was lost are swept, and their signs in the head taken down.
func (s *Sweeper) end(ctx context.Context, before store.Set) error {
	groups, domains, err := s.Directory.Signs(ctx)
	if err != nil {
		return err
	}
	for _, id := range groups {
		if err := s.Run(ctx, walk.Kill{Kind: walk.Group, ID: id}, s.Now(), NewBudget(s.bound())); err != nil {
			return err
		}
	}
	busy, err := s.busy(ctx)
	if err != nil || busy {
		return err
	}
	var still []string
	for _, sign := range domains {
		if before.Has(sign) {
			still = append(still, sign)
		}
	}
	return s.Directory.ForgetDomains(ctx, store.NewSet(still...))
}

// busy reports whether a domain is being swept, which takes down its sign itself.
func (s *Sweeper) busy(ctx context.Context) (bool, error) {
	r := store.JobsDue(s.Now().UnixMicro())
	for {
		p, err := s.Table.Query(ctx, r)
		if err != nil {
			return false, fmt.Errorf("list jobs: %w", err)
		}
		for _, e := range p.Entries {
			j, err := jobFrom(e.Item)
			if err == nil && !j.late && j.kills[0].Kind == walk.Domain {
				return true, nil
			}
		}
		if p.Next == "" {
			return false, nil
		}
		r.After = p.Next
	}
}
