package oauth1

import (
	"context"
	"fmt"
	"strings"

	"mandate/shared/store"
)

// Follow does what follows from one change: the request and access tokens of a deleted
// consumer, user or project are deleted, each a change of its own (O-140, O-142, O-143).
// All of it is dead by the reads already. It may be repeated.
func (s *Service) Follow(ctx context.Context, c store.Change) error {
	if c.New != nil || c.Expired {
		return nil
	}
	id := c.Old.Str(attrID)
	var lists []store.Key
	switch c.Old.Str(store.AttrType) {
	case typeConsumer:
		lists = []store.Key{store.RequestOfConsumer(id, ""), store.AccessOfConsumer(id, "")}
	case "user":
		lists = []store.Key{store.RequestOfUser(id, ""), store.AccessOfUser(id, "")}
	case "project":
		lists = []store.Key{store.RequestOfProject(id, ""), store.AccessOfProject(id, "")}
	}
	for _, list := range lists {
		err := s.walk(ctx, store.Prefixed(list), func(e store.Entry) error {
			return s.sweep(ctx, e, strings.HasPrefix(e.Key.SK, store.AccessToken("").PK))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes what a list names, and the entry itself where that is all that is left.
func (s *Service) sweep(ctx context.Context, e store.Entry, access bool) error {
	id := e.Item.Str(attrID)
	k := store.RequestToken(id)
	if access {
		k = store.AccessToken(id)
	}
	items, err := s.table.Read(ctx, k)
	if err != nil {
		return fmt.Errorf("read %s: %w", k, err)
	}
	i := items[k]
	if i == nil {
		return s.drop(ctx, e.Key)
	}
	mirrors := requestFrom(i).mirrors()
	if access {
		mirrors = accessFrom(i).mirrors()
	}
	_, err = s.remove(ctx, k, mirrors...)
	return err
}

// WasRevoked reports whether a change deleted an access token, and which. What TTL removed
// had expired before.
func WasRevoked(c store.Change) (id string, revoked bool) {
	if c.New != nil || c.Expired || c.Old.Str(store.AttrType) != typeAccess {
		return "", false
	}
	return c.Old.Str(attrID), true
}
