package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/dynamodb/stream"
)

type object = map[string]any

// split stands where DynamoDB's streams would: it has a shard that was split and is closed,
// named after its child. DynamoDB Local has a new shard every four hours only, and removes
// what has expired later than a test can wait.
type split struct {
	mu    sync.Mutex
	asked []string // shards that were read
}

// records of both shards, by the number of each.
var records = map[string][]int{"parent": {101, 102, 103}, "child": {301, 302}}

func (s *split) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ ShardID, ShardIteratorType, SequenceNumber, ShardIterator string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(map[string]func() object{
		"DescribeStream": func() object {
			return object{"StreamDescription": object{"Shards": []object{
				{"ShardId": "child", "ParentShardId": "parent", "SequenceNumberRange": object{"StartingSequenceNumber": "300"}},
				{"ShardId": "parent", "ParentShardId": "trimmed", "SequenceNumberRange": object{"StartingSequenceNumber": "100", "EndingSequenceNumber": "299"}},
			}}}
		},
		"GetShardIterator": func() object {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.asked = append(s.asked, in.ShardID)
			return object{"ShardIterator": fmt.Sprintf("%s/%s", in.ShardID, in.SequenceNumber)}
		},
		"GetRecords": func() object {
			shard, after, _ := strings.Cut(in.ShardIterator, "/")
			at, _ := strconv.Atoi(after)
			n := slices.IndexFunc(records[shard], func(number int) bool { return number > at })
			if n < 0 && shard == "parent" {
				return object{"Records": []object{}}
			}
			if n < 0 {
				return object{"Records": []object{}, "NextShardIterator": in.ShardIterator}
			}
			number := records[shard][n]
			return object{"Records": []object{record(number)}, "NextShardIterator": fmt.Sprintf("%s/%d", shard, number)}
		},
	}[op]())
}

// record is the change of one item; the last one is its removal by TTL.
func record(number int) object {
	image := object{"pk": object{"S": "ITEM#1"}, "sk": object{"S": "ITEM"}, "number": object{"N": strconv.Itoa(number)}}
	change := object{"Keys": object{"pk": image["pk"], "sk": image["sk"]}, "SequenceNumber": strconv.Itoa(number), "ApproximateCreationDateTime": 1790000000}
	if number == 302 {
		change["OldImage"] = image
		return object{"eventName": "REMOVE", "dynamodb": change, "userIdentity": object{"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}}
	}
	change["NewImage"] = image
	return object{"eventName": "MODIFY", "dynamodb": change}
}

// TestShards: a shard is read when the one it came from is through, each record once, also by a
// process that is started again; what TTL removed is told apart.
func TestShards(t *testing.T) {
	service := &split{}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "stream.json")
	// read follows until a position was acknowledged.
	read := func(last string) (got []store.Change) {
		kept, err := stream.OpenPositions(path)
		require.NoError(t, err)
		s, err := stream.New(stream.Options{Endpoint: server.URL, Region: "us-east-1", ARN: "arn", Keep: kept})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, s.Follow(ctx, "publish", true, func(ctx context.Context, _ string, log store.Log) error {
			at, err := log.Position(ctx, "publish")
			require.NoError(t, err)
			for {
				changes, err := log.Changes(ctx, at, 0)
				if err != nil {
					assert.ErrorIs(t, err, store.ErrEnded)
					return nil
				}
				for _, c := range changes {
					got, at = append(got, c), c.Position
					require.NoError(t, log.Acknowledge(ctx, "publish", at))
					if at == last {
						cancel()
						return nil
					}
				}
			}
		}))
		return got
	}
	positions := func(all []store.Change) (at []string) {
		for _, c := range all {
			at = append(at, c.Position)
		}
		return at
	}
	require.Equal(t, []string{"101", "102"}, positions(read("102")))
	require.Equal(t, []string{"parent"}, service.asked, "not its child")
	require.Equal(t, []string{"103", "301"}, positions(read("301")), "in a process that is started again")
	service.asked = nil
	got := read("302")
	require.Equal(t, []string{"302"}, positions(got))
	require.Equal(t, []string{"child"}, service.asked, "its parent is through")
	require.True(t, got[0].Expired)
	require.Equal(t, int64(302), got[0].Old.Int("number"))
}
