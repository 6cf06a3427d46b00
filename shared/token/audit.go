package token

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"mandate/shared/secret"
)

// AuditID names a token where the token itself must not be shown. It is derived from the
// key id and nonce at the beginning of the sealed text, so that it costs no room in it.
type AuditID [16]byte

// auditOf is the audit id of a sealed text of at least secret.SealedHead bytes.
func auditOf(sealed []byte) AuditID {
	sum := sha256.Sum256(sealed[:secret.SealedHead])
	return AuditID(sum[:len(AuditID{})])
}

// Hex is the form in keys: 32 hex digits.
func (a AuditID) Hex() string { return hex.EncodeToString(a[:]) }

// String is the form on the wire, as Keystone has it: 22 characters of URL-safe base64
// without padding.
func (a AuditID) String() string { return wireBase64.EncodeToString(a[:]) }

// wireBase64 refuses stray bits at the end, so that one value has one text.
var wireBase64 = base64.RawURLEncoding.Strict()

// ParseAuditID reads the form on the wire.
func ParseAuditID(wire string) (AuditID, error) {
	b, err := wireBase64.DecodeString(wire)
	if err != nil || len(b) != len(AuditID{}) || len(wire) != wireBase64.EncodedLen(len(b)) { // DecodeString skips line ends
		return AuditID{}, errors.New("not an audit id")
	}
	return AuditID(b), nil
}

// auditFromHex reads the form in keys.
func auditFromHex(s string) (AuditID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(AuditID{}) {
		return AuditID{}, fmt.Errorf("audit id %q is not 32 hex digits", s)
	}
	return AuditID(b), nil
}
