package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
	"mandate/shared/walk"
)

// Follow follows up a batch of changes and returns the positions of those that failed, to
// be given again. What TTL removed had ended before, and so had everything that hung on it:
// from that nothing follows.
func (s *Sweeper) Follow(ctx context.Context, changes []store.Change) (failed []string) {
	budget, jobs := NewBudget(s.bound()), NewBudget(s.bound())
	errs := make([]error, len(changes))
	ended := make([][]walk.Kill, len(changes))
	var group sync.WaitGroup
	free := make(chan struct{}, s.Abreast)
	for n, c := range changes {
		ended[n] = kills(c)
		if len(ended[n]) == 0 && !s.concerns(c) {
			continue
		}
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			errs[n] = s.follow(ctx, c, ended[n], budget, jobs)
		})
	}
	group.Wait()
	s.again(ctx, changes, ended, errs)
	for n, err := range errs {
		if err != nil && ctx.Err() != nil {
			return append(failed, changes[n].Position) // the process ends
		}
		if err != nil {
			s.Log.ErrorContext(ctx, "cascade", "position", changes[n].Position, "item", changes[n].Key.String(), "cause", err.Error())
			failed = append(failed, changes[n].Position)
		}
	}
	return failed
}

// kills are the ends that a change brings.
func kills(c store.Change) []walk.Kill {
	var all []walk.Kill
	add := func(k walk.Kill, ok bool) {
		if ok {
			all = append(all, k)
		}
	}
	if c.Expired {
		return nil
	}
	if t, ok := trust.WasDeleted(c); ok {
		add(walk.Kill{Kind: walk.Trust, ID: t.ID}, true)
	}
	if root, ok := chainEnded(c); ok {
		add(walk.Kill{Kind: walk.Chain, ID: root.Hex()}, true)
	}
	if id, epoch, ok := directory.EndedTokens(c); ok && c.New != nil {
		add(walk.Kill{Kind: walk.Epoch, ID: id, Epoch: epoch}, true)
	}
	add(oauth1.Ended(c))
	add(directory.Ended(c))
	return all
}

// concerns reports whether something else follows from a change.
func (s *Sweeper) concerns(c store.Change) bool {
	_, revoked := token.WasRevoked(c)
	return revoked || s.drives(c)
}

// drives reports whether a change moved, or made, a job that is to go on at once.
func (s *Sweeper) drives(c store.Change) bool {
	if c.New == nil || c.New.Str(store.AttrType) != typeJob {
		return false
	}
	return !c.New.Bool(attrLate) || c.Old != nil
}

func (s *Sweeper) follow(ctx context.Context, c store.Change, ended []walk.Kill, budget, jobs *Budget) error {
	if s.drives(c) {
		mine := jobs.take(s.bound())
		return s.drive(ctx, c.Key, c.New, NewBudget(max(mine, min(least, s.bound()))), false)
	}
	var errs []error
	if t, ok := trust.WasDeleted(c); ok {
		errs = append(errs, s.Trusts.Tidy(ctx, t))
	}
	if t, ok := token.WasRevoked(c); ok {
		errs = append(errs, s.enlist(ctx, t))
	}
	errs = append(errs, s.Directory.Depart(ctx, c))
	for _, k := range ended {
		errs = append(errs, s.Run(ctx, k, c.At, budget))
	}
	return errors.Join(errs...)
}

// again keeps a job that goes through the late lists of a batch's ends once more.
func (s *Sweeper) again(ctx context.Context, changes []store.Change, ended [][]walk.Kill, errs []error) {
	j := job{late: true}
	var whose []int
	for n, kills := range ended {
		for _, k := range kills {
			if len(s.late(k)) == 0 {
				continue
			}
			j.kills = append(j.kills, k)
			whose = append(whose, n)
			if due := changes[n].At.Add(Later); due.After(j.due) {
				j.due = due
			}
		}
	}
	if len(j.kills) == 0 {
		return
	}
	slices.SortFunc(j.kills, func(a, b walk.Kill) int { return strings.Compare(a.String(), b.String()) })
	j.kills = slices.Compact(j.kills)
	if err := s.create(ctx, j); err != nil {
		for _, n := range whose {
			errs[n] = errors.Join(errs[n], fmt.Errorf("pass again: %w", err))
		}
	}
}
