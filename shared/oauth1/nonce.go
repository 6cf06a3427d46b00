package oauth1

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"mandate/shared/store"
)

// Burn is the mutation that uses a signed request up: it is refused when the same consumer
// has sent the same timestamp and nonce for the same token before (RFC 5849 §3.3). It goes
// into the first write that follows from the request, and only after the signature was
// found good: a forged request burns nothing. false when requests may be repeated.
func (s *Service) Burn(r Request) (store.Mutation, bool) {
	if s.settings.Repeats {
		return store.Mutation{}, false
	}
	// No part can hold a line end: they are printable, or unlike any id that exists.
	sum := sha256.Sum256([]byte(r.Token() + "\n" + r.Params.Get(paramTimestamp) + "\n" + r.Params.Get(paramNonce)))
	return store.Create(store.Nonce(r.Key(), hex.EncodeToString(sum[:])), store.Item{
		store.AttrType: "nonce", store.AttrTTL: s.now().Add(nonceLife).Unix(),
	}), true
}

// nonceLife is how long a used request is remembered: longer than its timestamp can be
// good for.
const nonceLife = 2*window*time.Second + time.Hour

// burning puts the nonce before other mutations.
func (s *Service) burning(r Request, write ...store.Mutation) []store.Mutation {
	if burn, ok := s.Burn(r); ok {
		return append([]store.Mutation{burn}, write...)
	}
	return write
}

// Replayed reports whether a write was refused because its request had been used before.
func (s *Service) Replayed(r Request, refused *store.Refused) bool {
	burn, ok := s.Burn(r)
	return ok && refused.Key == burn.Key
}
