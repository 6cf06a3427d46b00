package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"mandate/shared/store"
)

// maxGroup is how many waiting writes share a commit: enough to hide the cost of the
// fsync, few enough that none waits long for the others.
const maxGroup = 256

// A job is something that the writer does within a group.
type job struct {
	ctx   context.Context
	apply func(*group) error
	done  chan error // receives one result, after the commit
}

// Write implements [store.Table].
func (t *Table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	if err := store.CheckWrite(id, m); err != nil {
		return err
	}
	sum, err := digest(m)
	if err != nil {
		return fmt.Errorf("digest of write %s: %w", id, err)
	}
	return t.submit(ctx, func(g *group) error { return g.write(id, sum, m) })
}

// submit has the writer apply a job. When the context ends first, the job may still
// happen; one that has not begun by then does not.
func (t *Table) submit(ctx context.Context, apply func(*group) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	j := &job{ctx: ctx, apply: apply, done: make(chan error, 1)}
	select {
	case <-t.quit:
		return unavailable(errClosed)
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case t.jobs <- j:
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-t.stopped:
	}
	select { // the last group may have had it
	case err := <-j.done:
		return err
	default:
		return unavailable(errClosed)
	}
}

// writeGroups is the writer.
func (t *Table) writeGroups() {
	defer close(t.stopped)
	var broken error
	jobs := make([]*job, 0, maxGroup)
	for {
		select {
		case <-t.quit:
			return
		case j := <-t.jobs:
			jobs = append(jobs[:0], j)
		}
		// Those who have just heard of the last group may be about to write again. Letting
		// them run first makes a group of 64 writers a quarter larger (measured).
		runtime.Gosched()
		for len(jobs) < maxGroup && len(t.jobs) > 0 {
			jobs = append(jobs, <-t.jobs)
		}
		results := make([]error, len(jobs))
		if broken == nil {
			broken = t.writeGroup(jobs, results)
		}
		for i, j := range jobs {
			if broken != nil {
				results[i] = unavailable(broken)
			}
			j.done <- results[i]
		}
	}
}

// writeGroup applies jobs in one transaction and fills in their results, which count only
// when it returns nil: a refusal, too, may rest on a neighbour's write. After an error
// nothing may be written any more until the file is opened again, because what a failed
// commit left in the file and in the system's buffers is not known.
func (t *Table) writeGroup(jobs []*job, results []error) error {
	tx, err := t.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing and says so
	g := t.newGroup(tx)
	err = recovering(func() error {
		for i, j := range jobs {
			if err := j.ctx.Err(); err != nil {
				results[i] = unavailable(err)
				continue
			}
			yield()
			err := j.apply(g)
			if _, refused := store.AsRefused(err); err != nil && !refused && !errors.Is(err, store.ErrInvalid) {
				return fmt.Errorf("write: %w", err)
			}
			results[i] = err
		}
		if !g.changed {
			return nil
		}
		yield()
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	})
	if err == nil && g.last > 0 {
		t.last.Store(g.last)
		t.wake.ring()
	}
	return err
}
