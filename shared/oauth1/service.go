package oauth1

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/retry"
)

// Service keeps consumers, request tokens and access tokens.
type Service struct {
	table    store.Table
	registry *directory.Registry
	rings    *secret.Rings
	now      func() time.Time
	settings Settings
	memory   memory
}

// Settings are what an operator may choose.
type Settings struct {
	RequestLife time.Duration // of a request token; 0: for ever
	AccessLife  time.Duration // of an access token; 0: for ever
	Plaintext   bool          // whether PLAINTEXT is accepted where the connection is not https
	Repeats     bool          // whether a signed request may be sent twice, for clients that repeat blindly
}

// Options are a Service's parts.
type Options struct {
	Table    store.Table
	Registry *directory.Registry
	Rings    *secret.Rings
	Now      func() time.Time
	Settings Settings
}

// New puts a Service together.
func New(o Options) *Service {
	return &Service{table: o.Table, registry: o.Registry, rings: o.Rings, now: o.Now, settings: o.Settings}
}

// Attribute names. Secrets are sealed texts.
const (
	attrID          = "id"
	attrSecret      = "secret"
	attrDescription = "description"
	attrExtra       = "extra"
	attrConsumer    = "consumer_id"
	attrProject     = "project_id"
	attrUser        = "user_id"
	attrRoles       = "roles"
	attrVerifier    = "verifier"
	attrTries       = "tries"          // at the verifier that are left
	attrRound       = "authorizations" // how often it was authorised
	attrExpires     = "expires_at"     // seconds since 1970; absent: never
	attrCreated     = "created_at"     // microseconds since 1970
	attrUsed        = "used_at"        // microseconds since 1970
)

// Types of items.
const (
	typeConsumer = "consumer"
	typeRequest  = "request token"
	typeAccess   = "access token"
)

// newID draws 32 hex digits, as Keystone's ids are.
func newID() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}

// newSecret draws 128 random bits in 32 hex digits.
func newSecret() secret.Text {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return secret.New(hex.EncodeToString(b))
}

// purpose is the associated data of a sealed text: it opens in its own place only.
func purpose(k store.Key, attribute string) []byte { return []byte(k.String() + " " + attribute) }

func (s *Service) seal(ctx context.Context, k store.Key, attribute string, t secret.Text) ([]byte, error) {
	sealed, err := s.rings.Seal(ctx, []byte(t.Reveal()), purpose(k, attribute))
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", attribute, k, err)
	}
	return sealed, nil
}

// open is a pass: a sealed text of an item that was read.
func (s *Service) open(rs *store.ReadSet, k store.Key, attribute string, i store.Item) (secret.Text, error) {
	sealed := i.Bytes(attribute)
	ring, due, err := s.rings.For(sealed)
	if due {
		rs.WantLoad("keyset", s.rings.Reload)
		return secret.Text{}, store.ErrPending
	}
	if err != nil {
		return secret.Text{}, fmt.Errorf("open %s of %s: %w", attribute, k, err)
	}
	plain, err := ring.Open(sealed, purpose(k, attribute))
	if err != nil {
		return secret.Text{}, fmt.Errorf("open %s of %s: %w", attribute, k, err)
	}
	return secret.New(string(plain)), nil
}

// end is when something made now ends; zero: never.
func (s *Service) end(life time.Duration) time.Time {
	if life == 0 {
		return time.Time{}
	}
	return s.now().UTC().Truncate(time.Second).Add(life)
}

// expired compares as the contract does: strictly later than the end (section 2).
func (s *Service) expired(end time.Time) bool { return !end.IsZero() && s.now().After(end) }

// retention is how long what has expired stays listed before TTL takes it away.
const retention = 7 * 24 * time.Hour

func setEnd(i store.Item, end time.Time) {
	if !end.IsZero() {
		i[attrExpires], i[store.AttrTTL] = end.Unix(), end.Add(retention).Unix()
	}
}

func endOf(i store.Item) time.Time {
	if !i.Has(attrExpires) {
		return time.Time{}
	}
	return time.Unix(i.Int(attrExpires), 0).UTC()
}

// refuse is the one answer to whatever is wrong with a signed request (section 7).
func refuse(format string, a ...any) error { return problem.Unauthorized(fmt.Errorf(format, a...)) }

// patience is how long a write that ends something goes on against conflicting ones.
const patience = 5 * time.Second

// remove deletes an item and what lists it, in one write, and reports whether it was there.
// A mirror that is gone already does not keep the rest alive. What no key can name is not there.
func (s *Service) remove(ctx context.Context, k store.Key, mirrors ...store.Key) (bool, error) {
	if !k.Storable() {
		return false, nil
	}
	ctx = retry.Patient(ctx, patience)
	write := []store.Mutation{store.Delete(k)}
	for _, m := range mirrors {
		write = append(write, store.Delete(m))
	}
	for {
		err := s.table.Write(ctx, store.NewRequestID(), write...)
		if err == nil {
			return true, nil
		}
		refused, ok := store.AsRefused(err)
		if !ok {
			return false, fmt.Errorf("delete %s: %w", k, err)
		}
		if refused.Key == k {
			return false, s.drop(ctx, mirrors...)
		}
		write = append(write[:refused.Index:refused.Index], write[refused.Index+1:]...)
	}
}

// drop deletes entries of lists whose item is gone.
func (s *Service) drop(ctx context.Context, keys ...store.Key) error {
	items, err := s.table.Read(ctx, keys...)
	if err != nil {
		return fmt.Errorf("read entries of lists: %w", err)
	}
	var errs []error
	for k := range items {
		err := s.table.Write(ctx, store.NewRequestID(), store.Delete(k))
		if _, refused := store.AsRefused(err); err != nil && !refused {
			errs = append(errs, fmt.Errorf("delete %s: %w", k, err))
		}
	}
	return errors.Join(errs...)
}

// walk calls a function for each entry of a list.
func (s *Service) walk(ctx context.Context, r store.Range, each func(store.Entry) error) error {
	for {
		page, err := s.table.Query(ctx, r)
		if err != nil {
			return fmt.Errorf("list %s: %w", r.PK, err)
		}
		for _, e := range page.Entries {
			if err := each(e); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		r.After = page.Next
	}
}
