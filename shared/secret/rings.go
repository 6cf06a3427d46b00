package secret

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"mandate/shared/store"
)

// Attribute names of the keyset and of the deployment.
const (
	attrWrapped      = "wrapped"
	attrVersion      = "version"
	attrDeploymentID = "id"

	// AttrSealsSince is since when the key that seals has done so, in microseconds since
	// 1970. What else a rotation keeps in the keyset's item is shared/rotation's.
	AttrSealsSince = "seals_since"
)

// LookAgain is how old the last look at the stored keyset may be when something is sealed.
// SealFor is how long a process goes on sealing when its looks fail: after that it seals
// nothing, so that a key that no longer seals can be retired one day.
const (
	LookAgain = 5 * time.Minute
	SealFor   = 45 * time.Minute
)

// ErrNoKeyset says that the table has no keyset and that this process is not to make one.
var ErrNoKeyset = errors.New("the table has no keyset yet; the first deployment makes one by calling the bootstrap function (docs/operations.md)")

// unknownPause is how long after a look at the stored keyset an unknown key id is not
// worth another: whoever sends garbage costs one read in that time, not one each.
const unknownPause = 5 * time.Second

// Rings keeps the deployment's ring in memory and reads it again when it must have
// changed. It is safe for concurrent use.
type Rings struct {
	table      store.Table
	wrapper    Wrapper
	now        func() time.Time
	deployment string
	reloading  chan struct{} // holds one token while somebody reloads
	state      atomic.Pointer[ringState]
}

// ringState is what the last look at the stored keyset gave.
type ringState struct {
	ring    *Ring
	wrapped []byte    // as it was stored: the same again need not be unwrapped again
	good    time.Time // of the last look that succeeded
	at      time.Time
	err     error // of that look; ring is then from the one before
}

// RingsOptions are the parts of Rings.
type RingsOptions struct {
	Table   store.Table
	Wrapper Wrapper
	Now     func() time.Time // nil: time.Now

	// Existing fails with ErrNoKeyset where there is no keyset, instead of making one.
	Existing bool
}

// attempts bounds how often two cold starts that find an empty table can get in each
// other's way. The loser of a race reads what the winner wrote.
const attempts = 5

// OpenRings reads the deployment's id and keyset, or creates what is missing. Of several
// that create at once one wins, and all go on with what it wrote.
func OpenRings(ctx context.Context, o RingsOptions) (*Rings, error) {
	r := &Rings{table: o.Table, wrapper: o.Wrapper, now: o.Now, reloading: make(chan struct{}, 1)}
	if r.now == nil {
		r.now = time.Now
	}
	var err error
	for range attempts {
		var items store.Items
		items, err = r.table.Read(ctx, store.Keyset(), store.Deployment())
		if err != nil {
			return nil, fmt.Errorf("read keyset and deployment: %w", err)
		}
		if o.Existing && (items[store.Keyset()] == nil || items[store.Deployment()] == nil) {
			return nil, ErrNoKeyset
		}
		missing, missingErr := r.missing(ctx, items)
		if missingErr != nil {
			return nil, missingErr
		}
		if len(missing) == 0 {
			if err := r.adopt(ctx, items); err != nil {
				return nil, err
			}
			return r, nil
		}
		err = r.table.Write(ctx, store.NewRequestID(), missing...)
		if _, refused := store.AsRefused(err); err != nil && !refused && !errors.Is(err, store.ErrContended) {
			return nil, fmt.Errorf("create keyset and deployment: %w", err)
		}
	}
	return nil, fmt.Errorf("create keyset and deployment, tried %d times: %w", attempts, err)
}

// missing are the mutations that create what is not there.
func (r *Rings) missing(ctx context.Context, items store.Items) ([]store.Mutation, error) {
	var m []store.Mutation
	if items[store.Keyset()] == nil {
		ring, err := NewRing()
		if err != nil {
			return nil, err
		}
		wrapped, err := ring.wrap(ctx, r.wrapper)
		if err != nil {
			return nil, err
		}
		m = append(m, store.Create(store.Keyset(), store.Item{
			store.AttrType: "keyset", attrWrapped: wrapped, attrVersion: ring.version,
			AttrSealsSince: r.now().UnixMicro(),
		}))
	}
	if items[store.Deployment()] == nil {
		m = append(m, store.Create(store.Deployment(), store.Item{
			store.AttrType: "deployment", attrDeploymentID: newDeploymentID(),
		}))
	}
	return m, nil
}

func newDeploymentID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails: crypto/rand
	return hex.EncodeToString(id)
}

// Renew gives the deployment a new id, after its table was restored from a backup: tokens
// that were revoked since the backup must not come back to life, so all of them end. Processes
// that run keep the old id until they start again.
func (r *Rings) Renew(ctx context.Context) error {
	err := r.table.Write(ctx, store.NewRequestID(), store.Update(store.Deployment()).Set(attrDeploymentID, newDeploymentID()))
	if err != nil {
		return fmt.Errorf("give the deployment a new id: %w", err)
	}
	return nil
}

func (r *Rings) adopt(ctx context.Context, items store.Items) error {
	r.deployment = items[store.Deployment()].Str(attrDeploymentID)
	if r.deployment == "" {
		return errors.New("deployment item has no id")
	}
	ring, err := r.parse(ctx, items[store.Keyset()])
	if err != nil {
		return err
	}
	r.found(ring, items[store.Keyset()])
	return nil
}

// found is what a look that succeeded leaves.
func (r *Rings) found(ring *Ring, item store.Item) {
	now := r.now()
	r.state.Store(&ringState{ring: ring, wrapped: item.Bytes(attrWrapped), good: now, at: now})
}

// parse unwraps a keyset, unless it is the one in memory.
func (r *Rings) parse(ctx context.Context, item store.Item) (*Ring, error) {
	if s := r.state.Load(); s != nil && bytes.Equal(s.wrapped, item.Bytes(attrWrapped)) && s.ring.version == item.Int(attrVersion) {
		return s.ring, nil
	}
	return unwrap(ctx, r.wrapper, item.Bytes(attrWrapped), item.Int(attrVersion))
}

// Deployment is the id of this deployment, part of the associated data of its tokens.
func (r *Rings) Deployment() string { return r.deployment }

// Ring is the ring as it was last read.
func (r *Rings) Ring() *Ring { return r.state.Load().ring }

// For is the ring to open a sealed text with. When that names a key that the ring in
// memory has not, and the last look at the stored keyset is long enough ago, it says that
// a reload is due; the caller reloads and asks again. Otherwise it fails with
// ErrUnknownKey, or with the error of the last look if that failed: a key that could not
// be looked up is not an unknown one.
func (r *Rings) For(sealed []byte) (ring *Ring, due bool, err error) {
	s := r.state.Load()
	if s.ring.Has(sealed) {
		return s.ring, false, nil
	}
	if _, ok := KeyID(sealed); !ok {
		return nil, false, ErrNotSealed
	}
	switch since := r.now().Sub(s.at); {
	case since >= unknownPause || since < 0:
		return nil, true, nil
	case s.err != nil:
		return nil, false, s.err
	default:
		return nil, false, ErrUnknownKey
	}
}

// Sealing is the ring to seal with: one that was looked at lately. Whoever looks in vain
// goes on with the ring it has for a while, and then fails with the error of the look.
func (r *Rings) Sealing(ctx context.Context) (*Ring, error) {
	s := r.state.Load()
	since := r.now().Sub(s.at)
	if since < LookAgain && since >= 0 && (s.err == nil || since < unknownPause) {
		return s.sealing(r.now())
	}
	if err := r.Reload(ctx); err != nil && ctx.Err() != nil {
		return nil, err
	}
	return r.state.Load().sealing(r.now())
}

func (s *ringState) sealing(now time.Time) (*Ring, error) {
	if s.err != nil && now.Sub(s.good) >= SealFor {
		return nil, fmt.Errorf("seal with a ring last looked at %s: %w", s.good.UTC().Format(time.RFC3339), s.err)
	}
	return s.ring, nil
}

// Seal encrypts a text, which opens with the same associated data only. What is kept for
// longer than a token lives must be found by a walk of shared/rotation, which seals it anew
// before its key is retired.
func (r *Rings) Seal(ctx context.Context, plain, associated []byte) ([]byte, error) {
	ring, err := r.Sealing(ctx)
	if err != nil {
		return nil, err
	}
	return ring.Seal(plain, associated)
}

// Open decrypts what Seal made, here or in another process, and reads the keyset again
// first if that may know the key and the ring in memory does not. It fails as Ring.Open
// does, or with the error of reading the keyset.
func (r *Rings) Open(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	ring, due, err := r.For(sealed)
	if due {
		if err := r.Reload(ctx); err != nil {
			return nil, err
		}
		ring = r.Ring()
	} else if err != nil {
		return nil, err
	}
	return ring.Open(sealed, associated)
}

// Reload reads the keyset again. Calls made while one is at work wait for it and share
// its outcome. When it fails, the ring in memory stays.
func (r *Rings) Reload(ctx context.Context) error {
	before := r.state.Load()
	select {
	case r.reloading <- struct{}{}:
		defer func() { <-r.reloading }()
	case <-ctx.Done():
		return fmt.Errorf("reload the keyset: %w", context.Cause(ctx))
	}
	if s := r.state.Load(); s != before {
		return s.err
	}
	_, err := r.load(ctx)
	if err != nil && ctx.Err() == nil { // otherwise it says something of this caller, nothing of the keyset
		r.state.Store(&ringState{ring: before.ring, wrapped: before.wrapped, good: before.good, at: r.now(), err: err})
	}
	return err
}

// Look reads the keyset again and returns it with the item that it is in.
func (r *Rings) Look(ctx context.Context) (*Ring, store.Item, error) {
	item, err := r.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	ring, err := r.parse(ctx, item)
	return ring, item, err
}

// load reads the keyset and keeps it in memory.
func (r *Rings) load(ctx context.Context) (store.Item, error) {
	items, err := r.table.Read(ctx, store.Keyset())
	if err != nil {
		return nil, fmt.Errorf("read the keyset: %w", err)
	}
	item := items[store.Keyset()]
	if item == nil {
		return nil, errors.New("the keyset is gone from the table")
	}
	ring, err := r.parse(ctx, item)
	if err != nil {
		return nil, err
	}
	r.found(ring, item)
	return item, nil
}

// Replacement is the mutation that puts the ring that follows in the place of the one it
// was made from. It is refused when another came first.
func (r *Rings) Replacement(ctx context.Context, next *Ring) (store.Mutation, error) {
	wrapped, err := next.wrap(ctx, r.wrapper)
	if err != nil {
		return store.Mutation{}, err
	}
	return store.Update(store.Keyset()).Set(attrWrapped, wrapped).Set(attrVersion, next.version).
		Where(store.Equals(attrVersion, next.version-1)), nil
}
