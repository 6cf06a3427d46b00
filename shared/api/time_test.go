package api_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/api"
	"mandate/shared/problem"
)

func TestTime(t *testing.T) {
	at := time.Date(2031, 3, 1, 10, 0, 0, 999_999_999, time.FixedZone("", 3600))
	encoded, err := json.Marshal(map[string]any{"at": api.Time(at), "never": (*api.Time)(nil)}, json.Deterministic(true))
	require.NoError(t, err)
	assert.Equal(t, `{"at":"2031-03-01T09:00:00.000000Z","never":null}`, string(encoded))
	assert.Equal(t, "2031-03-01T09:00:00.000000Z", api.Time(at).String())
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2031-03-01T09:00:00Z", "2031-03-01T09:00:00Z"},
		{"2031-03-01T09:00:00", "2031-03-01T09:00:00Z"},
		{"2031-03-01T09:00:00.5", "2031-03-01T09:00:00.5Z"},
		{"2031-03-01T09:00:00.123456Z", "2031-03-01T09:00:00.123456Z"},
		{"2031-03-01T09:00:00.1234567890123Z", "2031-03-01T09:00:00.123456789Z"},
		{"2032-02-29T23:59:59Z", "2032-02-29T23:59:59Z"},
	} {
		t.Run("TR-021_"+c.text, func(t *testing.T) {
			got, err := api.ParseTime("trust.expires_at", c.text)
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Format(time.RFC3339Nano))
			assert.Equal(t, time.UTC, got.Location())
		})
	}
	for _, text := range []string{"", "bad", "Z", "2031-03-01", "2031-03-01T", "2031-03-01T09:00", "2031-03-01T09:00:00+02:00",
		"2031-03-01T09:00:00-00:00", "2031-03-01 09:00:00", "2031-03-01T9:00:00Z", "2031-03-01T09:00:00,5Z", "2031-03-01T09:00:00.Z",
		"2031-03-01t09:00:00z", "2031-02-30T00:00:00Z", "2031-13-01T00:00:00Z", "2031-03-01T24:00:00Z", "2031-03-01T23:59:60Z",
		"2031-03-01T09:00:00Z\n", " 2031-03-01T09:00:00Z", "20310301T090000Z", "1900000000", "٢٠٣١-03-01T09:00:00Z"} {
		t.Run("TR-020_TR-022_"+text, func(t *testing.T) {
			_, err := api.ParseTime("trust.expires_at", text)
			require.True(t, problem.Is(err, problem.KindInvalid))
			assert.ErrorContains(t, err, "trust.expires_at")
		})
	}
}
