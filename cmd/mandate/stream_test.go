//go:build dynamodb

package main

import (
	"context"
	"log/slog"
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
	"mandate/shared/store/dynamodb/stream"
	"mandate/test/dynamodblocal"
)

// TestTheCascadeFollowsDynamoDB_O_140: the functions of the template run on the stream of DynamoDB
// Local as they do on the embedded table's change log, and go on where they stopped.
func TestTheCascadeFollowsDynamoDB_O_140(t *testing.T) {
	table := dynamodblocal.Table(t)
	arn, err := table.StreamARN(t.Context())
	require.NoError(t, err)
	kept, err := stream.OpenPositions("")
	require.NoError(t, err)
	changes, err := stream.New(stream.Options{Endpoint: dynamodblocal.Shared(t).Endpoint, Region: "us-east-1", ARN: arn, Keep: kept})
	require.NoError(t, err)
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(t.Context(), app.Parts{Config: settings, Table: table, Wrapper: key, Log: log})
	require.NoError(t, err)
	a.Sweeper.Bound = 5
	service, err := local.Serve(a)
	require.NoError(t, err)
	require.NotEmpty(t, service.Streams)

	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, f := range service.Streams {
			group.Go(func() { assert.NoError(t, follow(ctx, f, storage{stream: changes}, log)) })
		}
		return func() { cancel(); group.Wait() }
	}
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
