package secret

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Sealed text is a Tink prefix (0x01 and the key's id), a random nonce, and what
// XAES-256-GCM makes of the plain text (https://c2sp.org/XAES-256-GCM). The nonce is long
// enough to be drawn at random for ever. Prefix and nonce together are one of a kind.
const (
	prefixBytes = 5
	nonceBytes  = 24
	tagBytes    = 16

	// SealedHead is how many bytes at the beginning of a sealed text are key id and nonce.
	SealedHead = prefixBytes + nonceBytes
	// SealedOverhead is how much longer a sealed text is than its plain text.
	SealedOverhead = SealedHead + tagBytes
)

var (
	// ErrUnknownKey says that a text may be sealed, but with a key that the ring has not.
	ErrUnknownKey = errors.New("sealed with an unknown key")
	// ErrNotSealed says that a text was not sealed by this ring with this associated data.
	ErrNotSealed = errors.New("not sealed by this ring")
)

// Ring is a set of sealing keys: one that seals, and all those that are accepted. It does
// not change; Add, Promote and Retire make the ring that is to follow it. It is safe for
// concurrent use and prints its key ids only.
type Ring struct {
	handle  *keyset.Handle
	aead    tink.AEAD // one for all requests: building it costs more than using it
	primary uint32
	ids     []uint32
	version int64
}

// NewRing makes the first ring of a deployment, with one new key.
func NewRing() (*Ring, error) {
	handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	return newRing(handle, 1)
}

func newRing(handle *keyset.Handle, version int64) (*Ring, error) {
	r := &Ring{handle: handle, version: version}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("key %d of keyset: %w", i, err)
		}
		p, ok := entry.Key().Parameters().(*xaesgcm.Parameters)
		if !ok || p.Variant() != xaesgcm.VariantTink || p.SaltSizeInBytes()+12 != nonceBytes || entry.KeyStatus() != keyset.Enabled {
			return nil, fmt.Errorf("key %08x of keyset is not an enabled XAES_256_GCM_192_BIT_NONCE", entry.KeyID())
		}
		r.ids = append(r.ids, entry.KeyID())
	}
	primary, err := handle.Primary()
	if err != nil {
		return nil, fmt.Errorf("keyset: %w", err)
	}
	r.primary = primary.KeyID()
	if r.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("keyset: %w", err)
	}
	return r, nil
}

// Version counts the changes of the deployment's keyset, from 1.
func (r *Ring) Version() int64 { return r.version }

// Primary is the id of the key that seals.
func (r *Ring) Primary() uint32 { return r.primary }

// Keys are the ids of all accepted keys.
func (r *Ring) Keys() []uint32 { return slices.Clone(r.ids) }

// Has reports whether the ring has the key that a text claims to be sealed with. It does
// not say that the claim is true.
func (r *Ring) Has(sealed []byte) bool {
	id, ok := KeyID(sealed)
	return ok && slices.Contains(r.ids, id)
}

// String names the keys without showing them.
func (r *Ring) String() string {
	return fmt.Sprintf("ring version %d with keys %08x, sealing with %08x", r.version, r.ids, r.primary)
}

// KeyID is the id of the key that a text claims to be sealed with; not ok when the text
// does not have the form of a sealed one.
func KeyID(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < SealedOverhead || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:prefixBytes]), true
}

// Seal encrypts a text, which opens with the same associated data only.
func (r *Ring) Seal(plain, associated []byte) ([]byte, error) {
	sealed, err := r.aead.Encrypt(plain, associated)
	if err != nil {
		return nil, fmt.Errorf("seal with key %08x: %w", r.primary, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made. It fails with ErrUnknownKey or ErrNotSealed.
func (r *Ring) Open(sealed, associated []byte) ([]byte, error) {
	if _, ok := KeyID(sealed); !ok {
		return nil, ErrNotSealed
	}
	if !r.Has(sealed) {
		return nil, ErrUnknownKey
	}
	plain, err := r.aead.Decrypt(sealed, associated)
	if err != nil {
		return nil, ErrNotSealed // Tink's own error says no more
	}
	return plain, nil
}

// Reseal seals anew what another key of the ring sealed than the one that seals now. What
// that key sealed, and what the ring cannot open because it never had the key, stays: then
// there is nothing to replace it with.
func (r *Ring) Reseal(sealed, associated []byte) (anew []byte, replaced bool, err error) {
	if id, ok := KeyID(sealed); !ok || id == r.primary || !r.Has(sealed) {
		return sealed, false, nil
	}
	plain, err := r.Open(sealed, associated)
	if err != nil {
		return nil, false, err
	}
	anew, err = r.Seal(plain, associated)
	return anew, err == nil, err
}

// Add returns the ring with one new key that is accepted but does not seal yet, so that
// every instance can come to know it first.
func (r *Ring) Add() (next *Ring, id uint32, err error) {
	next, err = r.change(func(m *keyset.Manager) error {
		id, err = m.Add(aead.XAES256GCM192BitNonceKeyTemplate())
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("add a key: %w", err)
	}
	return next, id, nil
}

// Promote returns the ring with the key that seals from now on.
func (r *Ring) Promote(id uint32) (*Ring, error) {
	next, err := r.change(func(m *keyset.Manager) error { return m.SetPrimary(id) })
	if err != nil {
		return nil, fmt.Errorf("promote key %08x: %w", id, err)
	}
	return next, nil
}

// Retire returns the ring without a key. Nothing that it sealed opens again, so this comes
// after all of it has expired or been sealed anew. The key that seals cannot be retired.
func (r *Ring) Retire(id uint32) (*Ring, error) {
	next, err := r.change(func(m *keyset.Manager) error { return m.Delete(id) })
	if err != nil {
		return nil, fmt.Errorf("retire key %08x: %w", id, err)
	}
	return next, nil
}

func (r *Ring) change(edit func(*keyset.Manager) error) (*Ring, error) {
	m := keyset.NewManagerFromHandle(r.handle)
	if err := edit(m); err != nil {
		return nil, err
	}
	handle, err := m.Handle()
	if err != nil {
		return nil, err
	}
	return newRing(handle, r.version+1)
}

// A Wrapper protects the keyset where it is stored: a master key file, or a key that
// never leaves KMS. What Wrap made, Unwrap opens with the same associated data only.
type Wrapper interface {
	Wrap(ctx context.Context, plain, associated []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error)
}

// keysetPurpose is the associated data of the wrapped keyset. The deployment's id is not
// in it: after a restore that changes, and what was sealed besides tokens must still open.
var keysetPurpose = []byte("mandate keyset 1")

// wrap serialises the ring and wraps it.
func (r *Ring) wrap(ctx context.Context, w Wrapper) ([]byte, error) {
	var b bytes.Buffer
	by := &wrapping{by: w}
	if err := r.handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&b), by, keysetPurpose); err != nil {
		return nil, fmt.Errorf("wrap the keyset: %w", cmp.Or(by.err, err))
	}
	return b.Bytes(), nil
}

// unwrap reads what wrap wrote.
func unwrap(ctx context.Context, w Wrapper, wrapped []byte, version int64) (*Ring, error) {
	by := &wrapping{by: w}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), by, keysetPurpose)
	if err != nil {
		return nil, fmt.Errorf("unwrap the keyset (is this the key it was wrapped with?): %w", cmp.Or(by.err, err))
	}
	return newRing(handle, version)
}

// wrapping is a Wrapper under the names that Tink has for it. It keeps the error, of which
// Tink tells the text only.
type wrapping struct {
	by  Wrapper
	err error
}

// EncryptWithContext wraps.
func (w *wrapping) EncryptWithContext(ctx context.Context, plain, associated []byte) (wrapped []byte, err error) {
	wrapped, w.err = w.by.Wrap(ctx, plain, associated)
	return wrapped, w.err
}

// DecryptWithContext unwraps.
func (w *wrapping) DecryptWithContext(ctx context.Context, wrapped, associated []byte) (plain []byte, err error) {
	plain, w.err = w.by.Unwrap(ctx, wrapped, associated)
	return plain, w.err
}
