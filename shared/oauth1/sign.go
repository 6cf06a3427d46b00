package oauth1

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // G505: HMAC-SHA1 is what RFC 5849 clients sign with; HMAC does not need collision resistance
	"crypto/sha256"
	"encoding/base64"
	"hash"

	"mandate/shared/secret"
)

// Method is how a request is signed.
type Method string

// Methods that are accepted (oauth1.md section 8). PLAINTEXT shows the secrets themselves, so it is
// for https only.
const (
	HMACSHA1   Method = "HMAC-SHA1"
	HMACSHA256 Method = "HMAC-SHA256"
	Plaintext  Method = "PLAINTEXT"
)

// hashes of the methods that have one.
var hashes = map[Method]func() hash.Hash{HMACSHA1: sha1.New, HMACSHA256: sha256.New}

// key joins both secrets; an absent one is empty, the ampersand stays (RFC 5849 §3.4.2).
func key(consumer, token secret.Text) string {
	return Encode(consumer.Reveal()) + "&" + Encode(token.Reveal())
}

// Sign is the signature of a base string, as it stands in a decoded oauth_signature; ""
// for a method that is none of ours.
func Sign(m Method, base string, consumer, token secret.Text) string {
	if m == Plaintext {
		return key(consumer, token)
	}
	if hashes[m] == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(mac(m, base, consumer, token))
}

func mac(m Method, base string, consumer, token secret.Text) []byte {
	h := hmac.New(hashes[m], []byte(key(consumer, token)))
	h.Write([]byte(base))
	return h.Sum(nil)
}

// Verify reports whether a signature is that of any of the base strings. It computes all,
// compares in constant time, and takes one text of a signature only: neither which one fits nor how much of it shows in the time.
func Verify(m Method, signature string, consumer, token secret.Text, bases ...string) bool {
	if m == Plaintext {
		return len(bases) > 0 && secret.New(signature).Equal(secret.New(key(consumer, token)))
	}
	if hashes[m] == nil {
		return false
	}
	given, err := base64.StdEncoding.Strict().DecodeString(signature)
	fits := false
	for _, base := range bases {
		if hmac.Equal(mac(m, base, consumer, token), given) {
			fits = true
		}
	}
	return fits && err == nil
}
