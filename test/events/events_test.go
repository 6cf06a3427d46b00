// Package events measures how late revocation events are on their list and told to who
// follows it, and shows that each is told exactly once, over HTTP and with the stream
// functions running as `mandate serve` runs them.
//
//	make events-lag
package events

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/bulk"
	"mandate/shared/local"
	"mandate/shared/revocation"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/test/service"
)

var (
	length = flag.Duration("length", 0, "how long to revoke; 0: a short run that measures nothing")
	rate   = flag.Int("rate", 100, "revocations a second")
)

// TestLag_T_114 revokes tokens and follows the events: each revocation is told once, by
// two events with ids of their own, however often the stream is read; with a length, 99 of
// 100 are on the list within 2 s after the acknowledgement. How late a follower is, who asks
// every second, is said beside it.
func TestLag_T_114(t *testing.T) {
	engine, err := embedded.Open(embedded.Options{Path: t.TempDir() + "/table.db"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	s := service.New(t, service.WithEngine(engine))
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	l, err := local.Serve(s.App)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for _, f := range l.Streams {
		running.Go(func() { assert.NoError(t, f.Poller(engine, slog.New(slog.DiscardHandler)).Run(ctx)) })
		if *length == 0 { // and everything a second time, by a reader that knows nothing of the first
			f.Reader += " again"
			running.Go(func() { assert.NoError(t, f.Poller(engine, slog.New(slog.DiscardHandler)).Run(ctx)) })
		}
	}

	count := 20
	if *length > 0 {
		count = int(length.Seconds()) * *rate
	}
	login := s.Login("admin", service.AdminPassword, nil)
	tokens := make([]string, count)
	for n := range tokens {
		tokens[n] = s.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", service.TokenAuth(login, nil)).Header.Get("X-Subject-Token")
	}
	audits := make([]string, count)
	for n := range tokens {
		audits[n] = s.Validate(tokens[n]).Member("token")["audit_ids"].([]any)[0].(string)
	}

	var mu sync.Mutex
	acknowledged, listed, seen := map[string]time.Time{}, map[string]time.Time{}, map[string]time.Time{}
	items, ids := map[string]int{}, map[string]int{}
	running.Go(func() {
		watch(ctx, t, engine, func(e revocation.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Match.AuditID != "" {
				listed[e.Match.AuditID] = time.Now()
				items[e.Match.AuditID]++
			}
		})
	})
	done := make(chan struct{})
	running.Go(func() {
		cloud := bulk.Cloud{AuthURL: server.URL, Username: "admin", Password: secret.New(service.AdminPassword), ProjectName: "admin"}
		assert.NoError(t, bulk.Follow(ctx, cloud, server.Client(), bulk.Following{
			Tell: func(e bulk.Told) error {
				mu.Lock()
				defer mu.Unlock()
				ids[e.ID]++
				if e.AuditID != "" {
					seen[e.AuditID] = time.Now()
				}
				if len(ids) == 2*count {
					close(done)
				}
				return nil
			},
			Lost: func(err error) { t.Error(err) },
		}))
	})
	tick := time.NewTicker(time.Second / time.Duration(*rate))
	defer tick.Stop()
	admin := s.Admin()
	var revoking sync.WaitGroup
	for n := range tokens {
		<-tick.C
		revoking.Go(func() {
			r := s.Do("DELETE", "/v3/auth/tokens", admin, nil, "X-Subject-Token", tokens[n])
			assert.Equal(t, http.StatusNoContent, r.Status)
			mu.Lock()
			defer mu.Unlock()
			acknowledged[audits[n]] = time.Now()
		})
	}
	revoking.Wait()
	select {
	case <-done:
	case <-time.After(time.Minute):
	}
	stop()
	running.Wait()
	assert.Len(t, ids, 2*count)
	for id, times := range ids {
		assert.Equal(t, 1, times, id)
	}
	require.Len(t, acknowledged, count)
	for audit := range acknowledged {
		assert.Equal(t, 1, items[audit], "events of one revocation")
	}
	const onTheList = "on the list"
	for what, when := range map[string]map[string]time.Time{onTheList: listed, "told to a follower that asks every second": seen} {
		var lags []time.Duration
		for audit, at := range acknowledged {
			if then, ok := when[audit]; assert.True(t, ok, "%s was never %s", audit, what) {
				lags = append(lags, then.Sub(at))
			}
		}
		if *length == 0 || len(lags) == 0 {
			continue
		}
		slices.Sort(lags)
		p50, p99 := lags[len(lags)/2], lags[len(lags)*99/100]
		t.Logf("%d revocations at %d a second, %s: p50 %v, p99 %v, at most %v after the acknowledgement", len(lags), *rate, what,
			p50.Round(time.Millisecond), p99.Round(time.Millisecond), lags[len(lags)-1].Round(time.Millisecond))
		if what == onTheList {
			assert.LessOrEqual(t, p99, 2*time.Second)
		}
	}
}

// watch calls a function for each event when its item can be read in the table, as the
// change log tells.
func watch(ctx context.Context, t *testing.T, log store.Log, listed func(revocation.Event)) {
	for at := ""; ; {
		changes, err := log.Changes(ctx, at, 1000)
		if err == nil && len(changes) == 0 {
			err = log.Wait(ctx, at)
		}
		if ctx.Err() != nil {
			return
		}
		if !assert.NoError(t, err) {
			return
		}
		for _, c := range changes {
			at = c.Position
			if c.Old == nil && c.New.Str(store.AttrType) == "event" {
				listed(revocation.From(c.New))
			}
		}
	}
}
