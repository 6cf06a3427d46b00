package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/config"
	"mandate/shared/notify"
	"mandate/shared/secret"
)

const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"

func notices(ids ...string) (list []notify.Notice) {
	for _, id := range ids {
		list = append(list, notify.Notice{ID: id, Type: "identity.trust.deleted", At: time.Unix(1e9, 5e8), Detail: json.RawMessage(`{"id":"` + id + `"}`)})
	}
	return list
}

// target is one for a server of this test.
func target(t *testing.T, address string, private bool, log io.Writer) *Target {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	made, err := New(config.Webhook{URL: address, Secret: secret.New(key), Hosts: []string{u.Hostname()}, PrivateAddresses: private},
		slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	made.pause = time.Microsecond
	return made
}

func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

func TestTell(t *testing.T) {
	t.Run("signed, in order, verified by the standard's own library", func(t *testing.T) {
		verifier, err := standard.NewWebhook(key)
		require.NoError(t, err)
		var ids []string
		to := target(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.NoError(t, verifier.Verify(body, r.Header))
			assert.Error(t, verifier.Verify(append(body, ' '), r.Header))
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			id := r.Header.Get("webhook-id")
			assert.JSONEq(t, `{"type":"identity.trust.deleted","timestamp":"2001-09-09T01:46:40.5Z","data":{"id":"`+id+`"}}`, string(body))
			ids = append(ids, id)
		}), true, io.Discard)
		assert.Equal(t, []error{nil, nil, nil}, to.Tell(t.Context(), notices("a", "b", "c")))
		assert.Equal(t, []string{"a", "b", "c"}, ids)
	})
	t.Run("sent again under the same id while the endpoint is not well", func(t *testing.T) {
		var ids []string
		to := target(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if ids = append(ids, r.Header.Get("webhook-id")); len(ids) < attempts {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}), true, io.Discard)
		assert.Equal(t, []error{nil}, to.Tell(t.Context(), notices("a")))
		assert.Equal(t, []string{"a", "a", "a"}, ids)
	})
	t.Run("no more often than that, and what follows waits", func(t *testing.T) {
		calls := 0
		to := target(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(http.StatusTooManyRequests) }), true, io.Discard)
		errs := to.Tell(t.Context(), notices("a", "b"))
		require.ErrorContains(t, errs[0], "429")
		require.Error(t, errs[1])
		assert.Equal(t, attempts, calls)
	})
	t.Run("what is refused is passed over and said", func(t *testing.T) {
		var log bytes.Buffer
		calls := 0
		to := target(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if calls++; r.Header.Get("webhook-id") == "a" {
				w.WriteHeader(http.StatusBadRequest)
			}
		}), true, &log)
		assert.Equal(t, []error{nil, nil}, to.Tell(t.Context(), notices("a", "b")))
		assert.Equal(t, 2, calls)
		assert.Contains(t, log.String(), "the endpoint answered 400")
	})
	t.Run("a redirect is not followed", func(t *testing.T) {
		var elsewhere atomic.Int32
		other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
		var log bytes.Buffer
		to := target(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		}), true, &log)
		assert.Equal(t, []error{nil}, to.Tell(t.Context(), notices("a")))
		assert.Zero(t, elsewhere.Load())
		assert.Contains(t, log.String(), "307")
	})
	t.Run("an endpoint that does not answer", func(t *testing.T) {
		release := make(chan struct{})
		to := target(t, serve(t, func(http.ResponseWriter, *http.Request) { <-release }), true, io.Discard)
		defer close(release)
		to.client.Timeout = 20 * time.Millisecond
		require.ErrorContains(t, to.Tell(t.Context(), notices("a"))[0], "Client.Timeout")
	})
}

// TestPrivateAddresses: neither an address nor a name that leads to one is reached.
func TestPrivateAddresses(t *testing.T) {
	var reached atomic.Int32
	here := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, address := range []string{here + "/hook?key=of-the-endpoint", strings.Replace(here, "127.0.0.1", "localhost", 1)} {
		err := target(t, address, false, io.Discard).Tell(t.Context(), notices("a"))[0]
		require.ErrorContains(t, err, "is not a public address", address)
		assert.NotContains(t, err.Error(), "of-the-endpoint")
		require.NoError(t, target(t, address, true, io.Discard).Tell(t.Context(), notices("a"))[0])
	}
	assert.EqualValues(t, 2, reached.Load())

	for _, no := range []string{
		"127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
		"255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%lo", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001::1",
	} {
		assert.False(t, public(netip.MustParseAddr(no)), no)
	}
	for _, yes := range []string{"93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:2800:220:1::1", "::ffff:8.8.8.8"} {
		assert.True(t, public(netip.MustParseAddr(yes)), yes)
	}
}

func TestHostsThatAreNotAllowed(t *testing.T) {
	_, err := New(config.Webhook{URL: "https://evil.example/", Secret: secret.New(key), Hosts: []string{"good.example"}}, nil)
	require.ErrorContains(t, err, "not allowed")
}
