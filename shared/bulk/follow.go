package bulk

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"time"

	"mandate/shared/revocation"
)

// Told is a revocation event as GET /v3/OS-REVOKE/events?details=1 shows it.
type Told struct {
	revocation.Match
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	By        string    `json:"by,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	At        time.Time `json:"at"`
}

// Following is how a cloud's revocation events are read.
type Following struct {
	Since time.Time        // only events later than it; zero for all that are listed
	Once  bool             // stop at the end of the list
	Every time.Duration    // between two questions; a second when 0
	Tell  func(Told) error // is called once for each event; an error ends the following
	Lost  func(error)      // is called when the cloud did not answer, before it is asked again

	Answered func() // is called when it did; nil: nobody wants to know
}

// An event may be listed late, and then stands before some that were told: each time, the
// list is read again from a while before the last one, and what was told is left out. Most
// are listed within two seconds; for what was later, because the stream stood still, it is
// read from farther back once in a while.
const (
	lateness    = 3 * time.Second
	longAgo     = time.Minute
	longAgoEach = 60               // questions
	askAtLeast  = 30 * time.Second // while the cloud does not answer
	sinceLayout = "2006-01-02T15:04:05.000000Z"
)

// Follow reads the revocation events of a cloud until the context ends.
func Follow(ctx context.Context, c Cloud, client *http.Client, f Following) error {
	s, err := signIn(ctx, c, client)
	if err != nil {
		return err
	}
	if f.Every == 0 {
		f.Every = time.Second
	}
	told, newest, pause := map[string]time.Time{}, f.Since, f.Every
	var refused error
	answered := 0 // questions since the list was read from long ago
	for first := true; ; first = false {
		query := url.Values{"details": {"1"}}
		back := lateness
		if answered >= longAgoEach {
			back = longAgo
		}
		if !newest.IsZero() {
			query.Set("since", later(newest.Add(-back), f.Since).UTC().Format(sinceLayout))
			maps.DeleteFunc(told, func(_ string, at time.Time) bool { return at.Before(newest.Add(-longAgo)) })
		}
		err := each(ctx, s, "/OS-REVOKE/events", query, "events", func(e Told) error {
			if _, known := told[e.ID]; known {
				return nil
			}
			told[e.ID] = e.At
			if e.At.After(newest) {
				newest = e.At
			}
			refused = f.Tell(e)
			return refused
		})
		if answered++; err == nil && back == longAgo {
			answered = 0
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case refused != nil:
			return refused
		case f.Once || err != nil && first:
			return err
		case err != nil:
			f.Lost(err)
			pause = min(2*pause, askAtLeast)
		default:
			pause = f.Every
			if f.Answered != nil {
				f.Answered()
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
