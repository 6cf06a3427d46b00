package trust

import (
	"context"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Check says what one of this package's items stands on; no needs: on nothing. What has
// expired is left to TTL: it ended when its time came, not by what it stood on.
func (s *Service) Check(e store.Entry) walk.Check {
	of := func(id string) walk.Check { // what lists a trust, by its id
		k := store.Trust(id)
		return walk.Check{Needs: []store.Key{k}, Amiss: func(found store.Items) walk.Fix {
			if found[k].Str(attrID) != id {
				return walk.Discard(s.table, e)
			}
			return nil
		}}
	}
	switch e.Item.Str(store.AttrType) {
	case typeTrust:
		t := From(e.Item)
		if t.Expired(s.now()) {
			return walk.Check{}
		}
		keys := []store.Key{store.User(t.TrustorID), store.User(t.TrusteeID)}
		if t.ProjectID != "" {
			keys = append(keys, store.Project(t.ProjectID))
		}
		if t.ParentID != "" {
			keys = append(keys, store.Trust(t.ParentID))
		}
		return walk.Check{Needs: keys, Amiss: func(found store.Items) walk.Fix {
			for _, k := range keys {
				if found[k] == nil || t.ParentID != "" && k == store.Trust(t.ParentID) && found[k].Str(attrID) != t.ParentID {
					return walk.Do(func(ctx context.Context) error { return s.Remove(ctx, t) })
				}
			}
			return nil
		}}
	case "trust listed":
		return of(e.Item.Str(attrID))
	case "trust claim":
		return of(e.Item.Str(attrOwner))
	case "preauthentication", "preauthentication listed":
		return of(e.Item.Str(attrTrust))
	}
	return walk.Check{}
}
