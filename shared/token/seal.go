package token

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mandate/shared/secret"
	"mandate/shared/store"
)

// ErrNotAToken says that a text is none that this deployment made: garbage, cut, too
// long, of another deployment, changed, or sealed with a key that is no longer accepted.
var ErrNotAToken = errors.New("not a token of this deployment")

// sealer makes and opens tokens with the deployment's ring:
//
//	text = base64url(XAES-256-GCM(hints))          without padding, at most maxText characters
//
// The format's version and the deployment's id are associated data, so that a token of
// one deployment is nothing to another, even under the same keys.
type sealer struct {
	rings      *secret.Rings
	associated []byte
}

// NewSealer seals with a deployment's keys.
func NewSealer(rings *secret.Rings) Sealer {
	return &sealer{rings, associatedWith(rings.Deployment())}
}

func associatedWith(deployment string) []byte { return []byte("mandate token 1 " + deployment) }

// Mint makes a token's text and its audit id, which is new each time.
func (s *sealer) Mint(ctx context.Context, h Hints) (secret.Text, AuditID, error) {
	ring, err := s.rings.Sealing(ctx)
	if err != nil {
		return secret.Text{}, AuditID{}, err
	}
	return mint(ring, s.associated, h)
}

// Open is a pass.
func (s *sealer) Open(rs *store.ReadSet, text secret.Text) (Hints, AuditID, error) {
	sealed, err := unwire(text)
	if err != nil {
		return Hints{}, AuditID{}, err
	}
	ring, due, err := s.rings.For(sealed)
	switch {
	case due:
		rs.WantLoad("keyset", s.rings.Reload)
		return Hints{}, AuditID{}, store.ErrPending
	case errors.Is(err, secret.ErrUnknownKey), errors.Is(err, secret.ErrNotSealed):
		return Hints{}, AuditID{}, ErrNotAToken
	case err != nil:
		return Hints{}, AuditID{}, fmt.Errorf("find the key of a token: %w", err)
	}
	return open(ring, s.associated, sealed)
}

func mint(ring *secret.Ring, associated []byte, h Hints) (secret.Text, AuditID, error) {
	sealed, err := ring.Seal(Encode(h), associated)
	if err != nil {
		return secret.Text{}, AuditID{}, err
	}
	return secret.New(wireBase64.EncodeToString(sealed)), auditOf(sealed), nil
}

func open(ring *secret.Ring, associated, sealed []byte) (Hints, AuditID, error) {
	payload, err := ring.Open(sealed, associated)
	if err != nil {
		return Hints{}, AuditID{}, ErrNotAToken
	}
	h, err := Decode(payload)
	if err != nil {
		return Hints{}, AuditID{}, ErrNotAToken
	}
	return h, auditOf(sealed), nil
}

// unwire takes the base64 off. A token has one text: stray bits at the end are refused,
// and so are the line ends that package base64 skips.
func unwire(text secret.Text) ([]byte, error) {
	s := text.Reveal()
	if len(s) > maxText || strings.ContainsAny(s, "\r\n") {
		return nil, ErrNotAToken
	}
	sealed, err := wireBase64.DecodeString(s)
	if err != nil {
		return nil, ErrNotAToken
	}
	return sealed, nil
}
