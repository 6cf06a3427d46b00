// Package retry repeats what a table could not do at once. It decides how long a request
// waits for a table that is throttled, contended or away before it says 503; what it does
// not decide is whether repeating is safe, because a [store.RequestID] makes every write so.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"mandate/shared/store"
)

// Options bound the retries. The zero value is for production.
type Options struct {
	Bound time.Duration // of all attempts of one call; 3 s when 0
	First time.Duration // longest pause before the second attempt; 10 ms when 0
	Most  time.Duration // longest pause at all; 500 ms when 0
}

type contextKey struct{}

// Patient gives the calls under the context another bound. Writes that end somebody's
// authority ask for a long one: nobody may starve them by writing to the same items
// (design.md section 4, law 9).
func Patient(ctx context.Context, bound time.Duration) context.Context {
	return context.WithValue(ctx, contextKey{}, bound)
}

type table struct {
	store.Table
	o Options
}

// New repeats calls that failed with [store.ErrContended] or [store.ErrUnavailable], a
// write with its id, after pauses drawn between zero and a limit that doubles ("full
// jitter"), until the bound or the end of the context. Then it fails with
// [store.ErrUnavailable] that wraps the last cause.
func New(t store.Table, o Options) store.Table {
	if o.Bound == 0 {
		o.Bound = 3 * time.Second
	}
	if o.First == 0 {
		o.First = 10 * time.Millisecond
	}
	if o.Most == 0 {
		o.Most = 500 * time.Millisecond
	}
	return &table{t, o}
}

// Read implements [store.Table].
func (t *table) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	items, err := t.Table.Read(ctx, keys...)
	err = t.repeat(ctx, err, func(ctx context.Context) (err error) {
		items, err = t.Table.Read(ctx, keys...)
		return err
	})
	return items, err
}

// Query implements [store.Table].
func (t *table) Query(ctx context.Context, r store.Range) (store.Page, error) {
	page, err := t.Table.Query(ctx, r)
	err = t.repeat(ctx, err, func(ctx context.Context) (err error) {
		page, err = t.Table.Query(ctx, r)
		return err
	})
	return page, err
}

// Write implements [store.Table].
func (t *table) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	err := t.Table.Write(ctx, id, m...)
	return t.repeat(ctx, err, func(ctx context.Context) error { return t.Table.Write(ctx, id, m...) })
}

func passing(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrContended)
}

// repeat goes on after a first attempt, which ran under the caller's own context so that
// what works at once, nearly everything, pays nothing.
func (t *table) repeat(ctx context.Context, err error, attempt func(context.Context) error) error {
	if !passing(err) {
		return err
	}
	bound, ok := ctx.Value(contextKey{}).(time.Duration)
	if !ok {
		bound = t.o.Bound
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	for attempts, limit := 1, t.o.First; ; attempts, limit = attempts+1, min(2*limit, t.o.Most) {
		if !pause(ctx, rand.N(limit)) { //nolint:gosec // G404: spreads retries, hides nothing
			return fmt.Errorf("%w after %d attempts: %w", store.ErrUnavailable, attempts, err)
		}
		if err = attempt(ctx); !passing(err) {
			return err
		}
	}
}

// pause reports whether the context outlived the pause.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
