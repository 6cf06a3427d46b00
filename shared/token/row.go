package token

import (
	"time"

	"mandate/shared/secret"
	"mandate/shared/store"
)

// Row is a token's item. No row, no token. It is never replaced, only marked.
type Row struct {
	Audit      AuditID
	Digest     secret.Digest // of the whole token text
	UserID     string        // who authenticated
	Scope      Scope
	TrustID    string   // of a trust-scoped token
	AccessID   string   // OAuth1 access token that it was obtained with, and …
	ConsumerID string   // … its consumer
	Methods    []string // sorted
	IssuedAt   time.Time
	ExpiresAt  time.Time // whole seconds
	Root       AuditID   // of the login that the chain started with; zero for a root itself

	// Epochs of the users that the token stands on, from the read that authorised it.
	// A derived token copies its parent's.
	Epoch        int64
	TrustorEpoch int64

	Dead      bool // revoked
	ChainDead bool // revoked together with every token derived from it
}

// Attribute names of token rows that cascades mention.
const (
	AttrDead      = "dead"
	AttrChainDead = "chain_dead"
	AttrRevokedAt = "revoked_at"

	attrAudit        = store.AttrAudit
	attrDigest       = "digest"
	attrUser         = "user_id"
	attrScope        = "scope"
	attrScopeID      = "scope_id"
	attrTrust        = "trust_id"
	attrAccess       = "access_id"
	attrConsumer     = "consumer_id"
	attrMethods      = "methods"
	attrIssued       = "issued_at"  // microseconds since 1970
	attrExpires      = "expires_at" // seconds since 1970
	attrRoot         = "root"
	attrEpoch        = "epoch"
	attrTrustorEpoch = "trustor_epoch"
)

// Derived reports whether the token was obtained from another token.
func (r Row) Derived() bool { return r.Root != AuditID{} }

// Chain is the audit id of the chain's root.
func (r Row) Chain() AuditID {
	if r.Derived() {
		return r.Root
	}
	return r.Audit
}

// item renders the row. It goes from the table when nobody can ask for it any more:
// after its expiry, the window in which services may still validate it, and an hour.
func (r Row) item(window time.Duration) store.Item {
	i := store.Item{
		store.AttrType: "token", attrAudit: r.Audit.Hex(), attrDigest: r.Digest[:], attrUser: r.UserID,
		attrScope: string(r.Scope.Kind), attrMethods: store.NewSet(r.Methods...),
		attrIssued: r.IssuedAt.UnixMicro(), attrExpires: r.ExpiresAt.Unix(), attrEpoch: r.Epoch,
		store.AttrIndex1: store.ByUser(r.UserID), store.AttrIndex2: store.ByChain(r.Chain().Hex()),
		store.AttrTTL: r.ExpiresAt.Add(window + time.Hour).Unix(),
	}
	if r.Scope.ID != "" {
		i[attrScopeID] = r.Scope.ID
	}
	if r.Derived() {
		i[attrRoot] = r.Root.Hex()
	}
	if r.TrustID != "" {
		i[attrTrust], i[attrTrustorEpoch] = r.TrustID, r.TrustorEpoch
		i[store.AttrIndex2] = store.ByTrust(r.TrustID)
	}
	if r.AccessID != "" {
		i[attrAccess], i[attrConsumer] = r.AccessID, r.ConsumerID
		i[store.AttrIndex2] = store.ByAccess(r.AccessID)
	}
	return i
}

// RowFrom reads a token's row.
func RowFrom(i store.Item) (Row, error) {
	r := Row{
		UserID: i.Str(attrUser), Scope: Scope{ScopeKind(i.Str(attrScope)), i.Str(attrScopeID)}, TrustID: i.Str(attrTrust),
		AccessID: i.Str(attrAccess), ConsumerID: i.Str(attrConsumer),
		Methods: i.Set(attrMethods), IssuedAt: time.UnixMicro(i.Int(attrIssued)).UTC(), ExpiresAt: time.Unix(i.Int(attrExpires), 0).UTC(),
		Epoch: i.Int(attrEpoch), TrustorEpoch: i.Int(attrTrustorEpoch), Dead: i.Bool(AttrDead), ChainDead: i.Bool(AttrChainDead),
	}
	copy(r.Digest[:], i.Bytes(attrDigest))
	var err error
	if r.Audit, err = auditFromHex(i.Str(attrAudit)); err != nil {
		return Row{}, err
	}
	if root := i.Str(attrRoot); root != "" {
		if r.Root, err = auditFromHex(root); err != nil {
			return Row{}, err
		}
	}
	return r, nil
}
