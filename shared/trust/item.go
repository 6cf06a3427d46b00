package trust

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"mandate/shared/store"
)

const (
	attrID            = "id"
	attrTrustor       = "trustor_id"
	attrTrustee       = "trustee_id"
	attrProject       = "project_id"
	attrImpersonation = "impersonation"
	attrRoles         = "roles"
	attrExpires       = "expires_at" // seconds since 1970
	attrUses          = "remaining_uses"
	attrUsed          = "used_at" // microseconds since 1970
	attrParent        = "parent_id"
	attrCount         = "redelegation_count"
	attrAncestors     = "ancestors" // ids joined by "/", because their order matters
	attrAbove         = "above"
	attrCreated       = "created_at" // microseconds since 1970
	attrPreauth       = "preauth_id"
	attrOwner         = "owner" // of a claim: full id of the trust that holds it

	typeTrust = "trust"
)

// item renders the trust.
func (t Trust) item(retention time.Duration) store.Item {
	i := t.mirror(retention)
	i[store.AttrType] = typeTrust
	i[attrImpersonation], i[attrCount], i[attrCreated] = t.Impersonation, t.RedelegationCount, t.CreatedAt.UnixMicro()
	if len(t.RoleIDs) > 0 {
		i[attrRoles] = t.RoleIDs
	}
	if !t.ExpiresAt.IsZero() {
		i[attrExpires] = t.ExpiresAt.Unix()
	}
	if t.RemainingUses != nil {
		i[attrUses] = *t.RemainingUses
	}
	if !t.UsedAt.IsZero() {
		i[attrUsed] = t.UsedAt.UnixMicro()
	}
	if t.PreauthID != "" {
		i[attrPreauth] = t.PreauthID
	}
	return i
}

// From reads a trust's item.
func From(i store.Item) Trust {
	t := Trust{
		ID: i.Str(attrID), TrustorID: i.Str(attrTrustor), TrusteeID: i.Str(attrTrustee), ProjectID: i.Str(attrProject),
		Impersonation: i.Bool(attrImpersonation), RoleIDs: i.Set(attrRoles), ParentID: i.Str(attrParent),
		RedelegationCount: i.Int(attrCount), CreatedAt: time.UnixMicro(i.Int(attrCreated)).UTC(), above: i.Set(attrAbove),
		PreauthID: i.Str(attrPreauth),
	}
	if i.Has(attrExpires) {
		t.ExpiresAt = time.Unix(i.Int(attrExpires), 0).UTC()
	}
	if i.Has(attrUses) {
		uses := i.Int(attrUses)
		t.RemainingUses = &uses
	}
	if i.Has(attrUsed) {
		t.UsedAt = time.UnixMicro(i.Int(attrUsed)).UTC()
	}
	if a := i.Str(attrAncestors); a != "" {
		t.Ancestors = strings.Split(a, "/")
	}
	return t
}

// setTTL lets the engine remove an item some time after the trust has ended. An expired
// trust stays listed until then, as in Keystone. One that a pre-authentication holds stays
// for good, because it may be given a new life.
func (t Trust) setTTL(i store.Item, retention time.Duration) {
	if !t.ExpiresAt.IsZero() && t.PreauthID == "" {
		i[store.AttrTTL] = t.ExpiresAt.Add(retention).Unix()
	}
}

// mirrors are the keys under which the trust is listed.
func (t Trust) mirrors() []store.Key {
	keys := []store.Key{
		store.TrustOfTrustor(t.TrustorID, t.ID), store.TrustOfTrustee(t.TrusteeID, t.ID), store.TrustList(t.ID),
	}
	if t.ProjectID != "" {
		keys = append(keys, store.TrustOfProject(t.ProjectID, t.ID))
	}
	if t.ParentID != "" {
		keys = append(keys, store.TrustChild(t.ParentID, t.ID))
	}
	return keys
}

// mirror is the item under each of those keys. It repeats what never changes and what a
// reader of the list must read next; what the trust is now stands in its own item only.
func (t Trust) mirror(retention time.Duration) store.Item {
	i := store.Item{store.AttrType: "trust listed", attrID: t.ID, attrTrustor: t.TrustorID, attrTrustee: t.TrusteeID}
	if t.ProjectID != "" {
		i[attrProject] = t.ProjectID
	}
	if t.ParentID != "" {
		i[attrParent], i[attrAncestors], i[attrAbove] = t.ParentID, strings.Join(t.Ancestors, "/"), t.above
	}
	t.setTTL(i, retention)
	return i
}

// claim is the key that two live trusts which expire must not share (TR-025); it covers
// exactly trustor, trustee, project, impersonation and expiry. Trusts without expiry have
// none (TR-026).
func (t Trust) claim() (store.Key, bool) {
	if t.ExpiresAt.IsZero() {
		return store.Key{}, false
	}
	h := sha256.New()
	for _, s := range []string{t.TrustorID, t.TrusteeID, t.ProjectID} {
		_ = binary.Write(h, binary.BigEndian, int64(len(s))) // a hash never fails
		h.Write([]byte(s))
	}
	_ = binary.Write(h, binary.BigEndian, t.Impersonation)
	_ = binary.Write(h, binary.BigEndian, t.ExpiresAt.Unix())
	return store.TrustClaim(hex.EncodeToString(h.Sum(nil))), true
}
