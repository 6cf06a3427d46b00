// Package stream reads a DynamoDB table's stream where no Lambda does: for the local server
// over DynamoDB Local or LocalStack. It decides in which order shards are read, parents
// before their children, and where each reader goes on. No deployed function carries it.
package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"mandate/shared/store"
)

// Options say which stream is meant.
type Options struct {
	Endpoint string // of the service; it must be named, as for the table
	Region   string
	ARN      string
	Keep     *Positions // where readers are
}

// Stream is the stream of one table.
type Stream struct {
	client *sdk.Client
	arn    string
	keep   *Positions
}

// New makes a Stream. It sends nothing.
func New(o Options) (*Stream, error) {
	if o.Endpoint == "" || o.ARN == "" {
		return nil, errors.New("stream: an endpoint and a stream must be named")
	}
	return &Stream{
		client: sdk.New(sdk.Options{
			Region: o.Region, BaseEndpoint: aws.String(o.Endpoint),
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "none needed"}, nil
			}),
		}),
		arn: o.ARN, keep: o.Keep,
	}, nil
}

// How often is looked for new shards, and for new records of one. Lambda looks for records
// four times a second.
const (
	lookForShards  = 5 * time.Second
	lookForRecords = 200 * time.Millisecond
)

// Follow reads all shards for a named reader, each by a call of read with the shard's own
// log, which ends with [store.ErrEnded]; read returns nil when it is through. A shard is
// begun when its parent is through, so that per item the order holds. A new reader begins
// with what is kept (at most a day), or with what is written from now on.
func (s *Stream) Follow(ctx context.Context, reader string, fromStart bool, read func(ctx context.Context, shard string, log store.Log) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	defer group.Wait()
	running := map[string]bool{}
	through := make(chan string)
	fresh := !s.keep.knows(reader)
	for {
		shards, err := s.shards(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("list the shards of the stream: %w", err)
		}
		if fresh && err == nil {
			if err := s.begin(reader, fromStart, shards); err != nil {
				return err
			}
		}
		for _, shard := range shards {
			id := aws.ToString(shard.ShardId)
			if running[id] || !s.due(reader, shard, shards) {
				continue
			}
			running[id] = true
			log := &shardLog{stream: s, id: id, latest: fresh && !fromStart}
			group.Go(func() {
				if err := read(ctx, id, log); err != nil || ctx.Err() != nil {
					cancel(err)
					return
				}
				if err := s.keep.put(reader, id, ended); err != nil {
					cancel(err)
				}
				select {
				case through <- id:
				case <-ctx.Done():
				}
			})
		}
		fresh = false
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		case id := <-through:
			delete(running, id)
		case <-time.After(lookForShards):
		}
	}
}

// begin makes a reader known. One that begins with what is written from now on has read
// all shards that are closed.
func (s *Stream) begin(reader string, fromStart bool, shards []types.Shard) error {
	if err := s.keep.put(reader, "", ""); err != nil {
		return err
	}
	for _, shard := range shards {
		if fromStart || shard.SequenceNumberRange.EndingSequenceNumber == nil {
			continue
		}
		if err := s.keep.put(reader, aws.ToString(shard.ShardId), ended); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether a shard is to be read: it is not through, and its parent is, or is
// no more.
func (s *Stream) due(reader string, shard types.Shard, all []types.Shard) bool {
	if s.keep.get(reader, aws.ToString(shard.ShardId)) == ended {
		return false
	}
	parent := aws.ToString(shard.ParentShardId)
	for _, other := range all {
		if aws.ToString(other.ShardId) == parent {
			return s.keep.get(reader, parent) == ended
		}
	}
	return true
}

func (s *Stream) shards(ctx context.Context) ([]types.Shard, error) {
	var all []types.Shard
	var after *string
	for {
		out, err := s.client.DescribeStream(ctx, &sdk.DescribeStreamInput{StreamArn: &s.arn, ExclusiveStartShardId: after})
		if err != nil {
			return nil, err
		}
		all = append(all, out.StreamDescription.Shards...)
		if after = out.StreamDescription.LastEvaluatedShardId; after == nil {
			return all, nil
		}
	}
}

// shardLog is the change log of one shard, for one reader.
type shardLog struct {
	stream *Stream
	id     string
	latest bool // begins with what is written from now on

	next   *string // goes on after the position at
	at     string
	closed bool // there is nothing after at
}

// Changes implements [store.Log].
func (l *shardLog) Changes(ctx context.Context, after string, limit int) ([]store.Change, error) {
	if l.next == nil && !l.closed || after != l.at {
		if err := l.seek(ctx, after); err != nil {
			return nil, err
		}
	}
	if l.closed {
		return nil, store.ErrEnded
	}
	if limit <= 0 || limit > 1000 {
		limit = 1000
	}
	out, err := l.stream.client.GetRecords(ctx, &sdk.GetRecordsInput{ShardIterator: l.next, Limit: aws.Int32(int32(limit))})
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	if errors.As(err, &expired) || errors.As(err, &trimmed) {
		l.next = nil // sought again by the next call: from after, or from what is left
		return nil, fmt.Errorf("read shard %s: %w", l.id, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read shard %s: %w", l.id, err)
	}
	changes := make([]store.Change, 0, len(out.Records))
	for _, r := range out.Records {
		c, err := changeFrom(r)
		if err != nil {
			return nil, fmt.Errorf("read shard %s: %w", l.id, err)
		}
		changes = append(changes, c)
		l.at = c.Position
	}
	l.next, l.closed = out.NextShardIterator, out.NextShardIterator == nil
	if l.closed && len(changes) == 0 {
		return nil, store.ErrEnded
	}
	return changes, nil
}

// seek finds the place after a position. What was trimmed meanwhile is lost: it goes on
// with what is left, and the reconciliation finds the rest.
func (l *shardLog) seek(ctx context.Context, after string) error {
	in := &sdk.GetShardIteratorInput{StreamArn: &l.stream.arn, ShardId: &l.id, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	switch {
	case after != "":
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	case l.latest:
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	}
	out, err := l.stream.client.GetShardIterator(ctx, in)
	var trimmed *types.TrimmedDataAccessException
	if errors.As(err, &trimmed) {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeTrimHorizon, nil
		out, err = l.stream.client.GetShardIterator(ctx, in)
	}
	if err != nil {
		return fmt.Errorf("seek in shard %s: %w", l.id, err)
	}
	l.next, l.at, l.closed = out.ShardIterator, after, false
	return nil
}

// Position implements [store.Log].
func (l *shardLog) Position(_ context.Context, reader string) (string, error) {
	return l.stream.keep.get(reader, l.id), nil
}

// Acknowledge implements [store.Log].
func (l *shardLog) Acknowledge(_ context.Context, reader, position string) error {
	return l.stream.keep.put(reader, l.id, position)
}

// Wait implements [store.Log]. The service tells nobody, so there may be changes after a
// short while.
func (l *shardLog) Wait(ctx context.Context, _ string) error {
	t := time.NewTimer(lookForRecords)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
