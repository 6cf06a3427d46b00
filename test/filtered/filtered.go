// Package filtered holds what the stream functions are not given, by the FilterCriteria of
// template.yaml, to be what they would do nothing with.
package filtered

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/gateway"
	"mandate/shared/local"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// Counts are of one function, over what it was given here.
type Counts struct {
	Dropped, Acted int
	Kinds          map[string]bool // what it acted on: "INSERT job"
}

// Check gives every change to every stream function, one at a time and whatever the filter
// says, over a table in which nothing is but who deleted what. A function acts on a change
// when it reads or writes anything else, or says anything. It must not act on one that the
// filter drops. Beside each change, its images are given as created, removed and expired.
func Check(t testing.TB, history store.Table, changes []store.Change) map[string]Counts {
	t.Helper()
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	w := &witness{Table: engine, history: history}
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	a, err := app.New(t.Context(), app.Parts{Config: settings, Table: w, Wrapper: key, Log: slog.New(w)})
	require.NoError(t, err)
	service, err := local.Serve(a)
	require.NoError(t, err)
	require.Len(t, service.Streams, 2)

	all := map[string]Counts{}
	for _, f := range service.Streams {
		counts := Counts{Kinds: map[string]bool{}}
		for _, c := range variants(changes) {
			payload, err := json.Marshal(events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{gateway.ToRecord(c)}})
			require.NoError(t, err)
			before := w.acts.Load()
			_, err = f.Function.Invoke(t.Context(), payload)
			require.NoError(t, err)
			acted, wanted := w.acts.Load() > before, local.Wanted(f.Settings.Filter, c)
			assert.False(t, acted && !wanted, "%s acts on %s of %s, which its filter drops", f.Reader, gateway.EventName(c), c.Key)
			if acted {
				counts.Acted++
				counts.Kinds[gateway.EventName(c)+" "+kind(c)] = true
			}
			if !wanted {
				counts.Dropped++
			}
		}
		all[f.Reader] = counts
	}
	return all
}

func kind(c store.Change) string {
	if c.New != nil {
		return c.New.Str(store.AttrType)
	}
	return c.Old.Str(store.AttrType)
}

// variants are all changes as they were, and of each kind of item that comes by the first
// few images as if they had just been created, removed, or removed by TTL.
func variants(changes []store.Change) []store.Change {
	const few = 20
	var all []store.Change
	seen := map[string]int{}
	for _, c := range changes {
		all = append(all, c)
		for _, i := range []store.Item{c.Old, c.New} {
			kind := i.Str(store.AttrType)
			if i.Bool("dead") || i.Bool("chain_dead") {
				kind += ", dead"
			}
			if i == nil || seen[kind] == few {
				continue
			}
			seen[kind]++
			created, removed := c, c
			created.Old, created.New, created.Expired = nil, i, false
			removed.Old, removed.New, removed.Expired = i, nil, false
			expired := removed
			expired.Expired = true
			all = append(all, created, removed, expired)
		}
	}
	return all
}

// witness is the table and the log of functions, and counts what they do.
type witness struct {
	store.Table
	history store.Table // knows who deleted what
	acts    atomic.Int64
}

// Read is no act when it asks only who deleted something.
func (w *witness) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	for _, k := range keys {
		if !strings.HasPrefix(k.PK, store.Author(store.Key{}).PK) {
			w.acts.Add(1)
			return w.Table.Read(ctx, keys...)
		}
	}
	return w.history.Read(ctx, keys...)
}

func (w *witness) Query(ctx context.Context, r store.Range) (store.Page, error) {
	w.acts.Add(1)
	return w.Table.Query(ctx, r)
}

func (w *witness) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	w.acts.Add(1)
	return w.Table.Write(ctx, id, m...)
}

func (*witness) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (w *witness) Handle(context.Context, slog.Record) error { w.acts.Add(1); return nil }

// WithAttrs implements [slog.Handler].
func (w *witness) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements [slog.Handler].
func (w *witness) WithGroup(string) slog.Handler { return w }
