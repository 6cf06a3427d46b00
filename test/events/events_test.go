// Package events measures how late revocation events are told, and shows that each is told
// exactly once, over HTTP and with the stream functions running as `mandate serve` runs them.
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
	"mandate/shared/secret"
	"mandate/shared/store/embedded"
	"mandate/test/service"
)

var (
	length = flag.Duration("length", 0, "how long to revoke; 0: a short run that measures nothing")
	rate   = flag.Int("rate", 100, "revocations a second")
)

// TestLag_T_114 revokes tokens and follows the events: each revocation is told once, by
// two events with ids of their own, however often the stream is read; with a length,
// 99 of 100 within 2 s after the acknowledgement.
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
	acknowledged, seen, ids := map[string]time.Time{}, map[string]time.Time{}, map[string]int{}
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
	var lags []time.Duration
	for audit, at := range acknowledged {
		if when, ok := seen[audit]; assert.True(t, ok, audit) {
			lags = append(lags, when.Sub(at))
		}
	}
	slices.Sort(lags)
	if *length > 0 && len(lags) > 0 {
		p99 := lags[len(lags)*99/100]
		t.Logf("%d revocations at %d a second, told to a follower that asks every second: p50 %v, p99 %v after the acknowledgement",
			len(lags), *rate, lags[len(lags)/2].Round(time.Millisecond), p99.Round(time.Millisecond))
		assert.LessOrEqual(t, p99, 2*time.Second)
	}
}
