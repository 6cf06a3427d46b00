package oauth1_test

import (
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

var repeats = flag.Int("repeats", 500, "how often one signed request is sent at once")

// engines are what the races are run over: both, where the tag dynamodb is set.
var engines = map[string]func(t *testing.T) service.Option{
	"embedded": func(*testing.T) service.Option { return service.WithEngine(nil) },
}

// onEachEngine runs a race over torn reads, and again with every tenth call of the table failing.
func onEachEngine(t *testing.T, race func(t *testing.T, w *world)) {
	for engine, open := range engines {
		for how, table := range map[string]service.Option{"torn": service.Torn(), "faulty": service.Faulty()} {
			t.Run(engine+"_"+how, func(t *testing.T) { race(t, newWorld(t, open(t), table)) })
		}
	}
}

// TestOneRequestManyTimes: however often one signed request is sent at once, it is good
// once (O-037).
func TestOneRequestManyTimes(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
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
				w.once(t, *repeats, again)
			})
		}
	})
}

// TestExchangeRaced: of 64 exchanges of one request token, each signed anew, one wins, and
// there is one access token (O-071).
func TestExchangeRaced(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		request := w.requestToken()
		verifier := w.verifier(request.id, w.operator)
		w.once(t, 64, func(int) *http.Request { return w.request(w.exchanging(request, verifier)) })
		r := w.Must(http.StatusOK, "GET", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens", w.adas, nil)
		require.Len(t, r.Body["access_tokens"], 1)
	})
}

// once sends a request many times at once, and wants it to succeed once and be refused else.
func (w *world) once(t *testing.T, times int, make func(n int) *http.Request) {
	start := time.Now()
	counts := w.AtOnce(times, make)
	t.Logf("%v in %v", counts, time.Since(start))
	require.Equal(t, 1, counts[http.StatusCreated])
	require.Equal(t, times-1, counts[http.StatusUnauthorized]+counts[http.StatusNotFound])
}
