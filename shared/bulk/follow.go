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
	Tell  func(Told) error // is called once for each event; an error ends the following
	Lost  func(error)      // is called when the cloud did not answer, before it is asked again
}

// An event may be listed late, and then stands before some that were told: each time, the
// list is read again from a while before the last one, and what was told is left out.
const (
	lateness    = time.Minute
	askEvery    = time.Second
	askAtLeast  = 30 * time.Second // while the cloud does not answer
	sinceLayout = "2006-01-02T15:04:05.000000Z"
)

// Follow reads the revocation events of a cloud until the context ends.
func Follow(ctx context.Context, c Cloud, client *http.Client, f Following) error {
	s, err := signIn(ctx, c, client)
	if err != nil {
		return err
	}
	told, newest, pause := map[string]time.Time{}, f.Since, askEvery
	var refused error
	for first := true; ; first = false {
		query := url.Values{"details": {"1"}}
		if from := newest.Add(-lateness); !newest.IsZero() {
			if from.Before(f.Since) {
				from = f.Since
			}
			query.Set("since", from.UTC().Format(sinceLayout))
			maps.DeleteFunc(told, func(_ string, at time.Time) bool { return at.Before(from) })
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
			pause = askEvery
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
