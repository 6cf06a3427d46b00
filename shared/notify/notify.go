// Package notify is the form in which the service tells others what happened: an id that
// stays the same however often it is told, a type, and a small JSON object. It tells that
// tokens ended (package revocation) and what became of OAuth1 consumers and their tokens
// (O-150). No secret, token or password is ever in it.
package notify

import (
	"encoding/json"
	"time"

	"mandate/shared/oauth1"
	"mandate/shared/revocation"
	"mandate/shared/store"
	"mandate/shared/store/author"
)

// Notice is one thing that happened.
type Notice struct {
	ID     string          // 32 hex digits, or an event's
	Type   string          // identity.token.revoked, identity.OS-OAUTH1:consumer.created
	At     time.Time       // when it happened
	Detail json.RawMessage // object with id, type, at and what is to be said
}

// head is what the detail of every notice has.
type head struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	At        string `json:"at"`
	By        string `json:"by,omitempty"`         // user id
	RequestID string `json:"request_id,omitempty"` // x-openstack-request-id
}

// Revocation is the notice of an event.
func Revocation(e revocation.Event) Notice {
	h := head{e.ID, "identity." + string(e.Type), e.RevokedAt.Format(time.RFC3339Nano), e.By, e.RequestID}
	return notice(h, e.RevokedAt, struct {
		head
		revocation.Match
		RevokedAt string `json:"revoked_at"`
	}{h, e.Match, h.At})
}

// Audit is the notice of what became of a consumer or one of its tokens. The author of an
// update or creation is in the change itself; deleter is of a deletion.
func Audit(c store.Change, a oauth1.Audit, deleter *author.Of) Notice {
	by, authored := author.Read(c.New)
	if c.New == nil && deleter != nil {
		by, authored = *deleter, true
	}
	if authored {
		a.At = by.At
	}
	h := head{revocation.ChangeID(c, a.Type), a.Type, a.At.Format(time.RFC3339Nano), by.UserID, by.RequestID}
	return notice(h, a.At, struct {
		head
		ResourceInfo string `json:"resource_info"` // id of what it is about, in Keystone's word
		ConsumerID   string `json:"consumer_id,omitempty"`
		ProjectID    string `json:"project_id,omitempty"`
		UserID       string `json:"user_id,omitempty"`
	}{h, a.ResourceID, a.ConsumerID, a.ProjectID, a.UserID})
}

func notice(h head, at time.Time, detail any) Notice {
	text, err := json.Marshal(detail)
	if err != nil {
		panic("notice of type " + h.Type + " is no JSON: " + err.Error()) // plain texts always are
	}
	return Notice{ID: h.ID, Type: h.Type, At: at, Detail: text}
}
