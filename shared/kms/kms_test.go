package kms_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/cloud"
	"mandate/shared/kms"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/test/fakekms"
)

func key(t *testing.T, k *fakekms.KMS, table string) *kms.Key {
	t.Helper()
	made, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: table, Place: cloud.Place{Endpoint: k.Endpoint}})
	require.NoError(t, err)
	return made
}

func TestWrap(t *testing.T) {
	k := fakekms.New(t)
	wrapped, err := key(t, k, "mandate").Wrap(t.Context(), []byte("plain"), []byte("purpose"))
	require.NoError(t, err)
	assert.NotContains(t, string(wrapped), "plain")
	plain, err := key(t, k, "mandate").Unwrap(t.Context(), wrapped, []byte("purpose"))
	require.NoError(t, err)
	assert.Equal(t, "plain", string(plain))

	restored, err := key(t, k, "mandate-restored").Unwrap(t.Context(), wrapped, []byte("purpose"))
	require.NoError(t, err, "a table that was restored has another name")
	assert.Equal(t, "plain", string(restored))

	_, err = key(t, k, "mandate").Unwrap(t.Context(), wrapped, []byte("another purpose"))
	require.ErrorContains(t, err, "InvalidCiphertextException")
	relabelled := bytes.Replace(wrapped, []byte("mandate"), []byte("mandata"), 1)
	_, err = key(t, k, "mandate").Unwrap(t.Context(), relabelled, []byte("purpose"))
	require.ErrorContains(t, err, "InvalidCiphertextException", "the table's name is part of what KMS checks")
	calls := k.Calls("Decrypt")
	for _, garbage := range [][]byte{nil, {0}, {0, 7}, []byte("\x00\x07mandate"), []byte("\xff\xffmandate and more"), []byte("\x01\x02" + strings.Repeat("\x00", 600))} {
		_, err = key(t, k, "mandate").Unwrap(t.Context(), garbage, nil)
		require.ErrorContains(t, err, "not wrapped by KMS", "%q", garbage)
	}
	assert.Equal(t, calls, k.Calls("Decrypt"), "KMS is not asked about what it cannot have wrapped")
	_, err = key(t, k, "mandate").Wrap(t.Context(), make([]byte, 4097), nil)
	require.ErrorContains(t, err, "more than KMS encrypts")
}

func TestNewRefuses(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for name, c := range map[string]struct {
		arn    string
		place  cloud.Place
		reason string
	}{
		"a key's id":        {"1234abcd", cloud.Place{Endpoint: "http://127.0.0.1:1"}, "must be the ARN"},
		"an alias":          {"arn:aws:kms:eu-west-1:1:alias/x", cloud.Place{Endpoint: "http://127.0.0.1:1"}, "must be the ARN"},
		"outside of AWS":    {fakekms.ARN, cloud.Place{Region: "us-east-1"}, "KMS_ENDPOINT"},
		"another region":    {fakekms.ARN, cloud.Place{Region: "eu-west-1", Cloud: true}, `AWS_REGION="eu-west-1"`},
		"no region":         {fakekms.ARN, cloud.Place{Cloud: true}, "AWS_REGION"},
		"no endpoint's URL": {fakekms.ARN, cloud.Place{Endpoint: "kms.internal"}, "KMS_ENDPOINT"},
	} {
		_, err := kms.New(kms.Options{KeyARN: c.arn, Table: "t", Place: c.place})
		require.ErrorContains(t, err, c.reason, name)
	}
	_, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: "t", Place: cloud.Place{Region: "us-east-1", Cloud: true}})
	require.NoError(t, err)
}

// TestFailures: what may pass is unavailable, which becomes 503; the rest names the variable
// and what KMS says, in one line.
func TestFailures(t *testing.T) {
	k := fakekms.New(t)
	wrapped, err := key(t, k, "mandate").Wrap(t.Context(), []byte("plain"), nil)
	require.NoError(t, err)
	for code, passing := range map[string]bool{
		"503": true, "ThrottlingException": true, "KMSInternalException": true, "DependencyTimeoutException": true, "KeyUnavailableException": true,
		"AccessDeniedException": false, "DisabledException": false, "KMSInvalidStateException": false, "NotFoundException": false, "IncorrectKeyException": false,
	} {
		k.Fail(code, "two\nlines")
		_, err := key(t, k, "mandate").Unwrap(t.Context(), wrapped, nil)
		require.Error(t, err, code)
		assert.Equal(t, passing, errors.Is(err, store.ErrUnavailable), "%s: %v", code, err)
		assert.ErrorContains(t, err, "KMS_KEY_ARN="+fakekms.ARN)
		assert.NotContains(t, err.Error(), "\n")
		if code != "503" {
			assert.ErrorContains(t, err, code)
		}
	}
}

// TestUnreachable: nobody listens.
func TestUnreachable(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	away, err := kms.New(kms.Options{KeyARN: fakekms.ARN, Table: "t", Place: cloud.Place{Endpoint: "http://" + l.Addr().String()}})
	require.NoError(t, err)
	_, err = away.Wrap(t.Context(), []byte("plain"), nil)
	require.ErrorIs(t, err, store.ErrUnavailable)
}

// TestOnceAColdStart: KMS unwraps when a process starts, and when the keyset has changed.
func TestOnceAColdStart(t *testing.T) {
	k := fakekms.New(t)
	table, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	now := time.Unix(1_800_000_000, 0)
	open := func(existing bool) (*secret.Rings, error) {
		return secret.OpenRings(t.Context(), secret.RingsOptions{
			Table: table, Wrapper: key(t, k, "mandate"), Now: func() time.Time { return now }, Existing: existing,
		})
	}
	_, err = open(true)
	require.ErrorIs(t, err, secret.ErrNoKeyset, "a function that only reads makes none")
	first, err := open(false)
	require.NoError(t, err)
	second, err := open(true)
	require.NoError(t, err)
	require.Equal(t, 2, k.Calls("Decrypt"))
	for range 100 {
		now = now.Add(secret.LookAgain)
		_, err := second.Seal(t.Context(), []byte("plain"), nil)
		require.NoError(t, err)
	}
	require.Equal(t, 2, k.Calls("Decrypt"), "a look that finds the same keyset asks nobody")

	added, _, err := first.Ring().Add()
	require.NoError(t, err)
	m, err := first.Replacement(t.Context(), added)
	require.NoError(t, err)
	require.NoError(t, table.Write(t.Context(), store.NewRequestID(), m))
	require.NoError(t, second.Reload(t.Context()))
	require.Equal(t, added.Keys(), second.Ring().Keys())
	require.Equal(t, 3, k.Calls("Decrypt"))
}
