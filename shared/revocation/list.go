package revocation

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Log is the list of events in the table.
type Log struct {
	table  store.Table
	now    func() time.Time
	recent time.Duration
}

// Events stay on the list as long as a token that they could end may be alive, and
// Keystone's half an hour longer (T-117). However long tokens live, it goes back no
// farther than farthest, so that a page never costs more than the hours of that.
const (
	longer   = 30 * time.Minute
	farthest = 48 * time.Hour
	margin   = time.Hour       // until TTL takes away what is no longer listed
	skew     = 5 * time.Minute // clocks differ by less
)

// NewLog is the list over a table, for tokens that live so long.
func NewLog(t store.Table, now func() time.Time, life time.Duration) *Log {
	return &Log{t, now, min(life+longer, farthest)}
}

// Add puts an event on the list; one that is there stays as it is.
func (l *Log) Add(ctx context.Context, e Event) error {
	err := l.table.Write(ctx, store.NewRequestID(), e.Creation(l.recent+margin))
	if _, there := store.AsRefused(err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("add event %s: %w", e.ID, err)
	}
	return nil
}

// Listing is one page of the list while it is being read.
type Listing struct {
	Since    time.Time // only events later than it
	Marker   string    // Marker of the last event of the page before, "" for the first page
	Limit    int
	Keystone bool // only those that Keystone lists

	events []Event
	read   bool
}

// Marker names the event as a place to go on after.
func (e Event) Marker() string { return strconv.FormatInt(e.RevokedAt.UnixMicro(), 10) + "-" + e.ID }

var markerForm = regexp.MustCompile(`^([1-9]\d{0,16})-([0-9a-f]{32})$`)

// List is a pass: events as they happened, and the marker of the next page, "" when there
// is none. It fails with NotFound when the marker is no event (C-062).
//
// An event is on the list within about two seconds after what it tells of, and stands
// there by when that happened. So one that is late may stand before one that was seen:
// whoever follows the list asks again for a while before what she has seen last.
func (l *Log) List(rs *store.ReadSet, g *Listing) (events []Event, next string, err error) {
	from := g.Since
	if oldest := l.now().Add(-l.recent); from.Before(oldest) {
		from = oldest
	}
	after := ""
	if g.Marker != "" {
		if from, after, err = placeOf(rs, g.Marker); err != nil {
			return nil, "", err
		}
	}
	if !g.read {
		rs.WantLoad("revocation events", func(ctx context.Context) (err error) {
			g.events, err = l.walk(ctx, from, after, g)
			g.read = err == nil
			return err
		})
		return nil, "", store.ErrPending
	}
	if len(g.events) > g.Limit {
		return g.events[:g.Limit], g.events[g.Limit-1].Marker(), nil
	}
	return g.events, "", nil
}

// placeOf is a pass: where a marker stands.
func placeOf(rs *store.ReadSet, marker string) (time.Time, string, error) {
	parts := markerForm.FindStringSubmatch(marker)
	if parts == nil {
		return time.Time{}, "", problem.NotFound("event", marker)
	}
	micros, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return time.Time{}, "", problem.NotFound("event", marker)
	}
	at := time.UnixMicro(micros).UTC()
	i, err := rs.Get(store.Event(at, parts[2]))
	if err == nil && i == nil {
		err = problem.NotFound("event", marker)
	}
	return at, store.EventPlace(at, parts[2]), err
}

// abreast is how many hours are read side by side, each by its shards. Reading ends with
// the hour that fills the page.
const abreast = 3

func (l *Log) walk(ctx context.Context, from time.Time, after string, g *Listing) ([]Event, error) {
	if after == "" {
		after = store.EventPlace(from, "~") // behind every event of that instant
	}
	var found []Event
	end := l.now().Add(skew)
	for hour := from.UTC().Truncate(time.Hour); hour.Before(end) && len(found) <= g.Limit; hour = hour.Add(abreast * time.Hour) {
		var group sync.WaitGroup
		var parts [abreast * store.EventShards][]Event
		var errs [abreast * store.EventShards]error
		for n := range parts {
			of := hour.Add(time.Duration(n/store.EventShards) * time.Hour)
			if !of.Before(end) {
				break
			}
			r := store.EventHour(of, n%store.EventShards)
			r.From, r.Limit = after, min(g.Limit+2, store.MaxPageItems)
			group.Go(func() { parts[n], errs[n] = l.shard(ctx, r, after, g) })
		}
		group.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		found = append(found, slices.SortedFunc(slices.Values(slices.Concat(parts[:]...)), Compare)...)
	}
	return found, nil
}

// shard reads one shard of an hour, up to one event more than a page has.
func (l *Log) shard(ctx context.Context, r store.Range, after string, g *Listing) (found []Event, err error) {
	for len(found) <= g.Limit {
		page, err := l.table.Query(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		for _, entry := range page.Entries {
			e := From(entry.Item)
			if e.Place() > after && (!g.Keystone || e.Type.Keystone()) {
				found = append(found, e)
			}
		}
		if page.Next == "" {
			break
		}
		r.After = page.Next
	}
	return found, nil
}
