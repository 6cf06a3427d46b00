// Package kms protects the keyset by a key that never leaves AWS KMS. It is asked when a
// function starts and when the keyset has changed, never for a single request.
//
// What it wraps says in its encryption context what it is and for which table it was made
// (https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html): the policy
// of a function's role names the table too, so that one deployment cannot unwrap the keyset
// of another that shares its key. The table's name stands before the ciphertext, because a
// table that was restored from a backup has another name than the one that was wrapped for.
package kms

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"mandate/shared/cloud"
	"mandate/shared/store"
)

// Names in the encryption context; template.yaml has them in a role's policy.
const (
	contextPurpose = "mandate:purpose"
	contextTable   = "mandate:table"
)

// maxPlain is what KMS encrypts at most (API reference, Encrypt).
const maxPlain = 4096

// Options say which key is meant and how it is reached.
type Options struct {
	KeyARN string // KMS_KEY_ARN
	Table  string // name of the table that the keyset is for
	cloud.Place
}

// Key is a secret.Wrapper by a key of KMS. It is safe for concurrent use.
type Key struct {
	client *sdk.Client
	arn    string
	table  string
}

// New makes a Key. It sends nothing.
func New(o Options) (*Key, error) {
	parts := strings.SplitN(o.KeyARN, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kms" || !strings.HasPrefix(parts[5], "key/") {
		return nil, fmt.Errorf("KMS_KEY_ARN=%q: must be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID)", o.KeyARN)
	}
	if err := o.Check("KMS_ENDPOINT"); err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	if o.Endpoint == "" && parts[3] != o.Region {
		return nil, fmt.Errorf("KMS_KEY_ARN=%q: the key is of another region than the function (AWS_REGION=%q)", o.KeyARN, o.Region)
	}
	credentials, err := o.Credentials()
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return &Key{arn: o.KeyARN, table: o.Table, client: sdk.New(sdk.Options{
		Region: o.SigningRegion(), BaseEndpoint: o.BaseEndpoint(), Credentials: credentials, HTTPClient: cloud.HTTPClient(),
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = 3, 200*time.Millisecond }),
	})}, nil
}

func encryptionContext(table string, purpose []byte) map[string]string {
	return map[string]string{contextPurpose: string(purpose), contextTable: table}
}

// Wrap encrypts in KMS: the length of the table's name in two bytes, the name, the ciphertext.
func (k *Key) Wrap(ctx context.Context, plain, associated []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("%d bytes are more than KMS encrypts", len(plain))
	}
	out, err := k.client.Encrypt(ctx, &sdk.EncryptInput{
		KeyId: aws.String(k.arn), Plaintext: plain, EncryptionContext: encryptionContext(k.table, associated),
	})
	if err != nil {
		return nil, k.failure(ctx, "Encrypt", err)
	}
	wrapped := binary.BigEndian.AppendUint16(nil, uint16(len(k.table))) //nolint:gosec // G115: names of tables have 255 characters at most
	return append(append(wrapped, k.table...), out.CiphertextBlob...), nil
}

var errForm = errors.New("what is stored was not wrapped by KMS; has it been wrapped by a master key file?")

// Unwrap decrypts in KMS what Wrap made, with this very key.
func (k *Key) Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	if len(wrapped) < 2 {
		return nil, errForm
	}
	table, blob := wrapped[2:], []byte(nil)
	if n := int(binary.BigEndian.Uint16(wrapped)); n < len(table) {
		table, blob = table[:n], table[n:]
	}
	if len(blob) == 0 || bytes.ContainsFunc(table, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errForm
	}
	out, err := k.client.Decrypt(ctx, &sdk.DecryptInput{
		KeyId: aws.String(k.arn), CiphertextBlob: blob, EncryptionContext: encryptionContext(string(table), associated),
	})
	if err != nil {
		return nil, k.failure(ctx, "Decrypt", err)
	}
	return out.Plaintext, nil
}

// transient is the SDK's own list of answers that may be others soon.
var transient = retry.IsErrorRetryables(retry.DefaultRetryables)

// failure says in one line what an error of KMS means: store.ErrUnavailable when it may
// pass, which becomes 503, and otherwise what the operator has to look at.
func (k *Key) failure(ctx context.Context, call string, err error) error {
	var answer smithy.APIError
	var unsent *smithyhttp.RequestSendError
	passing := ctx.Err() != nil || errors.As(err, &unsent) || transient.IsErrorRetryable(err).Bool()
	text := strings.Join(strings.Fields(err.Error()), " ")
	if errors.As(err, &answer) {
		switch answer.ErrorCode() {
		case "DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException", "LimitExceededException":
			passing = true
		}
		text = answer.ErrorCode() + ": " + strings.Join(strings.Fields(answer.ErrorMessage()), " ")
	}
	err = fmt.Errorf("KMS_KEY_ARN=%s: %s: %s", k.arn, call, text)
	if passing {
		return Unavailable{err}
	}
	return err
}

// Unavailable is store.ErrUnavailable without its words, which are about the table.
type Unavailable struct{ error }

// Is says so to errors.Is.
func (Unavailable) Is(target error) bool { return target == store.ErrUnavailable }
