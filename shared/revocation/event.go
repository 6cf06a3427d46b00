// Package revocation says what a change of the table ended, for those who are told of it
// afterwards: the list of revocation events (tokens-v3.md, T-114 to T-117), the bus and
// the webhook. Nothing decides by it; a token is judged by what is read.
//
// [Consequences] is pure: the same change gives the same events with the same ids, so that
// a change given twice adds nothing.
package revocation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"mandate/shared/store"
)

// Event says that tokens ended, and which: those that match every attribute of Match that
// is set. The words of Match are those of Keystone's revoke model.
type Event struct {
	ID        string // 32 hex digits, the same however often the change is seen
	Type      Type
	Match     Match
	RevokedAt time.Time // when; it ended tokens issued until then
	By        string    // user id of who did it; "" for what followed from something else
	RequestID string    // in which request
}

// Match is which tokens an event is about.
type Match struct {
	AuditID       string `json:"audit_id,omitzero"`
	AuditChainID  string `json:"audit_chain_id,omitzero"`
	UserID        string `json:"user_id,omitzero"`
	ProjectID     string `json:"project_id,omitzero"`
	DomainID      string `json:"domain_id,omitzero"`
	RoleID        string `json:"role_id,omitzero"`
	TrustID       string `json:"OS-TRUST:trust_id,omitzero"`
	ConsumerID    string `json:"OS-OAUTH1:consumer_id,omitzero"`
	AccessTokenID string `json:"OS-OAUTH1:access_token_id,omitzero"`
	GroupID       string `json:"group_id,omitzero"` // ours: of grants to a group
}

// Type says what ended and why: the word before the dot, and the one after it.
type Type string

// Types of events.
const (
	TokenRevoked        Type = "token.revoked"
	UserPassword        Type = "user.password_changed"
	UserDisabled        Type = "user.disabled"
	UserLeftGroup       Type = "user.left_group"
	UserTokensRevoked   Type = "user.tokens_revoked" //nolint:gosec // G101: a kind of event
	UserDeleted         Type = "user.deleted"
	ProjectDisabled     Type = "project.disabled"
	ProjectDeleted      Type = "project.deleted"
	DomainDisabled      Type = "domain.disabled"
	DomainDeleted       Type = "domain.deleted"
	GroupDeleted        Type = "group.deleted"
	GrantTaken          Type = "grant.taken"
	RoleDeleted         Type = "role.deleted"
	RoleImplicationEnds Type = "role.implication_taken"
	TrustDeleted        Type = "trust.deleted"
	ConsumerDeleted     Type = "consumer.deleted"
	AccessTokenDeleted  Type = "access_token.deleted"
)

// Keystone reports whether Keystone lists such an event (tokens-v3.md section 6). The
// others end tokens by what validation reads, often only for a while (a project may be
// enabled again), or end roles of a token and not the token.
func (t Type) Keystone() bool {
	switch t {
	case TokenRevoked, UserPassword, UserDisabled, UserLeftGroup, UserTokensRevoked, UserDeleted, ProjectDeleted, TrustDeleted,
		ConsumerDeleted:
		return true
	default:
		return false
	}
}

// ChangeID is the id of what is told of a change: 32 hex digits, the same however often the
// change is given. What tells the things apart that are told of one change.
func ChangeID(c store.Change, what string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %q", c.Key.PK, c.Key.SK, c.Position, c.At.Unix(), what))
	return hex.EncodeToString(sum[:16])
}

const (
	attrID      = "id"
	attrEvent   = "event"
	attrAt      = "at" // microseconds since 1970
	attrBy      = "user"
	attrRequest = "request"
	prefixMatch = "m_"
)

// match pairs what Match holds with attribute names.
func (m *Match) fields() map[string]*string {
	return map[string]*string{
		"audit": &m.AuditID, "chain": &m.AuditChainID, "user": &m.UserID, "project": &m.ProjectID, "domain": &m.DomainID,
		"role": &m.RoleID, "trust": &m.TrustID, "consumer": &m.ConsumerID, "access": &m.AccessTokenID, "group": &m.GroupID,
	}
}

// Creation is the mutation that puts the event on the list for as long as given. It is
// refused when the event is there.
func (e Event) Creation(keep time.Duration) store.Mutation {
	i := store.Item{
		store.AttrType: "event", attrID: e.ID, attrEvent: string(e.Type), attrAt: e.RevokedAt.UnixMicro(),
		store.AttrTTL: e.RevokedAt.Add(keep).Unix(),
	}
	for name, v := range map[string]string{attrBy: e.By, attrRequest: e.RequestID} {
		if v != "" {
			i[name] = v
		}
	}
	for name, v := range e.Match.fields() {
		if *v != "" {
			i[prefixMatch+name] = *v
		}
	}
	return store.Create(store.Event(e.RevokedAt, e.ID), i).Lasting()
}

// From reads an event's item.
func From(i store.Item) Event {
	e := Event{
		ID: i.Str(attrID), Type: Type(i.Str(attrEvent)), RevokedAt: time.UnixMicro(i.Int(attrAt)).UTC(),
		By: i.Str(attrBy), RequestID: i.Str(attrRequest),
	}
	for name, v := range e.Match.fields() {
		*v = i.Str(prefixMatch + name)
	}
	return e
}

// Place is where the event stands among all events.
func (e Event) Place() string { return store.EventPlace(e.RevokedAt, e.ID) }

// Compare sorts events as they happened.
func Compare(a, b Event) int { return cmp.Compare(a.Place(), b.Place()) }
