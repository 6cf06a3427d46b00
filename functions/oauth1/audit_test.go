package oauth1_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// auditLine is a line of the log that tells what became of a consumer or a token of its.
type auditLine struct {
	Event  string
	Detail struct {
		ID, Type, At, By string
		RequestID        string `json:"request_id"`
		ResourceInfo     string `json:"resource_info"`
		ConsumerID       string `json:"consumer_id"`
		ProjectID        string `json:"project_id"`
		UserID           string `json:"user_id"`
	}
}

// TestAudit_O_150 goes through a delegation from end to end and reads what an auditor is told.
func TestAudit_O_150(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, service.WithLog(slog.New(slog.NewJSONHandler(&log, nil))))
	told := func() (lines []auditLine) {
		log.Reset()
		w.Drain()
		for s := bufio.NewScanner(&log); s.Scan(); {
			var line auditLine
			require.NoError(t, json.Unmarshal(s.Bytes(), &line))
			if line.Event != "" {
				lines = append(lines, line)
			}
		}
		return lines
	}
	one := func(t *testing.T, kind, id, by string) auditLine {
		t.Helper()
		lines := told()
		require.Len(t, lines, 1)
		line := lines[0]
		require.Equal(t, "identity.OS-OAUTH1:"+kind, line.Event)
		require.Equal(t, line.Event, line.Detail.Type)
		require.Equal(t, id, line.Detail.ResourceInfo)
		require.Equal(t, w.consumer.id, line.Detail.ConsumerID)
		require.Equal(t, by, line.Detail.By)
		require.Len(t, line.Detail.ID, 32)
		require.NotEmpty(t, line.Detail.At)
		return line
	}
	admin := w.Validate(w.Admin()).Member("token")["user"].(object)["id"].(string)
	var access credentials
	t.Run("O-150_consumer_created", func(t *testing.T) {
		line := one(t, "consumer.created", w.consumer.id, admin)
		require.Regexp(t, "^req-", line.Detail.RequestID)
	})
	t.Run("O-150_consumer_updated", func(t *testing.T) {
		w.Must(200, "PATCH", consumers+"/"+w.consumer.id, w.Admin(), object{"consumer": object{"description": "weekly"}})
		one(t, "consumer.updated", w.consumer.id, admin)
	})
	t.Run("O-150_request_token_created", func(t *testing.T) {
		request := w.requestToken()
		require.Equal(t, w.web, one(t, "request_token.created", request.id, "").Detail.ProjectID)
		verifier := w.verifier(request.id, w.operator)
		require.Empty(t, told(), "its authorisation is no event")
		access = w.form(w.send(w.exchanging(request, verifier)))
	})
	t.Run("O-150_access_token_created_and_deleted", func(t *testing.T) {
		line := one(t, "access_token.created", access.id, "")
		require.Equal(t, w.ada, line.Detail.UserID)
		w.Must(204, "DELETE", "/v3/users/"+w.ada+"/OS-OAUTH1/access_tokens/"+access.id, w.adas, nil)
		one(t, "access_token.deleted", access.id, w.ada)
	})
	t.Run("O-150_consumer_deleted", func(t *testing.T) {
		w.access(w.operator)
		told()
		w.Must(204, "DELETE", consumers+"/"+w.consumer.id, w.Admin(), nil)
		one(t, "consumer.deleted", w.consumer.id, admin) // what hung on it goes with it, untold
		require.Empty(t, told())
	})
	t.Run("O-150_never_with_secrets", func(t *testing.T) {
		w.consumer = w.newConsumer()
		given := w.access(w.operator)
		require.NotEmpty(t, told())
		for _, text := range []string{w.consumer.secret.Reveal(), given.secret.Reveal()} {
			require.NotContains(t, log.String(), text)
		}
	})
}
