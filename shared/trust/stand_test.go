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
)

// TestStand changes one thing under a chain of ada → bob → eve → joe → bob, all
// impersonating, and says what becomes of the last trust for a login and for whoever looks at it.
func TestStand(t *testing.T) {
	const (
		stands = iota
		isDead // login 401, token 404
		hollow // login 403, token 404
	)
	for _, c := range []struct {
		name   string
		change func(*testing.T, *world, [4]Trust)
		stands int
		found  bool
	}{
		{"nothing", func(*testing.T, *world, [4]Trust) {}, stands, true},
		{"TR-093 it was deleted", func(t *testing.T, w *world, c [4]Trust) { require.NoError(t, w.trusts.Delete(w.ctx, c[3])) }, isDead, false},
		{"TR-080 the first was deleted", func(t *testing.T, w *world, c [4]Trust) { require.NoError(t, w.trusts.Delete(w.ctx, c[0])) }, isDead, false},
		{"TR-081 a middle one was deleted", func(t *testing.T, w *world, c [4]Trust) { require.NoError(t, w.trusts.Delete(w.ctx, c[1])) }, isDead, false},
		{"TR-094 the trustor is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.enable(t, w.ada, false) }, hollow, true},
		{"TR-094 the trustor was disabled and enabled", func(t *testing.T, w *world, _ [4]Trust) { w.enable(t, w.ada, false); w.enable(t, w.ada, true) }, stands, true},
		{"TR-095 the trustee is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.enable(t, w.bob, false) }, isDead, true},
		{"TR-109 a middle trustee is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.enable(t, w.joe, false) }, hollow, true},
		{"TR-109 the first middle trustee is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.enable(t, w.eve, false) }, hollow, true},
		{"TR-096 the domain is disabled", func(t *testing.T, w *world, _ [4]Trust) {
			_, err := w.UpdateDomain(w.ctx, w.reads(), w.domain, func(d *directory.Domain) error { d.Enabled = false; return nil })
			require.NoError(t, err)
		}, isDead, true},
		{"TR-096 the domain of the trustor alone is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.moveOut(t, w.ada) }, isDead, true},
		{"the domain of a middle trustee alone is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.moveOut(t, w.eve) }, isDead, true},
		{"TR-097 the project is disabled", func(t *testing.T, w *world, _ [4]Trust) { w.enableProject(t, w.web, false) }, isDead, true},
		{"TR-063 the project was deleted", func(t *testing.T, w *world, _ [4]Trust) {
			require.NoError(t, w.DeleteProject(w.ctx, w.reads(), w.web))
		}, isDead, false},
		{"TR-063 the trustor was deleted", func(t *testing.T, w *world, _ [4]Trust) { require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.ada)) }, isDead, false},
		{"TR-063 the trustee was deleted", func(t *testing.T, w *world, _ [4]Trust) { require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.bob)) }, isDead, false},
		{"a middle trustee was deleted", func(t *testing.T, w *world, _ [4]Trust) { require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.joe)) }, isDead, false},
		{"TR-098 the trustor lost the role", func(t *testing.T, w *world, _ [4]Trust) { w.take(t, w.ada, w.web, w.admin) }, hollow, true},
		{"TR-106 the role was given back", func(t *testing.T, w *world, _ [4]Trust) {
			w.take(t, w.ada, w.web, w.admin)
			w.give(t, w.ada, w.web, w.member)
		}, stands, true},
		{"a role no longer implies the one delegated", func(t *testing.T, w *world, _ [4]Trust) {
			require.NoError(t, w.Unimply(w.ctx, w.reads(), w.admin, w.member))
		}, hollow, true},
		{"the role was deleted", func(t *testing.T, w *world, _ [4]Trust) { require.NoError(t, w.DeleteRole(w.ctx, w.reads(), w.member)) }, hollow, true},
		{"somebody else lost a role", func(t *testing.T, w *world, _ [4]Trust) { w.take(t, w.bob, w.web, w.member) }, stands, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			chain := w.chain(t)
			c.change(t, w, chain)
			last := chain[3].ID
			if c.stands == stands {
				_, err := w.stand(last)
				require.NoError(t, err)
			} else {
				requireDead(t, w, last, c.stands == hollow)
			}
			_, err := w.find(last)
			if c.found {
				require.NoError(t, err)
			} else {
				requireKind(t, problem.KindNotFound, err)
			}
		})
	}
}

// moveOut puts a user into a domain of her own that is disabled.
func (w *world) moveOut(t *testing.T, user string) {
	t.Helper()
	d, err := w.CreateDomain(w.ctx, w.reads(), directory.Domain{Name: "Closed", Enabled: true})
	require.NoError(t, err)
	require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Update(store.User(user)).Set("domain_id", d.ID)))
	_, err = w.UpdateDomain(w.ctx, w.reads(), d.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
	require.NoError(t, err)
}

func TestStand_shows_what_it_stands_on(t *testing.T) {
	w := newWorld(t)
	chain := w.chain(t)
	st, err := w.stand(chain[3].ID)
	require.NoError(t, err)
	assert.Equal(t, chain[3], st.Trust)
	assert.Equal(t, "ada", st.Trustor.Name)
	assert.Equal(t, "bob", st.Trustee.Name)
	assert.Equal(t, "web", st.Project.Name)
	assert.Equal(t, store.NewSet(w.member, w.reader), st.Roles, "what a delegated role implies comes along, what implies it does not")
	assert.Equal(t, store.NewSet(w.eve, w.joe), st.Between)

	own, err := w.stand(w.create(t, w.grant(to(w.ada), ends(noon))).ID)
	require.NoError(t, err)
	assert.Equal(t, own.Trustor, own.Trustee)
	assert.Empty(t, own.Between)
}

func TestStand_TR_099_without_a_project(t *testing.T) {
	w := newWorld(t)
	st, err := w.stand(w.create(t, w.grant(unscoped)).ID)
	require.NoError(t, err)
	assert.Empty(t, st.Roles)
	assert.Empty(t, st.Project.ID)
}

func TestStand_expiry(t *testing.T) {
	w := newWorld(t)
	parent := w.create(t, w.grant(allow(), ends(noon)))
	child := w.under(t, parent, w.grant(to(w.eve), ends(noon.Add(-time.Hour))))
	w.clock.Set(noon.Add(-time.Hour - time.Microsecond))
	_, err := w.stand(child.ID)
	require.NoError(t, err)
	w.clock.Advance(time.Microsecond)
	t.Run("TR-103", func(t *testing.T) { requireDead(t, w, child.ID, false) })
	_, err = w.stand(parent.ID)
	require.NoError(t, err)
	w.clock.Set(noon)
	requireDead(t, w, parent.ID, false)
	t.Run("TR-063", func(t *testing.T) {
		_, err = w.find(parent.ID)
		requireKind(t, problem.KindNotFound, err)
	})
}

// TestStand_every_trustor_must_hold_the_roles in a chain without impersonation.
func TestStand_every_trustor_must_hold_the_roles(t *testing.T) {
	w := newWorld(t)
	first := w.create(t, w.grant(allow(), plainly))
	child := w.under(t, first, w.grant(to(w.eve), plainly))
	_, err := w.stand(child.ID)
	require.NoError(t, err)
	w.take(t, w.bob, w.web, w.member)
	requireDead(t, w, child.ID, true)
	w.give(t, w.bob, w.web, w.member)
	_, err = w.stand(child.ID)
	require.NoError(t, err)
	w.take(t, w.ada, w.web, w.admin)
	requireDead(t, w, child.ID, true)
}

func TestStand_roles_through_a_group(t *testing.T) {
	w := newWorld(t)
	g, err := w.CreateGroup(w.ctx, w.reads(), directory.Group{Name: "ops", DomainID: w.domain})
	require.NoError(t, err)
	require.NoError(t, w.Join(w.ctx, w.reads(), g.ID, w.joe))
	require.NoError(t, w.Grant(w.ctx, w.reads(), store.GroupActor(g.ID), store.OnProject(w.web), w.member))
	made := w.create(t, w.grant(from(w.joe)))
	_, err = w.stand(made.ID)
	require.NoError(t, err)
	require.NoError(t, w.Leave(w.ctx, w.reads(), g.ID, w.joe))
	requireDead(t, w, made.ID, true)
}

// TestStand_trips holds a validation to one round trip when everything is hinted, and a
// login, which knows the trust's id only, to two, or to one where the trust was seen before.
func TestStand_trips(t *testing.T) {
	w := newWorld(t)
	chain := w.chain(t)
	_, err := w.stand(chain[0].ID) // the roles are in memory from here on
	require.NoError(t, err)
	for depth, tr := range chain {
		w.trusts.memory.young, w.trusts.memory.old = nil, nil
		for seen, trips := range []int{2, 1} {
			rs := w.reads()
			require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.Stand(rs, tr.ID); return err }))
			assert.Equal(t, trips, rs.Trips(), "depth %d, by id, seen %d times", depth, seen)
		}

		st, err := w.stand(tr.ID)
		require.NoError(t, err)
		w.trusts.memory.young, w.trusts.memory.old = nil, nil
		rs := w.reads()
		hints := []string{tr.ID[:16]}
		for _, a := range tr.Ancestors {
			hints = append(hints, a[:16])
		}
		Want(rs, tr.TrustorID, tr.TrusteeID, tr.ProjectID, hints...)
		for _, id := range st.Between {
			rs.Want(store.User(id))
		}
		require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.Stand(rs, tr.ID); return err }))
		assert.Equal(t, 1, rs.Trips(), "depth %d, hinted", depth)
	}
}

// TestStand_believes_no_item writes trusts that no Create would make.
func TestStand_believes_no_item(t *testing.T) {
	w := newWorld(t)
	good := w.create(t, w.grant(allow(), ends(noon)))
	second := w.under(t, good, w.grant(to(w.joe), allow()))
	forge := func(edit func(*Trust)) string {
		f := w.grant(to(w.eve)).under(good)
		f.ID, f.Ancestors, f.above = newID(), []string{good.ID}, store.NewSet(w.ada, w.bob)
		edit(&f)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), store.Create(store.Trust(f.ID), f.item(0))))
		return f.ID
	}
	_, err := w.stand(forge(func(*Trust) {}))
	require.NoError(t, err)
	for name, edit := range map[string]func(*Trust){
		"later than its parent":           func(f *Trust) { f.ExpiresAt = noon.Add(time.Second) },
		"without end":                     func(f *Trust) { f.ExpiresAt = time.Time{} },
		"more roles":                      func(f *Trust) { f.RoleIDs = store.NewSet(w.admin, w.member) },
		"no roles":                        func(f *Trust) { f.RoleIDs = nil },
		"another project":                 func(f *Trust) { f.ProjectID = w.shop },
		"no project":                      func(f *Trust) { f.ProjectID, f.RoleIDs = "", nil },
		"limited uses":                    func(f *Trust) { f.RemainingUses = new(int64) },
		"as many to follow as its parent": func(f *Trust) { f.RedelegationCount = 3 },
		"fewer than none to follow":       func(f *Trust) { f.RedelegationCount = -1 },
		"another trustor":                 func(f *Trust) { f.TrustorID = w.bob },
		"the parent of its parent left out": func(f *Trust) {
			f.ParentID, f.Ancestors, f.TrustorID, f.Impersonation = second.ID, []string{second.ID}, w.ada, false
			f.RedelegationCount, f.ExpiresAt = 0, noon
		},
		"another parent than ancestor": func(f *Trust) { f.ParentID = id(3) },
		"an ancestor and no parent":    func(f *Trust) { f.ParentID, f.Ancestors = id(3), []string{id(3), good.ID} },
		"an ancestor twice":            func(f *Trust) { f.Ancestors = []string{good.ID, good.ID} },
		"an ancestor that never was":   func(f *Trust) { f.ParentID, f.Ancestors = id(3), []string{id(3)} },
		"itself as ancestor":           func(f *Trust) { f.ParentID, f.Ancestors = f.ID, []string{f.ID} },
	} {
		t.Run(name, func(t *testing.T) { requireDead(t, w, forge(edit), false) })
	}
	t.Run("impersonation gained", func(t *testing.T) {
		silent := w.create(t, w.grant(allow(), plainly, ends(noon)))
		requireDead(t, w, forge(func(f *Trust) {
			f.ParentID, f.Ancestors, f.TrustorID = silent.ID, []string{silent.ID}, w.bob
		}), false)
	})
	t.Run("one that outlives its parent is not even found", func(t *testing.T) {
		late := forge(func(f *Trust) { f.ExpiresAt = noon.Add(time.Hour) })
		w.clock.Set(noon)
		defer w.clock.Set(morning)
		_, err := w.find(late)
		requireKind(t, problem.KindNotFound, err)
	})
	t.Run("the first 8 bytes of another trust's id", func(t *testing.T) {
		requireDead(t, w, good.ID[:16]+id(5)[16:], false)
	})
	for _, malformed := range []string{"", "nope", good.ID[:16], good.ID + "0"} {
		requireDead(t, w, malformed, false)
	}
}

func TestSpend(t *testing.T) {
	w := newWorld(t)
	limited := w.create(t, w.grant(uses(10)))

	t.Run("of an unlimited trust it is noted once in an hour when it was used", func(t *testing.T) {
		free := w.create(t, w.grant())
		note, due := Spend(free, noon)
		require.True(t, due)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), note))
		st, err := w.stand(free.ID)
		require.NoError(t, err)
		assert.Equal(t, noon, st.UsedAt)
		_, due = Spend(st.Trust, noon.Add(time.Hour-time.Second))
		assert.False(t, due)
		_, due = Spend(st.Trust, noon.Add(time.Hour))
		assert.True(t, due)
	})

	t.Run("TR-101 of 64 at the same time exactly 10 get one", func(t *testing.T) {
		var group sync.WaitGroup
		var spent atomic.Int64
		for range 64 {
			group.Go(func() {
				take, _ := Spend(limited, noon)
				err := w.table.Write(w.ctx, store.NewRequestID(), take)
				if err == nil {
					spent.Add(1)
					return
				}
				_, refused := store.AsRefused(err)
				assert.True(t, refused || errors.Is(err, store.ErrContended), "%v", err)
			})
		}
		group.Wait()
		assert.EqualValues(t, 10, spent.Load())
	})
	t.Run("TR-100 used up: not found, yet what was issued stands", func(t *testing.T) {
		_, err := w.find(limited.ID)
		requireKind(t, problem.KindNotFound, err)
		st, err := w.stand(limited.ID)
		require.NoError(t, err)
		assert.True(t, st.UsedUp())
		assert.EqualValues(t, 0, *st.RemainingUses)
	})
	t.Run("nothing is taken from another trust with the same first 8 bytes", func(t *testing.T) {
		fresh := w.create(t, w.grant(uses(1)))
		fresh.ID = fresh.ID[:16] + id(5)[16:]
		take, _ := Spend(fresh, noon)
		_, refused := store.AsRefused(w.table.Write(w.ctx, store.NewRequestID(), take))
		assert.True(t, refused)
	})
	t.Run("nothing is taken from a trust that is gone", func(t *testing.T) {
		fresh := w.create(t, w.grant(uses(1)))
		require.NoError(t, w.trusts.Delete(w.ctx, fresh))
		take, _ := Spend(fresh, noon)
		_, refused := store.AsRefused(w.table.Write(w.ctx, store.NewRequestID(), take))
		assert.True(t, refused)
	})
}

// TestFind_why names the item that says why a trust is not found: a user or project that is
// gone, or its domain.
func TestFind_why(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*testing.T, *world) store.Key
	}{
		{"the trustor", func(t *testing.T, w *world) store.Key {
			require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.ada))
			return store.User(w.ada)
		}},
		{"the project", func(t *testing.T, w *world) store.Key {
			require.NoError(t, w.DeleteProject(w.ctx, w.reads(), w.web))
			return store.Project(w.web)
		}},
		{"the domain", func(t *testing.T, w *world) store.Key {
			_, err := w.UpdateDomain(w.ctx, w.reads(), w.domain, func(d *directory.Domain) error { d.Enabled = false; return nil })
			require.NoError(t, err)
			require.NoError(t, w.DeleteDomain(w.ctx, w.reads(), w.domain))
			return store.Domain(w.domain)
		}},
	} {
		t.Run("TR-063 "+c.name, func(t *testing.T) {
			w := newWorld(t)
			made := w.create(t, w.grant())
			at := c.end(t, w)
			_, err := w.find(made.ID)
			requireKind(t, problem.KindNotFound, err)
			why, ok := errors.AsType[*directory.Dead](err)
			require.True(t, ok)
			assert.Equal(t, at, why.At)
		})
	}
}

// TestRoles: those a trust names, by name, without what was deleted.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	made := w.create(t, w.grant(roles(w.reader, w.admin, w.member)))
	names := func() (names []string) {
		rs := w.reads()
		var found []directory.Role
		require.NoError(t, rs.Settle(w.ctx, func() (err error) { found, err = w.trusts.Roles(rs, made); return err }))
		for _, r := range found {
			names = append(names, r.Name)
		}
		return names
	}
	assert.Equal(t, []string{"admin", "member", "reader"}, names())
	require.NoError(t, w.DeleteRole(w.ctx, w.reads(), w.member))
	assert.Equal(t, []string{"admin", "reader"}, names())
}
