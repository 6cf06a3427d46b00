package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/notify"
)

// TestBus: as many entries at once as PutEvents takes; those that it refuses are sent
// again, and only those.
func TestBus(t *testing.T) {
	type entry struct{ Detail, DetailType, EventBusName, Source string }
	var calls [][]entry
	taken := map[string]int{}
	refuse := func(entry) bool { return false }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Entries []entry }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&in))
		calls = append(calls, in.Entries)
		var out struct{ Entries []map[string]string }
		for _, e := range in.Entries {
			if refuse(e) {
				out.Entries = append(out.Entries, map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
				continue
			}
			taken[e.Detail]++
			out.Entries = append(out.Entries, map[string]string{"EventId": "e"})
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		assert.NoError(t, json.NewEncoder(w).Encode(out))
	}))
	defer server.Close()
	env := map[string]string{"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1", "EVENTS_ENDPOINT": server.URL}
	b, err := newBus("told", func(name string) string { return env[name] })
	require.NoError(t, err)
	b.pause = time.Microsecond
	notices := func(n, bytes int) (list []notify.Notice) {
		for i := range n {
			text := fmt.Sprintf(`{"id":"%d","fill":"%0*d"}`, i, bytes, 0)
			list = append(list, notify.Notice{ID: fmt.Sprint(i), Type: "identity.user.disabled", At: time.Now(), Detail: json.RawMessage(text)})
		}
		return list
	}
	clear := func() { calls, taken = nil, map[string]int{} }

	t.Run("ten at once", func(t *testing.T) {
		clear()
		for _, err := range b.Tell(t.Context(), notices(25, 10)) {
			require.NoError(t, err)
		}
		require.Len(t, calls, 3)
		assert.Len(t, taken, 25)
		assert.Equal(t, "told", calls[0][0].EventBusName)
		assert.Equal(t, "mandate", calls[0][0].Source)
		assert.Equal(t, "identity.user.disabled", calls[0][0].DetailType)
	})
	t.Run("no more bytes than one call takes", func(t *testing.T) {
		clear()
		for _, err := range b.Tell(t.Context(), notices(4, 100<<10)) {
			require.NoError(t, err)
		}
		assert.Len(t, calls, 2)
	})
	t.Run("what is refused is sent again alone", func(t *testing.T) {
		clear()
		times := 0
		refuse = func(e entry) bool {
			if e.Detail == string(notices(3, 10)[1].Detail) && times < 2 {
				times++
				return true
			}
			return false
		}
		for _, err := range b.Tell(t.Context(), notices(3, 10)) {
			require.NoError(t, err)
		}
		require.Len(t, calls, 3)
		assert.Len(t, calls[1], 1)
		for detail, n := range taken {
			assert.Equal(t, 1, n, detail)
		}
	})
	t.Run("what is refused for good is said", func(t *testing.T) {
		clear()
		refuse = func(e entry) bool { return e.Detail == string(notices(3, 10)[1].Detail) }
		errs := b.Tell(t.Context(), notices(3, 10))
		require.NoError(t, errs[0])
		require.ErrorContains(t, errs[1], "ThrottlingException")
		require.NoError(t, errs[2])
		assert.Len(t, calls, attempts)
	})
	t.Run("outside AWS it needs an address", func(t *testing.T) {
		_, err := newBus("told", func(name string) string {
			if name == "EVENTS_ENDPOINT" {
				return ""
			}
			return env[name]
		})
		require.ErrorContains(t, err, "EVENTS_ENDPOINT")
	})
}
