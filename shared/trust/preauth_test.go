package trust

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
)

// process is a service of its own over the world's table, whose calls may not come back.
func (w *world) process(choose func(n int, op faults.Operation) faults.Fault) (*Service, *store.ReadSet) {
	table := faults.New(w.table, faults.Options{Choose: choose})
	s := New(Options{Table: table, Registry: directory.NewRegistry(table), Now: w.clock.Now, MaxRedelegation: 3})
	return s, store.NewReadSet(table)
}

func (w *world) arrange(t T, edit ...func(*Grant)) Preauth {
	t.Helper()
	p, err := w.trusts.CreatePreauth(w.ctx, w.reads(), plainCaller(w.ada), w.grant(edit...), nil)
	require.NoError(t, err)
	return p
}

// granting is the grant that a trust was made of.
func granting(t Trust) Grant {
	return Grant{
		TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, ProjectID: t.ProjectID, Impersonation: t.Impersonation,
		RoleIDs: t.RoleIDs, ExpiresAt: t.ExpiresAt, RemainingUses: t.RemainingUses,
	}
}

// changing is a PATCH of the trust behind.
func changing(edit ...func(*Grant)) func(Preauth) (Change, error) {
	return func(p Preauth) (Change, error) {
		g := granting(p.Trust)
		for _, e := range edit {
			e(&g)
		}
		return Change{Trust: &g}, nil
	}
}

func (w *world) change(p Preauth, edit func(Preauth) (Change, error)) (Preauth, error) {
	return w.trusts.UpdatePreauth(w.ctx, w.reads(), plainCaller(w.ada), p.ID, edit)
}

func (w *world) look(id string) (p Preauth, err error) {
	rs, v := w.reads(), Sight{}
	err = rs.Settle(w.ctx, func() (err error) { p, err = w.trusts.FindPreauth(rs, &v, w.ada, id); return err })
	return p, err
}

// behind is what the table itself has: of all trusts that were ever made, those that a
// pre-authentication holds, those that its handles point to, and what lists a trust that
// is not there. Nothing in it is read through the code that is tested.
func (w *world) behind(t T, id string) (held, pointed, stray []string) {
	t.Helper()
	for {
		changes, err := w.engine.Changes(w.ctx, w.upTo, 100)
		require.NoError(t, err)
		if len(changes) == 0 {
			break
		}
		for _, c := range changes {
			if w.upTo = c.Position; c.Old == nil && c.New.Has(attrPreauth) {
				w.made[c.New.Str(attrPreauth)] = append(w.made[c.New.Str(attrPreauth)], c.Key)
			}
		}
	}
	for _, k := range w.made[id] {
		items, err := w.engine.Read(w.ctx, k)
		require.NoError(t, err)
		if items[k] != nil {
			held = append(held, items[k].Str(attrID))
		}
	}
	for _, user := range []string{w.ada, w.bob, w.eve} {
		page, err := w.engine.Query(w.ctx, store.Partition(store.User(user)))
		require.NoError(t, err)
		for _, e := range page.Entries {
			switch {
			case strings.HasPrefix(e.Key.SK, "TRUST"):
				k := store.Trust(e.Item.Str(attrID))
				items, err := w.engine.Read(w.ctx, k)
				require.NoError(t, err)
				if items[k] == nil {
					stray = append(stray, e.Key.String())
				}
			case strings.HasPrefix(e.Key.SK, "PRE") && strings.HasSuffix(e.Key.SK, id):
				pointed = append(pointed, e.Item.Str(attrTrust))
			}
		}
	}
	return held, pointed, stray
}

// exactlyOne demands one trust behind both handles, or, when it was deleted, nothing at all.
func (w *world) exactlyOne(t T, id string, deleted bool) {
	t.Helper()
	held, pointed, stray := w.behind(t, id)
	require.Empty(t, stray)
	if deleted {
		require.Empty(t, held)
		require.Empty(t, pointed)
		return
	}
	require.Len(t, held, 1, "trusts behind the handle")
	require.Equal(t, []string{held[0], held[0]}, pointed, "handles")
	_, err := w.stand(held[0])
	require.NoError(t, err)
}

// TestUpdatePreauth_killed stops a PATCH at each of its calls of the table in turn. There
// something else happens to the same pre-authentication, and then the call is made, or the
// process dies before it, or dies before its answer comes. Before every call and in the end
// exactly one live trust is behind the handle, or none is if it was deleted.
func TestUpdatePreauth_killed(t *testing.T) {
	w := newWorld(t)
	long := noon.Add(time.Hour)
	type event struct {
		name    string
		happen  func(Preauth) error
		deletes bool
		then    func(*testing.T, Preauth) // of the result when the process lives on
	}
	events := []event{
		{"nothing", func(Preauth) error { return nil }, false, func(*testing.T, Preauth) {}},
		{"PATCH of the roles", func(p Preauth) error {
			_, err := w.change(p, changing(func(g *Grant) { g.RoleIDs = store.NewSet(w.reader) }))
			return err
		}, false, func(t *testing.T, p Preauth) { assert.Equal(t, store.NewSet(w.reader), p.Trust.RoleIDs) }},
		{"PATCH of the delegate", func(p Preauth) error {
			_, err := w.change(p, changing(to(w.eve)))
			return err
		}, false, func(t *testing.T, p Preauth) { assert.Equal(t, w.eve, p.Trust.TrusteeID) }},
		{"PATCH of the end", func(p Preauth) error {
			_, err := w.change(p, changing(func(g *Grant) { g.ExpiresAt = long }))
			return err
		}, false, func(t *testing.T, p Preauth) { assert.Equal(t, long, p.Trust.ExpiresAt) }},
		{"PATCH of the description", func(p Preauth) error {
			d := "servers"
			_, err := w.change(p, func(Preauth) (Change, error) { return Change{Described: true, Description: &d}, nil })
			return err
		}, false, func(t *testing.T, p Preauth) { assert.Equal(t, "servers", *p.Description) }},
		{"a login", func(p Preauth) error {
			now, err := w.look(p.ID)
			if err != nil {
				return err
			}
			take, _ := Spend(now.Trust, noon)
			return w.table.Write(w.ctx, store.NewRequestID(), take)
		}, false, func(t *testing.T, p Preauth) { assert.EqualValues(t, 4, *p.Trust.RemainingUses) }},
		{"DELETE", func(p Preauth) error { return w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID) }, true, nil},
		{"DELETE of the trust", func(p Preauth) error {
			now, err := w.look(p.ID)
			if err != nil {
				return err
			}
			return w.trusts.Delete(w.ctx, now.Trust)
		}, true, nil},
	}
	ways := []struct {
		name        string
		at, further faults.Fault
	}{{"lives on", faults.None, faults.None}, {"dies before", faults.Throttle, faults.Throttle}, {"dies after", faults.Lost, faults.Throttle}}
	tried := 0
	for _, e := range events {
		for _, way := range ways {
			t.Run(fmt.Sprintf("PA-030 %s, and it %s", e.name, way.name), func(t *testing.T) {
				for at := 1; ; at++ {
					p := w.arrange(t, ends(noon), uses(5))
					calls, happened := 0, false
					process, rs := w.process(func(n int, _ faults.Operation) faults.Fault {
						calls = n
						w.exactlyOne(t, p.ID, happened && e.deletes)
						switch {
						case n == at:
							require.NoError(t, e.happen(p))
							happened = true
							w.exactlyOne(t, p.ID, e.deletes)
							return way.at
						case n > at:
							return way.further
						}
						return faults.None
					})
					result, err := process.UpdatePreauth(w.ctx, rs, plainCaller(w.ada), p.ID, changing(func(g *Grant) { g.Impersonation = false }))
					w.exactlyOne(t, p.ID, happened && e.deletes)
					if calls < at {
						require.NoError(t, err)
						w.exactlyOne(t, p.ID, false)
						require.NoError(t, w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID))
						require.Greater(t, at, 3, "calls that were tried")
						tried += at - 1
						return
					}
					switch {
					case way.at != faults.None:
						require.ErrorIs(t, err, store.ErrUnavailable)
					case e.deletes:
						requireKind(t, problem.KindNotFound, err)
					default:
						require.NoError(t, err)
						now, err := w.look(p.ID)
						require.NoError(t, err)
						require.Equal(t, now.Trust.ID, result.Trust.ID)
						require.Equal(t, now.Version, result.Version)
						version := int64(2)
						if strings.HasPrefix(e.name, "PATCH") {
							version++
						}
						require.Equal(t, version, now.Version, "each change counts")
						require.False(t, now.Trust.Impersonation)
						e.then(t, now) // made on top of what happened
					}
					if !e.deletes {
						require.NoError(t, w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID))
					}
				}
			})
		}
	}
	t.Logf("stopped at %d calls", tried)
}

// TestFindPreauth_replaced_meanwhile reads a handle, replaces its trust, and reads on.
func TestFindPreauth_replaced_meanwhile(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		find func(*Service, *store.ReadSet, Preauth) (Trust, error)
	}{
		{"shown", func(s *Service, rs *store.ReadSet, p Preauth) (Trust, error) {
			var v Sight
			var found Preauth
			err := rs.Settle(w.ctx, func() (err error) { found, err = s.FindPreauth(rs, &v, w.ada, p.ID); return err })
			return found.Trust, err
		}},
		{"listed", func(s *Service, rs *store.ReadSet, _ Preauth) (Trust, error) {
			l := PreauthListing{UserID: w.ada, Limit: 10}
			var page PreauthPage
			err := rs.Settle(w.ctx, func() (err error) { page, err = s.ListPreauths(rs, &l); return err })
			if err != nil {
				return Trust{}, err
			}
			require.Len(t, page.Preauths, 1)
			return page.Preauths[0].Trust, nil
		}},
		{"fetched", func(s *Service, rs *store.ReadSet, _ Preauth) (found Trust, err error) {
			a := Arrangement{CreatorID: w.ada, DelegateID: w.bob}
			err = rs.Settle(w.ctx, func() (err error) { found, err = s.Arranged(rs, &a); return err })
			return found, err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for at := 1; ; at++ {
				p := w.arrange(t)
				calls := 0
				process, rs := w.process(func(n int, _ faults.Operation) faults.Fault {
					if calls = n; n == at || n == at+1 { // and once more right after
						_, err := w.change(p, changing())
						require.NoError(t, err)
					}
					return faults.None
				})
				found, err := c.find(process, rs, p)
				require.NoError(t, err, "at call %d", at)
				assert.NotEmpty(t, found.ID)
				require.NoError(t, w.trusts.DeletePreauth(w.ctx, w.reads(), w.ada, p.ID))
				if calls < at {
					require.Greater(t, at, 2)
					return
				}
			}
		})
	}
}

// TestDeletePreauth_replaced_meanwhile ends the trust that it finds in the end.
func TestDeletePreauth_replaced_meanwhile(t *testing.T) {
	w := newWorld(t)
	for at := 1; ; at++ {
		p := w.arrange(t)
		calls := 0
		process, rs := w.process(func(n int, _ faults.Operation) faults.Fault {
			if calls = n; n == at {
				_, err := w.change(p, changing())
				require.NoError(t, err)
			}
			return faults.None
		})
		require.NoError(t, process.DeletePreauth(w.ctx, rs, w.ada, p.ID), "at call %d", at)
		w.exactlyOne(t, p.ID, true)
		if calls < at {
			require.Greater(t, at, 2)
			return
		}
	}
}

// TestUpdatePreauth_many lets many change one pre-authentication, over a table that tears
// reads and fails, while others look: nobody ever finds nothing.
func TestUpdatePreauth_many(t *testing.T) {
	w := newRoughWorld(t)
	p := w.arrange(t)
	done := make(chan struct{})
	watched := make(chan int)
	go func() {
		seen := 0
		defer func() { watched <- seen }()
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := w.look(p.ID); !assert.NoError(t, err) {
				return
			}
			seen++
		}
	}()
	rounds := []func(*Grant){to(w.eve), to(w.bob), func(g *Grant) { g.RoleIDs = store.NewSet(w.reader) }, ends(noon), func(g *Grant) { g.ExpiresAt = time.Time{} }}
	changed := 0
	for _, edit := range slices.Concat(rounds, rounds) {
		made, errs := abreast(4, func() error { _, err := w.change(p, changing(edit)); return err })
		changed += made
		for _, err := range errs {
			requireKind(t, problem.KindConflict, err)
		}
	}
	close(done)
	t.Logf("%d changes, seen %d times", changed, <-watched)
	require.Positive(t, changed)
	now, err := w.look(p.ID)
	require.NoError(t, err)
	assert.EqualValues(t, 1+changed, now.Version)
	w.exactlyOne(t, p.ID, false)
}
