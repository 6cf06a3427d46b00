package oauth1

import (
	"time"

	"mandate/shared/store"
)

// Audit is what is told of consumers and their tokens afterwards (O-150), in Keystone's
// names. There is no secret in it.
type Audit struct {
	Type       string // identity.OS-OAUTH1:consumer.created
	ResourceID string
	ConsumerID string
	ProjectID  string
	UserID     string // of an access token: whose authority it carries
	At         time.Time
}

const auditPrefix = "identity.OS-OAUTH1:"

// Audited is what is to be told of a change, if anything is. What TTL removed expired, and
// is not told; nor is a request token's end.
func Audited(c store.Change) (Audit, bool) {
	i := c.New
	verb := ".updated"
	switch {
	case c.Old == nil:
		verb = ".created"
	case c.New == nil:
		i, verb = c.Old, ".deleted"
	}
	a := Audit{
		ResourceID: i.Str(attrID), ConsumerID: i.Str(attrConsumer), ProjectID: i.Str(attrProject), UserID: i.Str(attrUser), At: c.At.UTC(),
	}
	switch kind := i.Str(store.AttrType); {
	case c.Expired:
		return Audit{}, false
	case kind == typeConsumer:
		a.Type, a.ConsumerID = auditPrefix+"consumer"+verb, a.ResourceID
	case kind == typeRequest && c.Old == nil:
		a.Type = auditPrefix + "request_token" + verb
	case kind == typeAccess && (c.Old == nil || c.New == nil):
		a.Type = auditPrefix + "access_token" + verb
	default:
		return Audit{}, false
	}
	return a, true
}

// WasRevoked reports whether a change deleted an access token, and which. What TTL removed
// had expired before.
func WasRevoked(c store.Change) (id string, revoked bool) {
	if c.New != nil || c.Expired || c.Old.Str(store.AttrType) != typeAccess {
		return "", false
	}
	return c.Old.Str(attrID), true
}
