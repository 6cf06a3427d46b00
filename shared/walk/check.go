package walk

import (
	"context"
	"slices"

	"mandate/shared/store"
)

// A Check says how to see whether an item of the table still has what it stands on: what
// must be read, and then what is amiss. It is how leftovers are found of which no change
// told, or whose change was lost.
type Check struct {
	Needs []store.Key
	// More says, when it is set, what must be read in a second round.
	More func(store.Items) []store.Key
	// Amiss looks at what was read. It returns nil when all is well, or what puts it right.
	// That holds when it is late, too: it looks again, or writes under a condition.
	Amiss func(store.Items) Fix
}

// All is the check that every one of some items is there, and what to do when one is not.
func All(fix Fix, keys ...store.Key) Check {
	return Check{Needs: keys, Amiss: func(found store.Items) Fix {
		if slices.ContainsFunc(keys, func(k store.Key) bool { return found[k] == nil }) {
			return fix
		}
		return nil
	}}
}

// A Fix puts one thing right. It may say that something ended whose consequences are
// still to be drawn.
type Fix func(context.Context) (*Kill, error)

// Follow is the fix that draws the consequences of an end.
func Follow(k Kill) Fix { return func(context.Context) (*Kill, error) { return &k, nil } }

// Do is the fix of one act.
func Do(act func(context.Context) error) Fix {
	return func(ctx context.Context) (*Kill, error) { return nil, act(ctx) }
}

// Discard is the fix that deletes an entry as it was seen; one that is gone, or was written
// since, is left alone.
func Discard(t store.Table, e store.Entry) Fix {
	return Do(func(ctx context.Context) error {
		m := store.Delete(e.Key)
		if seen := e.Item.Str(store.AttrRequest); seen != "" {
			m = m.Where(store.Equals(store.AttrRequest, seen))
		}
		err := t.Write(ctx, store.NewRequestID(), m)
		if _, refused := store.AsRefused(err); refused {
			return nil
		}
		return err
	})
}
