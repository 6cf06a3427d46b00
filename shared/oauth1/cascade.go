package oauth1

import (
	"context"
	"fmt"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Walks are the lists of what stood on a consumer, user or project that was deleted: its
// request and access tokens are deleted, each a change of its own (O-140, O-142, O-143).
// All of it is dead by the reads already.
func (s *Service) Walks(k walk.Kill) []walk.Walk {
	switch k.Kind {
	case walk.Consumer:
		return []walk.Walk{s.listed(walk.Request, store.RequestOfConsumer(k.ID, "")), s.listed(walk.Access, store.AccessOfConsumer(k.ID, ""))}
	case walk.User:
		return []walk.Walk{s.listed(walk.Request, store.RequestOfUser(k.ID, "")), s.listed(walk.Access, store.AccessOfUser(k.ID, ""))}
	case walk.Project:
		return []walk.Walk{s.listed(walk.Request, store.RequestOfProject(k.ID, "")), s.listed(walk.Access, store.AccessOfProject(k.ID, ""))}
	}
	return nil
}

func (s *Service) listed(kind walk.Kind, list store.Key) walk.Walk {
	return walk.Walk{
		Range: store.Prefixed(list),
		Each:  func(ctx context.Context, e store.Entry) error { return s.sweep(ctx, e, kind == walk.Access) },
		Ends:  func(e store.Entry) (walk.Kill, bool) { return walk.Kill{Kind: kind, ID: e.Item.Str(attrID)}, true },
	}
}

// Ended reports what a change deleted: a consumer, or an access token. What TTL removed had
// expired before.
func Ended(c store.Change) (walk.Kill, bool) {
	if c.New != nil || c.Expired {
		return walk.Kill{}, false
	}
	switch c.Old.Str(store.AttrType) {
	case typeConsumer:
		return walk.Kill{Kind: walk.Consumer, ID: c.Old.Str(attrID)}, true
	case typeAccess:
		return walk.Kill{Kind: walk.Access, ID: c.Old.Str(attrID)}, true
	}
	return walk.Kill{}, false
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
		mirrors = AccessTokenFrom(i).mirrors()
	}
	_, err = s.remove(ctx, k, mirrors...)
	return err
}
