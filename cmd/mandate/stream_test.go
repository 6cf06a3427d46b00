//go:build dynamodb

package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/local"
	"mandate/shared/oauth1"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/dynamodb"
	"mandate/shared/store/dynamodb/stream"
	"mandate/test/dynamodblocal"
	"mandate/test/service"
)

// following runs a service's functions on a stream.
func following(t *testing.T, s *local.Service, changes *stream.Stream) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, f := range s.Streams {
		group.Go(func() { assert.NoError(t, follow(ctx, f, storage{stream: changes}, slog.New(slog.DiscardHandler))) })
	}
	return func() { cancel(); group.Wait() }
}

// streamOf is a table's stream, for readers that have read nothing of it.
func streamOf(t *testing.T, table *dynamodb.Table) *stream.Stream {
	arn, err := table.StreamARN(t.Context())
	require.NoError(t, err)
	kept, err := stream.OpenPositions("")
	require.NoError(t, err)
	changes, err := stream.New(stream.Options{Endpoint: dynamodblocal.Shared(t).Endpoint, Region: "us-east-1", ARN: arn, Keep: kept})
	require.NoError(t, err)
	return changes
}

// TestEventsAreToldOnceOnDynamoDB: what is revoked on DynamoDB Local is on the list of events
// once, by its id, also when all of the stream is read again from its start.
func TestEventsAreToldOnceOnDynamoDB(t *testing.T) {
	table := dynamodblocal.Table(t)
	s := service.New(t, service.WithEngine(table))
	functions, err := local.Serve(s.App)
	require.NoError(t, err)
	login := s.Login("admin", service.AdminPassword, nil)
	var audits []string
	revoke := func() {
		token := s.Must(http.StatusCreated, "POST", "/v3/auth/tokens", "", service.TokenAuth(login, nil)).Header.Get("X-Subject-Token")
		audits = append(audits, s.Validate(token).Member("token")["audit_ids"].([]any)[0].(string))
		s.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", s.Admin(), nil, "X-Subject-Token", token)
	}
	told := func() (ids []string, by map[string]int) {
		by = map[string]int{}
		for _, e := range s.Must(http.StatusOK, "GET", "/v3/OS-REVOKE/events?details=1", s.Admin(), nil).Body["events"].([]any) {
			event := e.(map[string]any)
			ids = append(ids, event["id"].(string))
			if audit, ok := event["audit_id"].(string); ok {
				by[audit]++
			}
		}
		return ids, by
	}
	for range 10 {
		revoke()
	}
	for range 2 {
		stop := following(t, functions, streamOf(t, table))
		for range 2 { // the first comes after all that is read again, the second after the first's whole batch was told
			revoke()
			assert.Eventually(t, func() bool { _, by := told(); return len(by) == len(audits) }, 2*time.Minute, 100*time.Millisecond)
		}
		stop()
		ids, by := told()
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), len(ids), "each id once")
		assert.Len(t, by, len(audits))
		for _, audit := range audits {
			assert.Equal(t, 1, by[audit], audit)
		}
	}
}

// TestTheCascadeFollowsDynamoDB_O_140: the functions of the template run on the stream of DynamoDB
// Local as they do on the embedded table's change log, and go on where they stopped.
func TestTheCascadeFollowsDynamoDB_O_140(t *testing.T) {
	table := dynamodblocal.Table(t)
	changes := streamOf(t, table)
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	a, err := app.New(t.Context(), app.Parts{Config: settings, Table: table, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	a.Sweeper.Bound = 5
	functions, err := local.Serve(a)
	require.NoError(t, err)
	require.NotEmpty(t, functions.Streams)

	run := func() (stop func()) { return following(t, functions, changes) }
	for range 2 { // started again, it goes on
		consumer, _, err := a.OAuth1.CreateConsumer(t.Context(), oauth1.Consumer{})
		require.NoError(t, err)
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
			item := store.Item{store.AttrType: "access token", "id": id, "consumer_id": consumer.ID, "project_id": "p", "user_id": "u"}
			listed := store.Item{store.AttrType: "access token listed", "id": id, "consumer_id": consumer.ID, "project_id": "p"}
			require.NoError(t, table.Write(t.Context(), store.NewRequestID(), store.Create(store.AccessToken(id), item),
				store.Create(store.AccessOfConsumer(consumer.ID, id), listed), store.Create(store.AccessOfUser("u", id), listed),
				store.Create(store.AccessOfProject("p", id), listed)))
		}
		require.NoError(t, a.OAuth1.DeleteConsumer(t.Context(), consumer.ID))
		stop := run()
		assert.Eventually(t, func() bool {
			for _, list := range []store.Key{store.AccessOfConsumer(consumer.ID, ""), store.AccessOfUser("u", ""), store.AccessOfProject("p", "")} {
				page, err := table.Query(t.Context(), store.Prefixed(list))
				if err != nil || len(page.Entries) > 0 {
					return false
				}
			}
			items, err := table.Read(t.Context(), store.AccessToken("a"), store.AccessToken("l"))
			return err == nil && len(items) == 0
		}, 2*time.Minute, 100*time.Millisecond)
		stop()
	}
}
