package token

import (
	"context"
	"time"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// Service issues, judges and revokes tokens.
type Service struct {
	table    store.Table
	sealer   Sealer
	registry *directory.Registry
	trusts   *trust.Service
	oauth1   *oauth1.Service
	hasher   Hasher
	groups   Groups
	now      func() time.Time
	settings Settings
}

// Groups takes users out of groups that were deleted under them.
type Groups interface {
	LeaveGone(ctx context.Context, rs *store.ReadSet, userID string) error
}

// Settings are what an operator may choose.
type Settings struct {
	Life         time.Duration // of a token from a fresh login
	Window       time.Duration // in which allow_expired still shows an expired token
	AllowRescope bool          // whether scoped tokens may be turned into others (T-047)
	PerUser      Bound         // failed logins after which a user is locked (C-017)
	PerAddress   Bound         // failed logins after which an address is told to wait (C-018)
}

// Sealer makes and opens the text of tokens.
type Sealer interface {
	Mint(ctx context.Context, h Hints) (secret.Text, AuditID, error)
	// Open is a pass: it fails with ErrNotAToken for whatever this deployment did not
	// make, and is pending while an unknown key is looked up.
	Open(rs *store.ReadSet, text secret.Text) (Hints, AuditID, error)
}

// Hasher checks passwords. Both methods take equally long.
type Hasher interface {
	Verify(ctx context.Context, hash string, password secret.Text) (ok, rehash bool, err error)
	Burn(ctx context.Context, password secret.Text) error
	Hash(ctx context.Context, password secret.Text) (string, error)
}

// Options are a Service's parts.
type Options struct {
	Table    store.Table
	Sealer   Sealer
	Registry *directory.Registry
	Trusts   *trust.Service
	OAuth1   *oauth1.Service
	Hasher   Hasher
	Groups   Groups
	Now      func() time.Time
	Settings Settings
}

// New puts a Service together.
func New(o Options) *Service {
	return &Service{
		table: o.Table, sealer: o.Sealer, registry: o.Registry, trusts: o.Trusts, oauth1: o.OAuth1, hasher: o.Hasher, groups: o.Groups,
		now: o.Now, settings: o.Settings,
	}
}

// Window is how long after its expiry a token is still shown to who allows it.
func (s *Service) Window() time.Duration { return s.settings.Window }

// Revoke ends a token at once. Ending the root of a chain ends every token of the chain
// by the same write, unless it is to end alone (T-076, T-119). A token that was ended by
// somebody else meanwhile is not found.
func (s *Service) Revoke(ctx context.Context, t Token, alone bool) error {
	kill := MarkDead(t.Audit, s.now())
	if !t.Derived() && !alone {
		kill = kill.Set(AttrChainDead, true)
	}
	err := s.table.Write(ctx, store.NewRequestID(), kill.Where(store.Absent(AttrDead)))
	if _, refused := store.AsRefused(err); refused {
		return &problem.Error{Kind: problem.KindNotFound, Message: "Could not find token.", Cause: err}
	}
	return err
}

// MarkDead is the mutation that ends one token. Its row stays, marked, until its TTL.
func MarkDead(a AuditID, now time.Time) store.Mutation {
	return store.Update(store.Token(a.Hex())).Set(AttrDead, true).Set(AttrRevokedAt, now.UnixMicro()).
		Where(store.Equals(attrAudit, a.Hex())).Lasting()
}
