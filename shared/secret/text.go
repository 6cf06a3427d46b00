// Package secret keeps what must not be seen: text that redacts itself wherever it could
// be printed, compares in constant time, and is stored only as a digest; password hashes;
// and the ring of keys that seals what must be readable again.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a token, password or shared secret from the first decode to the last encode.
// Every way of printing it says "[redacted]"; Reveal is worth a reviewer's glance.
type Text struct{ s string }

// New wraps a secret.
func New(s string) Text { return Text{s} }

// String redacts.
func (Text) String() string { return redacted }

// GoString redacts for %#v.
func (Text) GoString() string { return redacted }

// LogValue redacts for slog.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts: a secret that is meant for a caller is revealed on purpose.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reveal gives the plain text.
func (t Text) Reveal() string { return t.s }

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.s == "" }

// Equal compares digests in constant time, so that neither length nor content shows.
func (t Text) Equal(u Text) bool { return t.Digest().Equal(u.Digest()) }

// Digest is SHA-256 of a high-entropy secret: what the table stores instead of it. Not
// for passwords, which are guessable and need a slow hash.
type Digest [sha256.Size]byte

// Digest of the secret.
func (t Text) Digest() Digest { return sha256.Sum256([]byte(t.s)) }

// Equal compares in constant time.
func (d Digest) Equal(e Digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }
