package sweep

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Attributes of a job's item.
const (
	typeJob = "job"

	attrKills  = "ends"
	attrLate   = "late"
	attrCursor = "cursor"
	attrDue    = "due_at"   // microseconds since 1970
	attrMoved  = "moved_at" // microseconds since 1970
	attrWent   = "went"     // entries gone through
	attrFailed = "failed"   // steps that failed since it last moved
)

// A cursor says how far a job came.
type cursor struct {
	Kill, Walk int
	After      string // of the walk's page
}

func (c cursor) String() string { return fmt.Sprintf("%d/%d/%s", c.Kill, c.Walk, c.After) }

func cursorFrom(text string) (cursor, error) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 {
		return cursor{}, fmt.Errorf("cursor %q", text)
	}
	kill, err := strconv.Atoi(parts[0])
	if err != nil {
		return cursor{}, fmt.Errorf("cursor %q: %w", text, err)
	}
	w, err := strconv.Atoi(parts[1])
	if err != nil {
		return cursor{}, fmt.Errorf("cursor %q: %w", text, err)
	}
	return cursor{kill, w, parts[2]}, nil
}

// A job is a cascade, or several, on its way.
type job struct {
	kills []walk.Kill
	late  bool // goes through late lists again, from when it is due
	due   time.Time
	at    cursor
	moved time.Time
	went  int64
	fails int64
}

// what is the job in the words of its key.
func (j job) what() string {
	what := j.kills[0].String()
	if len(j.kills) > 1 {
		what += "+" + strconv.Itoa(len(j.kills)-1)
	}
	if j.late {
		what += " again"
	}
	return what
}

func (j job) key() store.Key { return store.Job(j.due.UnixMicro(), j.what()) }

// create keeps a job. One that is there already is the same.
func (s *Sweeper) create(ctx context.Context, j job) error {
	texts := make([]string, 0, len(j.kills))
	for _, k := range j.kills {
		texts = append(texts, k.String())
	}
	i := store.Item{
		store.AttrType: typeJob, attrKills: store.NewSet(texts...), attrLate: j.late, attrCursor: j.at.String(),
		attrDue: j.due.UnixMicro(), attrMoved: s.Now().UnixMicro(), attrWent: j.went,
	}
	err := s.Table.Write(ctx, store.NewRequestID(), store.Create(j.key(), i))
	if _, refused := store.AsRefused(err); refused {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keep job %s: %w", j.key(), err)
	}
	return nil
}

func jobFrom(i store.Item) (job, error) {
	j := job{
		late: i.Bool(attrLate), due: time.UnixMicro(i.Int(attrDue)), moved: time.UnixMicro(i.Int(attrMoved)),
		went: i.Int(attrWent), fails: i.Int(attrFailed),
	}
	for _, text := range i.Set(attrKills) {
		k, err := walk.Parse(text)
		if err != nil {
			return j, err
		}
		j.kills = append(j.kills, k)
	}
	if len(j.kills) == 0 {
		return j, fmt.Errorf("job about nothing")
	}
	var err error
	j.at, err = cursorFrom(i.Str(attrCursor))
	return j, err
}

// drive takes a job one step further from where it was seen, unless somebody else has.
func (s *Sweeper) drive(ctx context.Context, key store.Key, seen store.Item, b *Budget, tolerant bool) error {
	items, err := s.Table.Read(ctx, key)
	if err != nil {
		return fmt.Errorf("read job %s: %w", key, err)
	}
	if items[key] == nil || items[key].Str(attrCursor) != seen.Str(attrCursor) {
		return nil
	}
	j, err := jobFrom(items[key])
	if err != nil {
		return fmt.Errorf("read job %s: %w", key, err)
	}
	before, went := j.at, j.went
	done, failed := s.step(ctx, &j, b, tolerant)
	here := store.Equals(attrCursor, before.String())
	var m store.Mutation
	switch {
	case done:
		m = store.Delete(key).Where(here)
	case j.at != before:
		m = store.Update(key).Set(attrCursor, j.at.String()).Set(attrMoved, s.Now().UnixMicro()).Add(attrWent, j.went-went).
			Remove(attrFailed).Where(here)
	default:
		return failed
	}
	err = s.Table.Write(ctx, store.NewRequestID(), m)
	if _, refused := store.AsRefused(err); refused {
		return nil // somebody else was as quick
	}
	if err != nil {
		return fmt.Errorf("move job %s: %w", key, err)
	}
	told := int64(tellEach * s.bound())
	switch seconds := int(s.Now().Sub(j.due).Seconds()); {
	case done:
		s.Log.InfoContext(ctx, "sweep done", "what", j.what(), "entries", j.went, "seconds", seconds)
	case j.went/told != went/told:
		s.Log.InfoContext(ctx, "sweep goes on", "what", j.what(), "entries", j.went, "seconds", seconds)
	}
	return nil // what failed in between is tried again from there
}

// tellEach is after how many steps at their longest a job tells how far it is.
const tellEach = 10

// Stuck is how long a job may stand still before its next step is taken without the stream.
const Stuck = 5 * time.Minute

// patience is how often a page of a job is tried again without the stream before it is
// passed over; what is left there is found by the next reconciliation.
const patience = 3

// Due takes every job a step further that is due and has not moved of late: those for which
// a second pass has come, and those whose step was lost. It returns how many there were.
func (s *Sweeper) Due(ctx context.Context) (int, error) {
	count := 0
	r := store.JobsDue(s.Now().UnixMicro())
	for {
		p, err := s.Table.Query(ctx, r)
		if err != nil {
			return count, fmt.Errorf("list jobs: %w", err)
		}
		for _, e := range p.Entries {
			if e.Item.Str(store.AttrType) != typeJob {
				continue
			}
			j, err := jobFrom(e.Item)
			fresh := j.late && j.at == (cursor{}) && j.fails == 0
			if err == nil && !fresh && s.Now().Sub(j.moved) < Stuck {
				continue
			}
			count++
			err = cmp.Or(err, s.drive(ctx, e.Key, e.Item, NewBudget(s.bound()), j.fails >= patience))
			if ctx.Err() != nil {
				return count, ctx.Err()
			}
			if err != nil {
				s.Log.ErrorContext(ctx, "job", "what", e.Key.SK, "cause", err.Error())
				note := store.Update(e.Key).Add(attrFailed, 1).Set(attrMoved, s.Now().UnixMicro())
				if err := s.Table.Write(ctx, store.NewRequestID(), note); err != nil {
					return count, fmt.Errorf("note that job %s failed: %w", e.Key, err)
				}
			}
		}
		if p.Next == "" {
			return count, nil
		}
		r.After = p.Next
	}
}
