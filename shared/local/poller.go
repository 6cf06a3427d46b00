package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"mandate/shared/gateway"
	"mandate/shared/sam"
	"mandate/shared/store"
)

// Poller feeds one shard of the change log to a stream function, as Lambda's event source
// mapping feeds a DynamoDB stream: in order, at least once, in batches, going on after what
// was acknowledged. What fails holds up the shard until it succeeds or is given up.
//
//   - A reply that names records (ReportBatchItemFailures) acknowledges those before the
//     first of them; the rest is a batch of its own. An empty list is success. A name that
//     is empty or of no record fails the whole batch.
//   - A batch that fails as a whole, by an error, a panic or a time-out, is halved until the
//     records that it fails for stand alone (BisectBatchOnFunctionError). Halving uses up
//     no retries; a batch that made progress starts to count anew.
//   - A batch out of retries, and records that are too old, go to the destination: what is
//     kept says which records they were, not what was in them.
//   - What the settings' filter does not let through is passed over before a record is made of
//     it. It takes no room in a batch, and is acknowledged with the record before it, or
//     within a second.
//   - A function that is a [gateway.Follower] is given the changes themselves; any other the
//     event that Lambda would give it, which is to be no larger than Lambda's.
type Poller struct {
	Log      store.Log
	Function lambda.Handler
	Reader   string        // name under which the position is kept
	Settings sam.Stream    // a Batch of 0 is 100
	Timeout  time.Duration // of the function; 0: none
	Failures *Failures     // where what was given up is kept; nil: in the log only
	Shard    string        // for messages
	Now      func() time.Time
	Logger   *slog.Logger
}

// maxPayload is the largest event that Lambda hands to a function, in bytes.
const maxPayload = 6 << 20

// lull is how long what was passed over may stay unacknowledged: an acknowledgement is a
// write, and what a crash takes back is only passed over again.
const lull = time.Second

// mostRest is how long a reader rests at most after a delivery that took long. It rests as long
// as that took: what a sweep removes is dead already, and those who ask are not to wait for it.
const mostRest = time.Second

// Run feeds until the context or the shard ends.
func (p Poller) Run(ctx context.Context) error {
	at, err := p.start(ctx)
	if err != nil {
		return err
	}
	kept, since := at, time.Now() // what is acknowledged, and since when that is all
	for {
		batch, through, err := p.next(ctx, at)
		switch {
		case err != nil:
		case len(batch) > 0:
			began := time.Now()
			through, err = p.deliver(ctx, batch, at)
			if took := time.Since(began); took > longWork {
				pause(ctx, min(took, mostRest)) // half of the processors' time is for requests
			}
			if through != at {
				at, kept, since = through, through, time.Now()
			}
		case through != at:
			if at == kept {
				since = time.Now()
			}
			at = through
		case at == kept:
			err = p.Log.Wait(ctx, at)
		default:
			p.wait(ctx, at, time.Until(since.Add(lull)))
		}
		if err == nil && at != kept && time.Since(since) >= lull {
			err = p.acknowledge(ctx, at)
			kept = at
		}
		if ctx.Err() != nil || errors.Is(err, store.ErrEnded) {
			return nil
		}
		if err != nil {
			p.Logger.ErrorContext(ctx, "stream", "reader", p.Reader, "shard", p.Shard, "cause", err.Error())
			pause(ctx, time.Second)
		}
	}
}

// wait returns when there may be changes, or after a while. An error of the log comes again
// when it is read.
func (p Poller) wait(ctx context.Context, at string, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_ = p.Log.Wait(ctx, at)
}

// Drain feeds what there is and returns when the log has no more.
func (p Poller) Drain(ctx context.Context) error {
	at, err := p.start(ctx)
	if err != nil {
		return err
	}
	p.Settings.Window = 0
	for {
		batch, through, err := p.next(ctx, at)
		switch {
		case err != nil:
			return err
		case len(batch) > 0:
			if at, err = p.deliver(ctx, batch, at); err != nil {
				return err
			}
		case through == at:
			return nil
		default:
			if err := p.acknowledge(ctx, through); err != nil {
				return err
			}
			at = through
		}
	}
}

func (p Poller) acknowledge(ctx context.Context, at string) error {
	if err := p.Log.Acknowledge(ctx, p.Reader, at); err != nil {
		return fmt.Errorf("keep the position of %s: %w", p.Reader, err)
	}
	return nil
}

// start finds where to go on. A reader that is new begins where its settings say, and is
// made known, so that the log keeps what it has not seen.
func (p Poller) start(ctx context.Context) (at string, err error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("find the position of %s: %w", p.Reader, err)
	}
	if at, err = p.Log.Position(ctx, p.Reader); err != nil {
		return fail(err)
	}
	if at != "" {
		return at, nil
	}
	for !p.Settings.FromStart {
		changes, err := p.Log.Changes(ctx, at, 0)
		if err != nil {
			return fail(err)
		}
		if len(changes) == 0 {
			break
		}
		at = changes[len(changes)-1].Position
	}
	return at, p.acknowledge(ctx, at)
}

// A record is a change that the function is given.
type record struct {
	store.Change
	through string          // position of the last change that was passed over behind it, or its own
	text    json.RawMessage // as Lambda would give it; nil for a [gateway.Follower]
}

// next gathers the next batch: full, or as much as comes within the window. Without a
// record in it, all changes up to the position through were passed over; when there were no
// changes that is where it began.
func (p Poller) next(ctx context.Context, at string) (batch []record, through string, err error) {
	size := p.Settings.Batch
	if size == 0 {
		size = 100
	}
	changes, err := p.Log.Changes(ctx, at, size)
	if err != nil {
		return nil, at, err
	}
	_, plain := p.Function.(gateway.Follower)
	g := gathering{filter: p.Settings.Filter, plain: plain, through: at}
	if err := g.add(changes); err != nil {
		return nil, at, err
	}
	if p.Settings.Window > 0 && len(g.batch) > 0 {
		until, cancel := context.WithTimeout(ctx, p.Settings.Window)
		defer cancel()
		for !g.full && len(g.batch) < size {
			if p.Log.Wait(until, g.through) != nil {
				break
			}
			more, err := p.Log.Changes(ctx, g.through, size-len(g.batch))
			if err != nil {
				break // what there is can be delivered
			}
			if err := g.add(more); err != nil {
				return nil, at, err
			}
		}
	}
	return g.batch, g.through, nil
}

// A gathering is a batch while it is being filled.
type gathering struct {
	filter  sam.Filter
	plain   bool // as changes, without their text
	batch   []record
	through string // all changes up to here are in the batch or passed over
	total   int    // bytes
	full    bool   // the next record would be too much for an event
}

// add takes changes, up to one that the event has no room for.
func (g *gathering) add(changes []store.Change) error {
	for _, c := range changes {
		if !Wanted(g.filter, c) {
			if g.through = c.Position; len(g.batch) > 0 {
				g.batch[len(g.batch)-1].through = c.Position
			}
			continue
		}
		r := record{Change: c, through: c.Position}
		if !g.plain {
			var err error
			if r.text, err = gateway.WriteRecord(c); err != nil {
				return err
			}
		}
		if g.total += len(r.text) + 1; g.total > maxPayload-64 && len(g.batch) > 0 {
			g.full = true
			return nil
		}
		g.batch = append(g.batch, r)
		g.through = c.Position
	}
	return nil
}

// deliver gives a batch until all of it has been handled or given up, and returns the
// position behind it.
func (p Poller) deliver(ctx context.Context, batch []record, at string) (string, error) {
	defer processors.lend()()
	size, retries := len(batch), 0
	for len(batch) > 0 {
		done, cause := p.tooOld(batch), errTooOld
		if done == 0 {
			done, cause = p.invoke(ctx, batch[:size])
			if ctx.Err() != nil && done == 0 {
				return at, ctx.Err()
			}
			if done == 0 && cause != nil && size > 1 && p.Settings.Bisect {
				p.warn(ctx, batch[:size], cause)
				size /= 2
				continue
			}
			if done == 0 && (p.Settings.Retries < 0 || retries < p.Settings.Retries) {
				p.warn(ctx, batch[:size], cause)
				pause(ctx, min(100*time.Millisecond<<min(retries, 6), 5*time.Second))
				retries++
				continue
			}
			if done == 0 {
				done, cause = size, errExhausted
			}
		}
		if errors.Is(cause, errExhausted) || errors.Is(cause, errTooOld) {
			if err := p.giveUp(ctx, batch[:done], cause, retries+1); err != nil {
				return at, err
			}
		}
		at = batch[done-1].through
		if err := p.acknowledge(ctx, at); err != nil {
			return at, err
		}
		batch = batch[done:]
		size, retries = len(batch), 0
	}
	return at, nil
}

// Why records are given up, in Lambda's words.
var (
	errExhausted = errors.New("RetryAttemptsExhausted")
	errTooOld    = errors.New("RecordAgeExceeded")
)

// tooOld counts the records at the beginning of a batch that are older than the settings allow.
func (p Poller) tooOld(batch []record) int {
	if p.Settings.MaxAge == 0 {
		return 0
	}
	oldest := p.now().Add(-p.Settings.MaxAge)
	n := slices.IndexFunc(batch, func(r record) bool { return !r.At.Before(oldest) })
	if n < 0 {
		return len(batch)
	}
	return n
}

func (p Poller) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p Poller) warn(ctx context.Context, batch []record, cause error) {
	text := "records of it were reported"
	if cause != nil {
		text = cause.Error()
	}
	p.Logger.WarnContext(ctx, "stream batch failed", "reader", p.Reader, "shard", p.Shard,
		"position", batch[0].Position, "records", len(batch), "cause", text)
}

// giveUp passes over records for good.
func (p Poller) giveUp(ctx context.Context, batch []record, why error, calls int) error {
	f := Failure{
		Reader: p.Reader, Shard: p.Shard, Condition: why.Error(), Calls: calls, At: p.now().UTC(),
		First: batch[0].Position, Last: batch[len(batch)-1].Position, Records: len(batch),
		FirstAt: batch[0].At.UTC(), LastAt: batch[len(batch)-1].At.UTC(),
	}
	p.Logger.ErrorContext(ctx, "stream records given up", "reader", f.Reader, "shard", f.Shard, "condition", f.Condition,
		"first", f.First, "last", f.Last, "records", f.Records, "calls", f.Calls)
	if p.Failures == nil {
		return nil
	}
	if err := p.Failures.Keep(f); err != nil {
		return fmt.Errorf("keep what was given up: %w", err)
	}
	return nil
}

// invoke gives one batch and returns how many of its records, from the first, were
// handled; an error means that it failed as a whole.
func (p Poller) invoke(ctx context.Context, batch []record) (done int, err error) {
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	defer func() {
		if r := recover(); r != nil {
			done, err = 0, fmt.Errorf("the function panicked: %v", r)
		}
	}()
	failed, err := p.give(ctx, batch)
	if err != nil {
		return 0, err
	}
	first := len(batch)
	for _, position := range failed {
		n := slices.IndexFunc(batch, func(r record) bool { return r.Position == position })
		if n < 0 {
			return 0, errors.New("the function reported a record that was not in the batch")
		}
		first = min(first, n)
	}
	return first, nil
}

// give hands a batch over and returns the positions of the records that the function reported.
func (p Poller) give(ctx context.Context, batch []record) (failed []string, err error) {
	if f, ok := p.Function.(gateway.Follower); ok {
		changes := make([]store.Change, len(batch))
		for n, r := range batch {
			changes[n] = r.Change
		}
		if failed = f.Follow(ctx, changes); !p.Settings.Partial {
			failed = nil
		}
		return failed, nil
	}
	payload := []byte(`{"Records":[`)
	for n, r := range batch {
		if n > 0 {
			payload = append(payload, ',')
		}
		payload = append(payload, r.text...)
	}
	payload = append(payload, "]}"...)
	reply, err := p.Function.Invoke(ctx, payload)
	if err != nil || !p.Settings.Partial {
		return nil, err
	}
	var response events.DynamoDBEventResponse
	if err := json.Unmarshal(reply, &response); err != nil {
		return nil, fmt.Errorf("read the reply: %w", err)
	}
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
