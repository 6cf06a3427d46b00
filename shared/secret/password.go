package secret

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
)

// today is how passwords are hashed now: argon2id with OWASP's first recommendation
// (Password Storage Cheat Sheet, 2025), m=19 MiB, t=2, p=1 (design.md section 3).
var today = argon2id.Params{Memory: 19456, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// patience is how long a login waits for its turn to hash. After that the answer could
// not come in time anyway.
const patience = 5 * time.Second

// ErrBusy says that too many passwords are being hashed, and that none was for this call:
// 429 (C-018).
var ErrBusy = errors.New("too many password hashes at work")

// Hasher hashes and verifies passwords, as many at once as there are cores: more would
// finish no sooner and take 19 MiB each. It is safe for concurrent use.
//
// Every check takes at least as long as one argon2id of today: of an unknown user, a
// disabled one, one without a password, a wrong password. A check against a hash that
// Keystone wrote takes the work of that hash on top, until the first login replaces it.
type Hasher struct {
	slots    chan struct{}
	patience time.Duration
}

// NewHasher makes a Hasher for this machine's cores.
func NewHasher() *Hasher { return NewHasherOf(runtime.GOMAXPROCS(0), patience) }

// NewHasherOf makes a Hasher of so many hashes at once, for whose turn a call waits so long.
func NewHasherOf(atOnce int, patience time.Duration) *Hasher {
	return &Hasher{slots: make(chan struct{}, atOnce), patience: patience}
}

// Hash makes the text that is stored for a password.
func (h *Hasher) Hash(ctx context.Context, password Text) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	text, err := argon2id.CreateHash(password.Reveal(), &today)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return text, nil
}

// Verify reports whether a password is the one of a stored hash, and whether the hash is
// to be replaced by one of today's, which [Hasher.Hash] makes of the same password.
//
// Keystone cut long passwords before it hashed them. Such a one still matches, but is not
// to be rehashed: the old hash says nothing about the end of what was typed, and a new one
// would hold a slip there against its owner for ever.
//
// It fails with ErrMalformedHash, ErrBusy, or when the context ends first.
func (h *Hasher) Verify(ctx context.Context, hash string, password Text) (ok, rehash bool, err error) {
	stored, err := parseHash(hash)
	if err != nil {
		return false, false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()

	seen, whole := cut(stored, []byte(password.Reveal()))
	ok, err = stored.matches(seen)
	if err != nil {
		return false, false, fmt.Errorf("verify a password: %w", err)
	}
	if isToday(stored) {
		return ok, false, nil
	}
	if rehash = ok && whole; !rehash {
		burn(password) // who is told to rehash does this work there
	}
	return ok, rehash, nil
}

// Burn does the work of a verification that fails, for users who are unknown, disabled or
// without a password, so that the time of the answer does not tell them apart.
func (h *Hasher) Burn(ctx context.Context, password Text) error {
	leave, err := h.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	burn(password)
	return nil
}

// unmatched is a hash of today's kind that no password is known for: its key is all zero.
var unmatched = argon2idHash{params: today, salt: make([]byte, today.SaltLength), key: make([]byte, today.KeyLength)}

func burn(password Text) {
	// Whether it matches is no matter, and parseHash has nothing against this hash.
	_, _ = unmatched.matches([]byte(password.Reveal()))
}

func isToday(h passwordHash) bool {
	a, ok := h.(argon2idHash)
	return ok && a.params == today
}

// enter waits for a turn. The caller must leave.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-h.slots }
	select {
	case h.slots <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(h.patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return leave, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrBusy, context.Cause(ctx))
	}
}
