package directory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/retry"
)

// Hasher makes the slow hash under which a password is stored, and checks it. Burn takes
// as long as Verify, for when there is nothing to check.
type Hasher interface {
	Hash(ctx context.Context, password secret.Text) (string, error)
	Verify(ctx context.Context, hash string, password secret.Text) (ok, rehash bool, err error)
	Burn(ctx context.Context, password secret.Text) error
}

// Options is what a Directory is made of.
type Options struct {
	Table    store.Table
	Registry *Registry
	Hasher   Hasher
	Rings    *secret.Rings // seal the blobs of credentials
	Now      func() time.Time
}

// Directory is the write side: every change of users, groups, projects, domains, roles,
// grants, credentials and the catalog is one transaction made here. Lists that need more
// than a read set are here too.
type Directory struct {
	table    store.Table
	registry *Registry
	hasher   Hasher
	rings    *secret.Rings
	now      func() time.Time
}

// New makes a Directory.
func New(o Options) *Directory {
	return &Directory{table: o.Table, registry: o.Registry, hasher: o.Hasher, rings: o.Rings, now: o.Now}
}

// newID draws an id: 32 hex digits (common.md section 5).
func newID() string {
	id := uuid.New()
	return fmt.Sprintf("%x", id[:])
}

// epoch is what a new item's epoch starts at: later than any epoch of an earlier item
// with the same id, because those started earlier and grew by one at a time.
func (d *Directory) epoch() int64 { return d.now().UnixMicro() }

// patience is how long a write is tried again when others are in its way: longer than
// other calls, because most of these end somebody's authority. Beyond it the caller is
// asked to come back (503).
const patience = 5 * time.Second

// commit makes a write of what was read, and makes it anew from a fresh look when it was
// refused because something moved in between. The plan is a pass; it decides everything
// (404, 409, nothing to do) from what the read set holds, so there is one place that
// knows each rule, whether it is met before or after the refusal. A plan of no mutations
// is done.
func (d *Directory) commit(ctx context.Context, rs *store.ReadSet, plan func() ([]store.Mutation, error)) error {
	ctx, cancel := context.WithTimeout(retry.Patient(ctx, patience), patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		var m []store.Mutation
		err := rs.Settle(ctx, func() error {
			var err error
			m, err = plan()
			return err
		})
		if err != nil {
			return err
		}
		if len(m) == 0 {
			return nil
		}
		err = d.write(ctx, m)
		for _, mutation := range m {
			rs.Forget(mutation.Key)
		}
		rs.Forget(rs.Head())
		if _, refused := store.AsRefused(err); !refused {
			return err
		}
		if !pause(ctx, attempt) {
			return fmt.Errorf("%w: refused %d times, last: %w", store.ErrContended, attempt+1, err)
		}
	}
}

// write sends one transaction. The table repeats it under its id while others are in the
// way or the answer is lost; a condition that fails on the write's own first success is
// a success (law 8).
func (d *Directory) write(ctx context.Context, m []store.Mutation) error {
	id := store.NewRequestID()
	err := d.table.Write(ctx, id, m...)
	if r, ok := store.AsRefused(err); ok && r.Item.Str(store.AttrRequest) == string(id) {
		return nil
	}
	return err
}

// pause waits a random time that grows with the attempts to at most 64 ms; false when
// the context ends first.
func pause(ctx context.Context, attempt int) bool {
	longest := time.Millisecond << min(attempt, 6)
	t := time.NewTimer(rand.N(longest)) //nolint:gosec // G404: spreads load, hides nothing
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// MoveHead is the part of a write that changes the head of the directory: all its copies,
// each only if it is still as seen. Sixteen of a write's hundred mutations.
func MoveHead(seen Head, edit func(store.Mutation) store.Mutation) []store.Mutation {
	m := make([]store.Mutation, 0, store.HeadCopies)
	for n := range store.HeadCopies {
		was := store.Equals(attrVersion, seen.Version)
		if seen.Version == 0 {
			was = store.Absent(attrVersion)
		}
		m = append(m, edit(store.Upsert(store.Head(n)).Where(was).
			Set(store.AttrType, "head").Set(attrVersion, seen.Version+1)))
	}
	return m
}

// claim takes a unique name for an owner.
func claim(k store.Key, owner string) store.Mutation {
	return store.Create(k, store.Item{store.AttrType: "name", attrID: owner})
}

// release gives a name back.
func release(k store.Key, owner string) store.Mutation {
	return store.Delete(k).Where(store.Equals(attrID, owner))
}

// free is a pass: a Conflict when somebody else than the owner holds a name.
func free(rs *store.ReadSet, k store.Key, owner, kind string) error {
	i, err := rs.Get(k)
	if err != nil {
		return err
	}
	if i != nil && i.Str(attrID) != owner {
		return problem.Conflict(kind, fmt.Sprintf("the name %s is taken", k.SK))
	}
	return nil
}

// under is the check that the domain something is hung into is there (law 7), still with
// the name that was copied from it.
func under(dom Domain) store.Mutation {
	return store.Check(store.Domain(dom.ID)).Where(store.Equals(attrName, dom.Name))
}
