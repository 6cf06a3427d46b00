package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"mandate/shared/notify"
)

// source is what events on the bus come from.
const source = "mandate"

// What one call takes (PutEvents in the EventBridge API reference). Size is of the entry's
// detail, type and source.
const (
	maxEntries = 10
	maxBytes   = 256 << 10
)

// attempts is how often an entry is sent that the bus did not take; then the stream gives
// its change again.
const attempts = 4

// bus puts notices on an EventBridge bus. A receiver tells repeated ones by detail.id.
type bus struct {
	client interface {
		PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, o ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
	}
	name  string
	pause time.Duration // before the first repetition; doubled each time
}

// newBus makes a bus of its name or ARN from a function's environment. An address is for
// emulators only; in the cloud it is the region's own.
func newBus(name string, env func(string) string) (*bus, error) {
	keys := aws.Credentials{
		AccessKeyID: env("AWS_ACCESS_KEY_ID"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY"), SessionToken: env("AWS_SESSION_TOKEN"),
	}
	if !keys.HasKeys() || env("AWS_REGION") == "" {
		return nil, errors.New("EVENT_BUS: no credentials or region in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION)")
	}
	o := eventbridge.Options{
		Region:      env("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
	}
	switch address := env("EVENTS_ENDPOINT"); {
	case address != "":
		o.BaseEndpoint = aws.String(address)
	case env("AWS_LAMBDA_RUNTIME_API") == "" || env("AWS_SAM_LOCAL") != "" || env("LOCALSTACK_HOSTNAME") != "":
		return nil, errors.New("EVENT_BUS: outside AWS there must be an address of the bus (EVENTS_ENDPOINT)")
	}
	return &bus{client: eventbridge.New(o), name: name, pause: 100 * time.Millisecond}, nil
}

// Tell puts all notices, as many at once as the bus takes. Those that it refuses are
// repeated; the others are not.
func (b *bus) Tell(ctx context.Context, notices []notify.Notice) []error {
	errs := make([]error, len(notices))
	left := make([]int, 0, len(notices))
	for n, notice := range notices {
		if size(notice) > maxBytes {
			errs[n] = fmt.Errorf("notice %s of %d bytes is too large for the bus", notice.ID, size(notice))
			continue
		}
		left = append(left, n)
	}
	for try := range attempts {
		if try > 0 && !wait(ctx, b.pause<<(try-1)) {
			break
		}
		if left = b.round(ctx, notices, left, errs); len(left) == 0 {
			break
		}
	}
	return errs
}

func size(n notify.Notice) int { return len(n.Detail) + len(n.Type) + len(source) }

// round puts those that are left and returns those that were not taken.
func (b *bus) round(ctx context.Context, notices []notify.Notice, left []int, errs []error) (again []int) {
	for len(left) > 0 {
		n, bytes := 0, 0
		for n < len(left) && n < maxEntries && bytes+size(notices[left[n]]) <= maxBytes {
			bytes += size(notices[left[n]])
			n++
		}
		again = append(again, b.put(ctx, notices, left[:n], errs)...)
		left = left[n:]
	}
	return again
}

func (b *bus) put(ctx context.Context, notices []notify.Notice, some []int, errs []error) (again []int) {
	in := &eventbridge.PutEventsInput{}
	for _, n := range some {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: aws.String(source), DetailType: &notices[n].Type, Time: &notices[n].At,
			Detail: aws.String(string(notices[n].Detail)),
		})
	}
	out, err := b.client.PutEvents(ctx, in)
	for i, n := range some {
		switch {
		case err != nil:
			errs[n] = fmt.Errorf("put notice %s on bus %s: %w", notices[n].ID, b.name, err)
		case i >= len(out.Entries):
			errs[n] = fmt.Errorf("put notice %s on bus %s: the reply does not say what became of it", notices[n].ID, b.name)
		case out.Entries[i].ErrorCode != nil:
			e := out.Entries[i]
			errs[n] = fmt.Errorf("put notice %s on bus %s: %s: %s", notices[n].ID, b.name, *e.ErrorCode, aws.ToString(e.ErrorMessage))
		default:
			errs[n] = nil
			continue
		}
		again = append(again, n)
	}
	return again
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
