package dynamodb_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
)

// errUnknown stands for an error that is none of the waist's.
var errUnknown = errors.New("unknown")

func requireMeans(t *testing.T, want, err error) {
	t.Helper()
	require.Error(t, err)
	for _, known := range []error{store.ErrUnavailable, store.ErrContended, store.ErrInvalid} {
		assert.Equal(t, errors.Is(want, known), errors.Is(err, known), "%v: %v", known, err)
	}
	_, isRefused := store.AsRefused(err)
	assert.False(t, isRefused, "%v", err)
}

// TestFailures meets every other answer, and none, on every kind of request.
func TestFailures(t *testing.T) {
	const bad = http.StatusBadRequest
	answers := map[string]struct {
		reply reply
		err   error
		want  error
	}{
		"throughput exceeded":      {reply: fault(bad, "ProvisionedThroughputExceededException", ""), want: store.ErrUnavailable},
		"throttled":                {reply: fault(bad, "ThrottlingException", ""), want: store.ErrUnavailable},
		"request limit":            {reply: fault(bad, "RequestLimitExceeded", ""), want: store.ErrUnavailable},
		"internal error":           {reply: fault(500, "InternalServerError", ""), want: store.ErrUnavailable},
		"unavailable":              {reply: fault(503, "ServiceUnavailable", ""), want: store.ErrUnavailable},
		"bad gateway":              {reply: reply{status: 502, body: "<html>"}, want: store.ErrUnavailable},
		"conflict":                 {reply: fault(bad, "TransactionConflictException", ""), want: store.ErrContended},
		"transaction in progress":  {reply: fault(bad, "TransactionInProgressException", ""), want: store.ErrContended},
		"conflict between regions": {reply: fault(bad, "ReplicatedWriteConflictException", ""), want: store.ErrContended},
		"validation":               {reply: fault(bad, "ValidationException", ""), want: store.ErrInvalid},
		"token of another write":   {reply: fault(bad, "IdempotentParameterMismatchException", ""), want: store.ErrInvalid},
		"no permission":            {reply: fault(bad, "AccessDeniedException", ""), want: errUnknown},
		"no table":                 {reply: fault(bad, "ResourceNotFoundException", ""), want: errUnknown},
		"answer cut short":         {reply: ok(`{"Responses":{"man`), want: store.ErrUnavailable},
		"answer that is no JSON":   {reply: ok(`<html>`), want: store.ErrUnavailable},
		"connection refused":       {err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, want: store.ErrUnavailable},
		"connection lost":          {err: io.ErrUnexpectedEOF, want: store.ErrUnavailable},
		"connection reset":         {err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}, want: store.ErrUnavailable},
		"no such host":             {err: &net.DNSError{IsNotFound: true}, want: store.ErrUnavailable},
	}
	k := store.User("u")
	calls := map[string]func(context.Context, store.Table) error{
		"read": func(ctx context.Context, table store.Table) error { _, err := table.Read(ctx, k); return err },
		"query": func(ctx context.Context, table store.Table) error {
			_, err := table.Query(ctx, store.Partition(k))
			return err
		},
		"create": func(ctx context.Context, table store.Table) error {
			return table.Write(ctx, store.NewRequestID(), store.Create(k, nil).Lasting())
		},
		"update": func(ctx context.Context, table store.Table) error {
			return table.Write(ctx, store.NewRequestID(), store.Update(k).Set("a", "b").Lasting())
		},
		"transaction": func(ctx context.Context, table store.Table) error {
			return table.Write(ctx, store.NewRequestID(), store.Delete(k))
		},
	}
	for name, a := range answers {
		for call, do := range calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				n := &network{answer: func(int, request) (reply, error) { return a.reply, a.err }}
				requireMeans(t, a.want, do(t.Context(), n.table(t)))
				require.Len(t, n.sent, 1, "repeating is not the engine's")
			})
		}
	}
	t.Run("no answer in time", func(t *testing.T) {
		for call, do := range calls {
			t.Run(call, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				n := &network{answer: func(int, request) (reply, error) { <-ctx.Done(); return reply{}, ctx.Err() }}
				requireMeans(t, store.ErrUnavailable, do(ctx, n.table(t)))
			})
		}
	})
}

// TestSilence meets a server that takes a request and says nothing, with a context that
// does not end: the engine's own bound must.
func TestSilence(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // a test's
	table, err := newTable("http://" + listener.Addr().String())
	require.NoError(t, err)
	_, err = table.Read(t.Context(), store.Keyset())
	requireMeans(t, store.ErrUnavailable, err)
}
