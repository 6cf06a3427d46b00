package oauth1_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/test/service"
)

// TestNoSecretInClear looks through every change of the table and every line of the log of
// a delegation from end to end, refusals included.
func TestNoSecretInClear(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, service.WithLog(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		service.WithVariable("OAUTH1_ALLOW_PLAINTEXT", "true"))
	request := w.requestToken()
	verifier := w.verifier(request.id, w.operator)
	access := w.form(w.send(w.exchanging(request, verifier)))
	token := w.token(access)
	for _, s := range []signed{w.exchanging(request, verifier), w.issuing(access), w.asking()} {
		s.with = oauth1.Plaintext
		w.send(s)
		s.at = w.clock.Now().Add(-1000e9)
		w.send(s)
	}
	w.Must(204, "DELETE", consumers+"/"+w.consumer.id, w.Admin(), nil)
	w.send(w.issuing(access))
	w.Drain()

	var table bytes.Buffer
	changes, after := 0, ""
	for {
		page, err := w.Engine.(store.Log).Changes(t.Context(), after, 100)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			changes++
			after = c.Position
			for _, i := range []store.Item{c.Old, c.New} {
				for name, v := range i {
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					fmt.Fprintf(&table, "%s %s=%v\n", c.Key, name, v)
				}
			}
		}
	}
	require.Greater(t, changes, 40)
	require.Contains(t, table.String(), access.id)
	require.Contains(t, log.String(), "CreateAccessToken")
	for name, text := range map[string]string{
		"consumer secret": w.consumer.secret.Reveal(), "request token secret": request.secret.Reveal(),
		"access token secret": access.secret.Reveal(), "verifier": verifier, "token": token,
	} {
		for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text))} {
			assert.NotContains(t, table.String(), form, "%s in the table", name)
			assert.NotContains(t, log.String(), form, "%s in the log", name)
		}
	}
}
