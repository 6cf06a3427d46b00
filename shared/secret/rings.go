package secret

import (
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
)

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
	ring *Ring
	at   time.Time
	err  error // of that look; ring is then from the one before
}

// RingsOptions are the parts of Rings.
type RingsOptions struct {
	Table   store.Table
	Wrapper Wrapper
	Now     func() time.Time // nil: time.Now
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
		}))
	}
	if items[store.Deployment()] == nil {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails: crypto/rand
		m = append(m, store.Create(store.Deployment(), store.Item{
			store.AttrType: "deployment", attrDeploymentID: hex.EncodeToString(id),
		}))
	}
	return m, nil
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
	r.state.Store(&ringState{ring: ring, at: r.now()})
	return nil
}

func (r *Rings) parse(ctx context.Context, item store.Item) (*Ring, error) {
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

// Seal encrypts a text, which opens with the same associated data only.
func (r *Rings) Seal(plain, associated []byte) ([]byte, error) {
	return r.Ring().Seal(plain, associated)
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
	ring, err := r.load(ctx)
	if err != nil {
		ring = before.ring
		if ctx.Err() != nil { // says something of this caller, nothing of the keyset
			return err
		}
	}
	r.state.Store(&ringState{ring: ring, at: r.now(), err: err})
	return err
}

func (r *Rings) load(ctx context.Context) (*Ring, error) {
	items, err := r.table.Read(ctx, store.Keyset())
	if err != nil {
		return nil, fmt.Errorf("read the keyset: %w", err)
	}
	item := items[store.Keyset()]
	if item == nil {
		return nil, errors.New("the keyset is gone from the table")
	}
	return r.parse(ctx, item)
}

// Replacement is the mutation that puts the ring that follows in the place of the one it
// was made from. It is refused when another came first. It goes into one transaction with
// the head of the directory, whose version of the keyset tells every instance.
func (r *Rings) Replacement(ctx context.Context, next *Ring) (store.Mutation, error) {
	wrapped, err := next.wrap(ctx, r.wrapper)
	if err != nil {
		return store.Mutation{}, err
	}
	return store.Update(store.Keyset()).Set(attrWrapped, wrapped).Set(attrVersion, next.version).
		Where(store.Equals(attrVersion, next.version-1)), nil
}
