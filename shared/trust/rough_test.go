package trust

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
	"mandate/shared/store/retry"
	"mandate/shared/store/tear"
)

// newRoughWorld is a world whose table behaves as DynamoDB may on a bad day: reads are torn
// apart, one call in seven is throttled, loses its answer or conflicts, and is repeated.
func newRoughWorld(t *testing.T) *world {
	t.Helper()
	var faulty *faults.Table
	w := newWorld(t, func(engine store.Table) store.Table {
		torn := tear.New(engine, tear.Options{Seed: 7, Pause: 50 * time.Microsecond})
		faulty = faults.New(torn, faults.Options{Seed: 7, Throttle: 0.05, Lost: 0.05, Contend: 0.05})
		return retry.New(faulty, retry.Options{Bound: 20 * time.Second, First: time.Millisecond, Most: 8 * time.Millisecond})
	})
	t.Cleanup(func() {
		for _, f := range []faults.Fault{faults.Throttle, faults.Lost, faults.Contend} {
			assert.Positive(t, faulty.Injected(f), "fault %d was never met", f)
		}
	})
	return w
}

// abreast runs a function in many goroutines at once and counts what they answer.
func abreast(n int, f func() error) (succeeded int, errs []error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for range n {
		group.Go(func() {
			<-start
			err := f()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				succeeded++
			} else {
				errs = append(errs, err)
			}
		})
	}
	close(start)
	group.Wait()
	return succeeded, errs
}

func TestRough(t *testing.T) {
	w := newRoughWorld(t)
	t.Run("TR-101 exactly as many tokens as uses", func(t *testing.T) {
		limited := w.create(t, w.grant(uses(10)))
		made, errs := abreast(64, func() error {
			take, _ := Spend(limited, noon)
			row := store.Create(store.Token(newID()), store.Item{store.AttrType: "token"})
			return w.table.Write(w.ctx, store.NewRequestID(), take, row)
		})
		assert.Equal(t, 10, made)
		for _, err := range errs {
			_, refused := store.AsRefused(err)
			assert.True(t, refused, "%v", err)
		}
		st, err := w.stand(limited.ID)
		require.NoError(t, err)
		assert.EqualValues(t, 0, *st.RemainingUses)
	})
	t.Run("TR-025 one of many duplicates", func(t *testing.T) {
		made, errs := abreast(16, func() error { _, err := w.try(w.grant(ends(noon))); return err })
		assert.Equal(t, 1, made)
		for _, err := range errs {
			requireKind(t, problem.KindConflict, err)
		}
	})
	t.Run("TR-078 one of many deletions", func(t *testing.T) {
		made := w.create(t, w.grant())
		deleted, errs := abreast(16, func() error { return w.trusts.Delete(w.ctx, made) })
		assert.Equal(t, 1, deleted)
		for _, err := range errs {
			requireKind(t, problem.KindNotFound, err)
		}
	})
}

// TestRough_no_orphans deletes a parent while it is being redelegated: once the cascade
// has come by, no child is left, because a child can only be made while its parent is there.
func TestRough_no_orphans(t *testing.T) {
	w := newRoughWorld(t)
	orphans := 0
	for round := range 20 {
		parent := w.create(t, w.grant(allow()))
		var mu sync.Mutex
		var children []Trust
		var first atomic.Bool
		abreast(4, func() error {
			if first.CompareAndSwap(false, true) {
				for range round % 5 { // gives the others time to be first
					if _, err := w.find(parent.ID); err != nil {
						return err
					}
				}
				return w.trusts.Delete(w.ctx, parent)
			}
			child, err := w.tryUnder(parent, w.grant(to(w.eve)))
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			children = append(children, child)
			return nil
		})
		orphans += len(children)
		for _, child := range children { // dead already
			requireDead(t, w, child.ID, false)
		}
		require.NoError(t, w.trusts.Deleted(w.ctx, parent))
		for _, child := range children {
			require.Empty(t, w.remains(t, child))
		}
	}
	assert.Positive(t, orphans, "no child was made in time to be orphaned")
}

// TestRough_a_kill_is_seen validates without pause while one thing after another is
// killed: a validation that begins after a kill was acknowledged never succeeds.
func TestRough_a_kill_is_seen(t *testing.T) {
	for _, c := range []struct {
		name string
		kill func(*world, [4]Trust) error
	}{
		{"TR-102 the trust deleted", func(w *world, c [4]Trust) error { return w.trusts.Delete(w.ctx, c[3]) }},
		{"TR-080 the first of the chain deleted", func(w *world, c [4]Trust) error { return w.trusts.Delete(w.ctx, c[0]) }},
		{"TR-104 a middle trustee disabled", func(w *world, _ [4]Trust) error {
			_, err := w.UpdateUser(w.ctx, w.reads(), w.joe, func(u *directory.User) error { u.Enabled = false; return nil }, nil)
			return err
		}},
		{"TR-104 the role lost", func(w *world, _ [4]Trust) error {
			return w.Revoke(w.ctx, w.reads(), store.UserActor(w.ada), store.OnProject(w.web), w.admin)
		}},
		{"TR-107 the project disabled", func(w *world, _ [4]Trust) error {
			_, err := w.UpdateProject(w.ctx, w.reads(), w.web, func(p *directory.Project) error { p.Enabled = false; return nil })
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRoughWorld(t)
			chain := w.chain(t)
			var killed atomic.Bool
			var stood, fell atomic.Int64
			warm := make(chan struct{})
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for after := 0; after < 10; {
						before := killed.Load()
						_, err := w.stand(chain[3].ID)
						_, dead := errors.AsType[*directory.Dead](err)
						switch {
						case err == nil && before:
							assert.Fail(t, "stands after the kill was acknowledged")
							return
						case err == nil:
							if stood.Add(1) == 8 {
								close(warm)
							}
						case dead:
							fell.Add(1)
						default:
							assert.NoError(t, err)
							return
						}
						if before {
							after++
						}
					}
				})
			}
			ended := make(chan struct{})
			go func() { group.Wait(); close(ended) }()
			select {
			case <-warm:
			case <-ended:
				require.Fail(t, "nothing stood before the kill")
			}
			require.NoError(t, c.kill(w, chain))
			killed.Store(true)
			<-ended
			assert.Positive(t, fell.Load())
		})
	}
}
