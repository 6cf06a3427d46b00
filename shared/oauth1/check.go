package oauth1

import (
	"context"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Check says what one of this package's items stands on; no needs: on nothing.
func (s *Service) Check(e store.Entry) walk.Check {
	id := e.Item.Str(attrID)
	gone := func(mirrors []store.Key) walk.Fix {
		return walk.Do(func(ctx context.Context) error { _, err := s.remove(ctx, e.Key, mirrors...); return err })
	}
	switch e.Item.Str(store.AttrType) {
	case typeRequest:
		t := requestFrom(e.Item)
		keys := []store.Key{store.Consumer(t.ConsumerID), store.Project(t.ProjectID)}
		if t.UserID != "" {
			keys = append(keys, store.User(t.UserID))
		}
		return walk.All(gone(t.mirrors()), keys...)
	case typeAccess:
		t := AccessTokenFrom(e.Item)
		return walk.All(gone(t.mirrors()), store.Consumer(t.ConsumerID), store.Project(t.ProjectID), store.User(t.UserID))
	case "request token listed":
		return walk.All(walk.Discard(s.table, e), store.RequestToken(id))
	case "access token listed":
		return walk.All(walk.Discard(s.table, e), store.AccessToken(id))
	case "consumer listed":
		return walk.All(walk.Discard(s.table, e), store.Consumer(id))
	}
	return walk.Check{}
}
