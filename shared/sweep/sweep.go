// Package sweep turns the end of something, which is one write, into its consequences:
// what stood on it is marked, deleted, taken out of lists, each by a write of its own that
// may have consequences in turn (design.md section 6).
//
// Nothing waits for it. Whatever it takes away carries no authority from the moment of the
// end, because it reads the item that ended. So every step may be repeated, may come late,
// and may be lost: [Sweeper.Reconcile] finds what a lost step left behind.
//
// A cascade is a list of walks (shared/walk). It starts in place, in the batch of changes
// that brought the news. What is longer than that goes on as a job: an item whose cursor is
// moved by each step under the condition that it is where the step began. Moving it is a
// change of the table, which comes by here again and is the next step. So a million rows
// are swept in bounded steps without any other service, and a repeated batch cannot fork a
// job. Lists on an index may not show what was just written; they are gone through again
// [Later], by a job that only becomes due then.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
	"mandate/shared/walk"
)

// Bounds of a job's steps and of what is done side by side, in entries of lists.
const (
	least = 100 // of a job, however many are in its batch
	page  = 250 // entries read at once

	// inTurn is what an entry counts that is followed alone: the head that it moves is 16 writes,
	// and names what it ended until the stream's next batches have followed that. So a domain
	// with many groups takes more steps, and none is long.
	inTurn = store.HeadCopies
)

// Later is when lists on an index are gone through again.
const Later = 15 * time.Minute

// Options are what a Sweeper is made of.
type Options struct {
	Table     store.Table
	Pages     store.Pages // the same table; nil where it cannot be paged through
	Trusts    *trust.Service
	OAuth1    *oauth1.Service
	Directory *directory.Directory
	Tokens    *token.Service
	Now       func() time.Time
	Log       *slog.Logger

	// Bound is how many entries of lists one batch of changes goes through in place, and
	// one step of a job that is alone in its batch; 1000 when 0.
	Bound int
	// Abreast is how many entries are followed side by side; 16 when 0. In a process that
	// also answers requests it is what they leave of the processors.
	Abreast int
	// CountTo is where counting stops; 10,000 when 0.
	CountTo int
}

func (o Options) bound() int { return cmp.Or(o.Bound, 1000) }

// Sweeper follows ends.
type Sweeper struct {
	Options
	free chan struct{} // a place for each entry that is followed
}

// New makes a Sweeper.
func New(o Options) *Sweeper {
	o.Abreast = cmp.Or(o.Abreast, 16)
	return &Sweeper{o, make(chan struct{}, o.Abreast)}
}

// walks is the plan of a cascade: the lists of what stood on something.
func (s *Sweeper) walks(k walk.Kill) []walk.Walk {
	walks := s.tokens(k)
	walks = append(walks, s.Trusts.Walks(k)...)
	walks = append(walks, s.OAuth1.Walks(k)...)
	return append(walks, s.Directory.Walks(k)...)
}

// late is the part of the plan that is gone through again.
func (s *Sweeper) late(k walk.Kill) []walk.Walk {
	var late []walk.Walk
	for _, w := range s.walks(k) {
		if w.Then == nil && (w.Late() || k.Kind == walk.Epoch) {
			late = append(late, w)
		}
	}
	return late
}

// Run does what follows from an end: in place as far as the budget goes, which it lowers
// by what it took, then by a job. At is when it ended; a second run for the same end finds
// the job of the first.
func (s *Sweeper) Run(ctx context.Context, k walk.Kill, at time.Time, b *Budget) error {
	j := job{kills: []walk.Kill{k}, due: at}
	done, err := s.step(ctx, &j, b, false)
	if err != nil || done {
		return err
	}
	return s.create(ctx, j)
}

// A Budget is how many entries may still be gone through, by several at a time.
type Budget struct {
	mu   sync.Mutex
	left int
}

// NewBudget makes a budget of n entries.
func NewBudget(n int) *Budget { return &Budget{left: n} }

// take takes up to n entries and returns how many there were.
func (b *Budget) take(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = max(min(n, b.left), 0)
	b.left -= n
	return n
}

// rest is how many of n are left. Several may go for the same ones, and spend more
// together: a page each at most.
func (b *Budget) rest(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(min(n, b.left), 0)
}

func (b *Budget) spend(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= n
}

// step takes a job further until it is done or the budget is used up. When it fails, the
// job stands before the page that failed; a tolerant one passes over what fails.
func (s *Sweeper) step(ctx context.Context, j *job, b *Budget, tolerant bool) (done bool, err error) {
	for j.at.Kill < len(j.kills) {
		k := j.kills[j.at.Kill]
		walks := s.walks(k)
		if j.late {
			walks = s.late(k)
		}
		for j.at.Walk < len(walks) {
			w, price := walks[j.at.Walk], 1
			if w.InTurn {
				price = inTurn
			}
			limit := b.rest(page)
			if limit == 0 {
				return false, nil
			}
			went, next, err := s.walk(ctx, w, j.at.After, max(limit/price, 1))
			b.spend(max(went*price, 1)) // looking costs one, too
			if err != nil && (went == 0 || !tolerant || ctx.Err() != nil) {
				return false, fmt.Errorf("sweep %s: %w", k, err)
			}
			if err != nil {
				s.Log.ErrorContext(ctx, "sweep passed over", "what", k.String(), "cause", err.Error())
			}
			j.went += int64(went)
			if j.at.After = next; next == "" {
				j.at.Walk++
			}
		}
		j.at = cursor{Kill: j.at.Kill + 1}
	}
	return true, nil
}

// walk goes along one page of a walk and says where the next one begins.
func (s *Sweeper) walk(ctx context.Context, w walk.Walk, after string, limit int) (went int, next string, err error) {
	if w.Then != nil {
		return 1, "", w.Then(ctx)
	}
	r := w.Range
	r.After, r.Limit = after, limit
	p, err := s.Table.Query(ctx, r)
	if err != nil {
		return 0, after, fmt.Errorf("list %s: %w", r.PK, err)
	}
	return len(p.Entries), p.Next, s.each(ctx, w, p.Entries)
}

// each follows the entries of a page side by side, and all of them whatever fails.
func (s *Sweeper) each(ctx context.Context, w walk.Walk, entries []store.Entry) error {
	errs := make([]error, len(entries))
	if w.InTurn {
		for n, e := range entries {
			errs[n] = w.Each(ctx, e)
		}
		return errors.Join(errs...)
	}
	var group sync.WaitGroup
	for n, e := range entries {
		s.free <- struct{}{}
		group.Go(func() {
			defer func() { <-s.free }()
			errs[n] = w.Each(ctx, e)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
