package oauth1_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/tear"
	"mandate/test/service"
)

// atOnce sends requests side by side and counts the answers by status. Whoever is told to
// come back does, as clients should.
func (w *world) atOnce(requests []*http.Request, make func(n int) *http.Request) map[int]int {
	var mu sync.Mutex
	var group sync.WaitGroup
	counts := map[int]int{}
	for n, r := range requests {
		group.Go(func() {
			reply := w.Send(r)
			for reply.Status == http.StatusServiceUnavailable {
				reply = w.Send(make(n))
			}
			mu.Lock()
			defer mu.Unlock()
			counts[reply.Status]++
		})
	}
	group.Wait()
	return counts
}

func torn() service.Option {
	return service.WithTable(func(t store.Table) store.Table { return tear.New(t, tear.Options{Seed: 1}) })
}

// TestOneRequestAThousandTimes: however often one signed request is sent at once, it is
// good once (O-037).
func TestOneRequestAThousandTimes(t *testing.T) {
	const times = 1000
	w := newWorld(t, torn())
	access, request := w.access(w.operator), w.requestToken()
	w.Validate(w.token(access))
	for name, s := range map[string]signed{
		"O-037_request_token":  w.asking(),
		"O-037_identity_token": w.issuing(access),
		"O-037_access_token":   w.exchanging(request, w.verifier(request.id, w.operator)),
	} {
		t.Run(name, func(t *testing.T) {
			s.nonce = nonce()
			again := func(int) *http.Request { return w.request(s) }
			requests := make([]*http.Request, times)
			for n := range requests {
				requests[n] = again(n)
			}
			start := time.Now()
			counts := w.atOnce(requests, again)
			t.Logf("%v in %v", counts, time.Since(start))
			require.Equal(t, 1, counts[http.StatusCreated])
			require.Equal(t, times-1, counts[http.StatusUnauthorized]+counts[http.StatusNotFound])
		})
	}
}

// TestExchangeRaced: of 64 exchanges of one request token, each signed anew, one wins, and
// there is one access token (O-071).
func TestExchangeRaced(t *testing.T) {
	const clients = 64
	w := newWorld(t, torn())
	request := w.requestToken()
	verifier := w.verifier(request.id, w.operator)
	make64 := func(int) *http.Request { return w.request(w.exchanging(request, verifier)) }
	requests := make([]*http.Request, clients)
	for n := range requests {
		requests[n] = make64(n)
	}
	counts := w.atOnce(requests, make64)
	t.Logf("%v", counts)
	require.Equal(t, 1, counts[http.StatusCreated])
	require.Equal(t, clients-1, counts[http.StatusUnauthorized]+counts[http.StatusNotFound])
	r := w.Must(http.StatusOK, "GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens", w.adas, nil)
	require.Len(t, r.Body["access_tokens"], 1)
}
