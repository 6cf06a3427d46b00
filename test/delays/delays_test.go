//go:build dynamodb

package delays

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

const (
	median = 3 * time.Millisecond
	// spread makes the hundredth longest 12 ms, four times the median: ln 4 = 2.326 · spread.
	spread = 0.596
	// slow is the twentieth longest pause, after which a hedge asks again.
	slow = 8 * time.Millisecond
)

// far is an HTTP client whose calls pause; lost of them, from 0 to 1, are never answered.
type far struct {
	on    atomic.Bool
	lost  float64
	calls atomic.Int64
	mu    sync.Mutex
	took  []time.Duration
}

func (f *far) Do(r *http.Request) (*http.Response, error) {
	if !f.on.Load() {
		return http.DefaultClient.Do(r) //nolint:gosec // G704: DynamoDB Local of this test
	}
	f.calls.Add(1)
	began := time.Now()
	select {
	case <-time.After(time.Duration(float64(median) * math.Exp(spread*rand.NormFloat64()))): //nolint:gosec // G404: a measurement
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if rand.Float64() < f.lost { //nolint:gosec // G404: a measurement
		return nil, errors.New("the connection was lost")
	}
	answer, err := http.DefaultClient.Do(r) //nolint:gosec // G704: DynamoDB Local of this test
	f.mu.Lock()
	f.took = append(f.took, time.Since(began))
	f.mu.Unlock()
	return answer, err
}

// hedged asks again for what a read has not brought after a while, and takes the first answer.
type hedged struct{ store.Table }

func (h hedged) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	type answer struct {
		items store.Items
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, 2)
	ask := func() {
		items, err := h.Table.Read(ctx, keys...)
		answers <- answer{items, err}
	}
	go ask()
	select {
	case a := <-answers:
		return a.items, a.err
	case <-time.After(slow):
	}
	go ask()
	a := <-answers
	if a.err != nil {
		a = <-answers
	}
	return a.items, a.err
}

func quantile(took []time.Duration, q float64) float64 {
	slices.Sort(took)
	return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000
}

func BenchmarkValidate(b *testing.B) {
	for _, c := range []struct {
		name  string
		lost  float64
		hedge bool
	}{{"all answer", 0, false}, {"all answer, hedged", 0, true}, {"2 of 100 are lost", 0.02, false}, {"2 of 100 are lost, hedged", 0.02, true}} {
		client := &far{lost: c.lost}
		table, err := dynamodb.New(dynamodb.Options{
			Table: "delays-" + uuid.NewString(), Endpoint: dynamodblocal.Shared(b).Endpoint, HTTPClient: client,
		})
		require.NoError(b, err)
		require.NoError(b, table.CreateTable(b.Context()))
		engine := store.Table(table)
		if c.hedge {
			engine = hedged{table}
		}
		s := service.New(b, service.WithEngine(engine), service.WithLog(slog.New(slog.DiscardHandler)))
		token := s.Login("admin", service.AdminPassword, nil)
		for range 200 { // Java compiles meanwhile
			s.Validate(token)
		}
		client.on.Store(true)
		b.Run(c.name, func(b *testing.B) {
			client.calls.Store(0)
			client.took = nil
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				began := time.Now()
				if got := s.Validate(token).Status; got != http.StatusOK {
					b.Fatalf("a validation answered %d", got)
				}
				took = append(took, time.Since(began))
			}
			b.ReportMetric(float64(client.calls.Load())/float64(b.N), "calls/op")
			b.ReportMetric(quantile(took, 0.5), "p50-ms")
			b.ReportMetric(quantile(took, 0.99), "p99-ms")
			b.ReportMetric(quantile(client.took, 0.5), "call-p50-ms")
			b.ReportMetric(quantile(client.took, 0.99), "call-p99-ms")
		})
	}
}
