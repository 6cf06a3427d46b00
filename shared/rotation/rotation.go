// Package rotation replaces the key that seals, in steps that may each be repeated, come
// from several processes at once, and be cut off anywhere: where a rotation stands is in
// the keyset's item, and every step is one write with the condition that it still stands
// there.
//
//	add      a new key is in the ring, and opens, but seals nothing
//	         …Known: every process that opens has it, or will look for it
//	promote  it seals from now on
//	         …Settled: no process seals with the former one any more
//	reseal   what is kept for longer than a token lives is sealed anew, page by page, until
//	         a whole walk finds nothing that another key sealed
//	retire   after the longest life of a token, the allow_expired window and an hour, the
//	         former key leaves the ring
package rotation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"mandate/shared/secret"
	"mandate/shared/store"
)

const (
	// Known is how long a new key stays in the ring before it seals. A process without it
	// reads the keyset again when it meets what the key sealed, and can wait that long for
	// the KMS that unwraps it.
	Known = time.Hour

	// Settled is how long after a promotion the former key may still seal somewhere:
	// secret.SealFor, and the longest that a function may take, 15 minutes.
	Settled = secret.SealFor + 15*time.Minute
)

// A Walk finds everything of one kind that is sealed for longer than a token lives.
type Walk interface {
	// Reseal looks at a bounded part after a place ("" is the beginning), and seals anew what
	// another key than the ring's own sealed. It returns the next place, "" at the end, and
	// how many it sealed anew.
	Reseal(ctx context.Context, ring *secret.Ring, after string) (next string, resealed int, err error)
}

// Options are a Rotation's parts.
type Options struct {
	Table  store.Table
	Rings  *secret.Rings
	Walks  []Named
	Now    func() time.Time
	Period time.Duration // how long a key seals before another follows; 0: until it is told
	Life   time.Duration // of a token at most, from its issue to the end of the allow_expired window
	Log    *slog.Logger
}

// Named is a walk under the name that it has in the keyset's item.
type Named struct {
	Name string
	Walk Walk
}

// Rotation makes rotations.
type Rotation struct{ o Options }

// New makes a Rotation.
func New(o Options) *Rotation { return &Rotation{o} }

// Attribute names of the keyset's item, besides those of shared/secret. Times are in
// microseconds since 1970, keys are their ids.
const (
	attrPending      = "pending"
	attrPendingSince = "pending_since"
	attrFormer       = "former"
	attrFormerSince  = "former_since" // it no longer seals
	attrFormerLife   = "former_life"  // seconds: what it sealed lives at most so long
	attrWalk         = "walk"         // where the walk over all sealed texts is; absent: not begun
	attrFound        = "found"        // how many this walk sealed anew
	attrClean        = "clean"        // a whole walk found nothing
)

// Step is what one step did.
type Step struct {
	Did  string    // "" when there was nothing to do
	Next time.Time // when there will be; zero: at once, if something was done, or never
}

// errOvertaken says that another process made the step.
var errOvertaken = errors.New("another process moved the rotation on")

// Run makes steps until there is nothing to do now, and says when there will be. With
// begin, a rotation begins even when none is due; one under way only goes on. Cut off by
// the context, it leaves the rest to the next run.
func (r *Rotation) Run(ctx context.Context, begin bool) (done []string, next time.Time, err error) {
	overtaken := 0
	for {
		s, err := r.Step(ctx, begin)
		switch {
		case errors.Is(err, errOvertaken) && overtaken < 10:
			overtaken++
			continue
		case err != nil:
			return done, time.Time{}, err
		case s.Did == "":
			return done, s.Next, nil
		}
		begin = false
		done = append(done, s.Did)
		r.o.Log.InfoContext(ctx, "rotation", "did", s.Did)
	}
}

// Step makes one step if one is due.
func (r *Rotation) Step(ctx context.Context, begin bool) (Step, error) {
	ring, item, err := r.o.Rings.Look(ctx)
	if err != nil {
		return Step{}, fmt.Errorf("rotate: %w", err)
	}
	now := r.o.Now()
	since := func(name string) time.Time { return time.UnixMicro(item.Int(name)) }
	switch {
	case item.Has(attrPending):
		if due := since(attrPendingSince).Add(Known); now.Before(due) {
			return Step{Next: due}, nil
		}
		return r.promote(ctx, ring, uint32(item.Int(attrPending))) //nolint:gosec // G115: written from a uint32
	case item.Has(attrFormer):
		if due := since(attrFormerSince).Add(Settled); now.Before(due) {
			return Step{Next: due}, nil
		}
		if !item.Bool(attrClean) {
			return r.reseal(ctx, ring, item)
		}
		life := max(time.Duration(item.Int(attrFormerLife))*time.Second, r.o.Life)
		if due := since(attrFormerSince).Add(life + Settled); now.Before(due) {
			return Step{Next: due}, nil
		}
		return r.retire(ctx, ring, uint32(item.Int(attrFormer))) //nolint:gosec // G115: as above
	case !item.Has(secret.AttrSealsSince): // made before there were rotations
		return r.write(ctx, "noted since when the key seals", store.Update(store.Keyset()).
			Set(secret.AttrSealsSince, now.UnixMicro()).Where(store.Absent(secret.AttrSealsSince)))
	}
	due := since(secret.AttrSealsSince).Add(r.o.Period)
	switch {
	case begin || r.o.Period > 0 && !now.Before(due):
		return r.add(ctx, ring)
	case r.o.Period == 0:
		return Step{}, nil
	}
	return Step{Next: due}, nil
}

func (r *Rotation) add(ctx context.Context, ring *secret.Ring) (Step, error) {
	next, id, err := ring.Add()
	if err != nil {
		return Step{}, err
	}
	m, err := r.o.Rings.Replacement(ctx, next)
	if err != nil {
		return Step{}, err
	}
	return r.write(ctx, fmt.Sprintf("added key %08x", id),
		m.Set(attrPending, int64(id)).Set(attrPendingSince, r.o.Now().UnixMicro()))
}

func (r *Rotation) promote(ctx context.Context, ring *secret.Ring, id uint32) (Step, error) {
	next, err := ring.Promote(id)
	if err != nil {
		return Step{}, err
	}
	m, err := r.o.Rings.Replacement(ctx, next)
	if err != nil {
		return Step{}, err
	}
	now := r.o.Now().UnixMicro()
	return r.write(ctx, fmt.Sprintf("promoted key %08x; key %08x no longer seals", id, ring.Primary()),
		m.Remove(attrPending).Remove(attrPendingSince).Set(secret.AttrSealsSince, now).
			Set(attrFormer, int64(ring.Primary())).Set(attrFormerSince, now).Set(attrFormerLife, int64(r.o.Life/time.Second)))
}

// reseal takes one page of the walk. The place is written after the page was done, so that
// a step which is cut off is made again; done twice, the second finds nothing.
func (r *Rotation) reseal(ctx context.Context, ring *secret.Ring, item store.Item) (Step, error) {
	name, after, _ := strings.Cut(item.Str(attrWalk), " ")
	at := 0
	for i, w := range r.o.Walks {
		if w.Name == name {
			at = i
		}
	}
	if r.o.Walks[at].Name != name {
		after = "" // not begun, or the walk is called otherwise now
	}
	next, n, err := r.o.Walks[at].Walk.Reseal(ctx, ring, after)
	if err != nil {
		return Step{}, fmt.Errorf("seal %s anew: %w", r.o.Walks[at].Name, err)
	}
	did := fmt.Sprintf("sealed %d of %s anew", n, r.o.Walks[at].Name)
	m := store.Update(store.Keyset()).Where(store.Equals("version", ring.Version()), was(attrWalk, item))
	found := item.Int(attrFound) + int64(n)
	switch {
	case next != "":
		m = m.Set(attrWalk, r.o.Walks[at].Name+" "+next).Set(attrFound, found)
	case at+1 < len(r.o.Walks):
		m = m.Set(attrWalk, r.o.Walks[at+1].Name+" ").Set(attrFound, found)
	case found > 0: // look again whether that was all
		m = m.Remove(attrWalk).Set(attrFound, int64(0))
	default:
		m = m.Remove(attrWalk).Remove(attrFound).Set(attrClean, true)
		did += "; nothing is sealed by the former key"
	}
	return r.write(ctx, did, m)
}

func (r *Rotation) retire(ctx context.Context, ring *secret.Ring, id uint32) (Step, error) {
	next, err := ring.Retire(id)
	if err != nil {
		return Step{}, err
	}
	m, err := r.o.Rings.Replacement(ctx, next)
	if err != nil {
		return Step{}, err
	}
	return r.write(ctx, fmt.Sprintf("retired key %08x", id),
		m.Remove(attrFormer).Remove(attrFormerSince).Remove(attrFormerLife).Remove(attrClean).
			Where(store.Equals(attrFormer, int64(id)), store.Equals(attrClean, true)))
}

// was is the condition that an attribute is as it was read.
func was(name string, item store.Item) store.Condition {
	if !item.Has(name) {
		return store.Absent(name)
	}
	return store.Equals(name, item[name])
}

func (r *Rotation) write(ctx context.Context, did string, m store.Mutation) (Step, error) {
	id := store.NewRequestID()
	err := r.o.Table.Write(ctx, id, m)
	if refused, ok := store.AsRefused(err); ok {
		if refused.Item.Str(store.AttrRequest) != string(id) { // its own first success is one
			return Step{}, errOvertaken
		}
		err = nil
	}
	if err != nil {
		return Step{}, fmt.Errorf("rotate, when it had %s: %w", did, err)
	}
	return Step{Did: did}, nil
}
