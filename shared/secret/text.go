// Package secret keeps what must not be seen: text that redacts itself wherever it could
// be printed, compares in constant time, and is stored only as a digest; password hashes,
// today's and those that Keystone wrote; and the ring of keys that seals what must be
// readable again.
//
//	password := secret.New(body.Password)
//	slog.Info("login", "password", password) // password=[redacted]
//	ok, rehash, err := hasher.Verify(ctx, hash, password)
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a token, password or shared secret from the first decode to the last encode.
// Every way of printing it says "[redacted]"; Reveal is worth a reviewer's glance.
//
// The text stands behind a pointer, because package fmt calls no methods on what it finds
// in unexported fields: a struct that holds a Text there prints an address. Texts are
// compared with Equal; == compares addresses.
type Text struct{ s *string }

// New wraps a secret.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// String redacts.
func (Text) String() string { return redacted }

// Format redacts for every verb of package fmt, known or not.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue redacts for slog.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText redacts for JSON and whatever else encodes text: a secret that is meant for
// a caller is revealed on purpose.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Reveal gives the plain text.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.s == nil }

// Equal compares digests in constant time, so that neither length nor content shows.
func (t Text) Equal(u Text) bool { return t.Digest().Equal(u.Digest()) }

// Digest is SHA-256 of a high-entropy secret: what the table stores instead of it. Not
// for passwords, which are guessable and need a slow hash.
type Digest [sha256.Size]byte

// Digest of the secret.
func (t Text) Digest() Digest { return sha256.Sum256([]byte(t.Reveal())) }

// Equal compares in constant time.
func (d Digest) Equal(e Digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }
