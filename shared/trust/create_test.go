package trust

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/faults"
)

func named(names ...string) func(*Grant) {
	return func(g *Grant) { g.RoleIDs, g.RoleNames = nil, names }
}

// TestCreate_refusals asks for what must not be made; the first wrong thing in the
// contract's order is what is said, though others are wrong as well.
func TestCreate_refusals(t *testing.T) {
	w := newWorld(t)
	w.role(t, "twin", "")
	w.role(t, "twin", w.domain)
	nobody := id(9)
	for _, c := range []struct {
		name  string
		grant Grant
		by    string
		want  problem.Kind
	}{
		{"TR-016 for another user", w.grant(), w.eve, problem.KindForbidden},
		{"TR-007 a project without roles, and no such trustee", w.grant(roles(), to(nobody)), w.ada, problem.KindForbidden},
		{"TR-012 no such trustee, and no such role", w.grant(to(nobody), named("ghost")), w.ada, problem.KindNotFound},
		{"TR-004 no such role by name", w.grant(named("ghost")), w.ada, problem.KindNotFound},
		{"TR-004 no such role by id", w.grant(roles(nobody)), w.ada, problem.KindNotFound},
		{"TR-004 a role that is not hers", w.grant(roles(w.lone)), w.ada, problem.KindNotFound},
		{"TR-004 one of two roles is not hers", w.grant(roles(w.member, w.lone)), w.ada, problem.KindNotFound},
		{"an ambiguous name, and no such project", w.grant(named("twin"), on(nobody)), w.ada, problem.KindInvalid},
		{"TR-010 no such project, and an end in the past", w.grant(on(nobody), ends(morning)), w.ada, problem.KindNotFound},
		{"TR-008 roles without a project", w.grant(on("")), w.ada, problem.KindNotFound},
		{"TR-019 an end in the past, and too many to follow", w.grant(ends(morning.Add(-time.Second)), allow(9)), w.ada, problem.KindInvalid},
		{"TR-019 an end now", w.grant(ends(morning)), w.ada, problem.KindInvalid},
		{"TR-019 an end within this second", w.grant(ends(morning.Add(999 * time.Millisecond))), w.ada, problem.KindInvalid},
		{"TR-042 more to follow than allowed", w.grant(allow(4)), w.ada, problem.KindForbidden},
		{"TR-045 limited uses and redelegation", w.grant(allow(), uses(2)), w.ada, problem.KindInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.trusts.Create(w.ctx, w.reads(), plainCaller(c.by), c.grant)
			requireKind(t, c.want, err)
		})
	}
	page, err := w.list(OfEverybody(""))
	require.NoError(t, err)
	assert.Empty(t, page.Trusts, "nothing was made")
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		grant Grant
		check func(*testing.T, Trust)
	}{
		{"TR-001 a role by id", w.grant(), func(t *testing.T, made Trust) { assert.Equal(t, store.NewSet(w.member), made.RoleIDs) }},
		{"TR-002 a role by name", w.grant(named("member")), func(t *testing.T, made Trust) { assert.Equal(t, store.NewSet(w.member), made.RoleIDs) }},
		{"TR-005 an implied role", w.grant(roles(w.reader)), func(t *testing.T, made Trust) { assert.Equal(t, store.NewSet(w.reader), made.RoleIDs) }},
		{"TR-028 a role by id and by name", w.grant(func(g *Grant) { g.RoleNames = []string{"member", "member"} }),
			func(t *testing.T, made Trust) { assert.Equal(t, store.NewSet(w.member), made.RoleIDs) }},
		{"TR-009 neither project nor roles", w.grant(unscoped), func(t *testing.T, made Trust) { assert.Empty(t, made.ProjectID); assert.Empty(t, made.RoleIDs) }},
		{"TR-013 to oneself", w.grant(to(w.ada), ends(noon)), func(t *testing.T, made Trust) { assert.Equal(t, w.ada, made.TrusteeID) }},
		{"TR-021 the end in whole seconds", w.grant(ends(noon.Add(300 * time.Millisecond))), func(t *testing.T, made Trust) { assert.Equal(t, noon, made.ExpiresAt) }},
		{"TR-024 limited uses", w.grant(uses(3)), func(t *testing.T, made Trust) { assert.EqualValues(t, 3, *made.RemainingUses) }},
		{"TR-040 redelegatable", w.grant(allow()), func(t *testing.T, made Trust) { assert.EqualValues(t, 3, made.RedelegationCount) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := w.create(t, c.grant)
			c.check(t, made)
			found, err := w.find(made.ID)
			require.NoError(t, err)
			assert.Equal(t, made, found)
		})
	}
}

func TestCreate_TR_011_on_a_disabled_project(t *testing.T) {
	w := newWorld(t)
	w.enableProject(t, w.web, false)
	made := w.create(t, w.grant())
	requireDead(t, w, made.ID, false)
	w.enableProject(t, w.web, true)
	_, err := w.stand(made.ID)
	require.NoError(t, err)
}

func TestCreate_duplicates(t *testing.T) {
	w := newWorld(t)
	t.Run("TR-025 one with the same expiry is enough", func(t *testing.T) {
		first := w.create(t, w.grant(ends(noon)))
		_, err := w.try(w.grant(ends(noon.Add(time.Millisecond)), roles(w.reader)))
		requireKind(t, problem.KindConflict, err)
		require.NoError(t, w.trusts.Delete(w.ctx, first))
	})
	t.Run("TR-027 after the first was deleted", func(t *testing.T) {
		again := w.create(t, w.grant(ends(noon)))
		require.NoError(t, w.trusts.Delete(w.ctx, again))
	})
	t.Run("TR-026 any number without expiry", func(t *testing.T) {
		a, b := w.create(t, w.grant()), w.create(t, w.grant())
		assert.NotEqual(t, a.ID, b.ID)
	})
	t.Run("TR-027 a used-up trust gives its place away, and its end takes nothing back", func(t *testing.T) {
		spent := w.create(t, w.grant(ends(noon), uses(1)))
		take, _ := Spend(spent, noon)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), take))
		second := w.create(t, w.grant(ends(noon)))
		require.NoError(t, w.trusts.Remove(w.ctx, spent))
		_, err := w.try(w.grant(ends(noon)))
		requireKind(t, problem.KindConflict, err)
		require.NoError(t, w.trusts.Delete(w.ctx, second))
	})
	t.Run("TR-027 a child of a deleted trust gives its place away", func(t *testing.T) {
		parent := w.create(t, w.grant(allow(), ends(noon)))
		w.under(t, parent, w.grant(to(w.eve)))
		require.NoError(t, w.trusts.Delete(w.ctx, parent))
		w.create(t, w.grant(to(w.eve), ends(noon)))
	})
	t.Run("TR-027 a holder that was alive when it was read first", func(t *testing.T) {
		g := w.grant(to(w.ada), ends(noon))
		holder := w.create(t, w.grant(to(w.ada), ends(noon), uses(1)))
		rs := w.reads()
		require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.Find(rs, holder.ID); return err }))
		take, _ := Spend(holder, noon)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), take))
		_, err := w.trusts.Create(w.ctx, rs, plainCaller(w.ada), g)
		require.NoError(t, err)
	})
	t.Run("TR-027 of two that take over from the same holder one is made", func(t *testing.T) {
		g := w.grant(to(w.joe), ends(noon.Add(time.Hour)))
		holder := w.create(t, w.grant(to(w.joe), ends(noon.Add(time.Hour)), uses(1)))
		take, _ := Spend(holder, noon)
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), take))
		late, early := g.trust(), g.trust()
		late.ID, early.ID = newID(), newID()
		require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), w.trusts.insertion(early, holder.ID)...))
		_, refused := store.AsRefused(w.table.Write(w.ctx, store.NewRequestID(), w.trusts.insertion(late, holder.ID)...))
		assert.True(t, refused)
	})
	t.Run("TR-025 of many at once one is made", func(t *testing.T) {
		var group sync.WaitGroup
		errs := make([]error, 16)
		for n := range errs {
			group.Go(func() { _, errs[n] = w.try(w.grant(to(w.joe), ends(noon))) })
		}
		group.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			requireKind(t, problem.KindConflict, err)
		}
		assert.Equal(t, 1, made)
	})
}

// TestCreate_draws_again when another trust has the same first 8 bytes.
func TestCreate_draws_again(t *testing.T) {
	w := newWorld(t)
	first := w.create(t, w.grant())
	drawn := []string{first.ID[:16] + id(7)[16:], id(8)}
	w.trusts.newID = func() string { next := drawn[0]; drawn = drawn[1:]; return next }
	second := w.create(t, w.grant())
	assert.Equal(t, id(8), second.ID)
	_, err := w.find(first.ID)
	require.NoError(t, err)

	_, err = w.find(first.ID[:16] + id(7)[16:])
	requireKind(t, problem.KindNotFound, err)
}

// TestCreate_under_what_is_gone deletes what a trust hangs under between read and write.
func TestCreate_under_what_is_gone(t *testing.T) {
	for _, c := range []struct {
		name string
		gone func(*testing.T, *world)
		want problem.Kind
	}{
		{"trustee", func(t *testing.T, w *world) { require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.bob)) }, problem.KindNotFound},
		{"trustor", func(t *testing.T, w *world) { require.NoError(t, w.DeleteUser(w.ctx, w.reads(), w.ada)) }, problem.KindUnauthorized},
		{"project", func(t *testing.T, w *world) { require.NoError(t, w.DeleteProject(w.ctx, w.reads(), w.web)) }, problem.KindNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			rs := w.reads()
			by := plainCaller(w.ada)
			require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.draft(rs, by, w.grant()); return err }))
			c.gone(t, w)
			_, err := w.trusts.Create(w.ctx, rs, by, w.grant())
			requireKind(t, c.want, err)
		})
	}
	for n, name := range []string{"root", "parent"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			chain := w.chain(t)
			rs := w.reads()
			by, g := through(chain[1]), w.grant(to(w.joe))
			require.NoError(t, rs.Settle(w.ctx, func() error { _, err := w.trusts.draft(rs, by, g); return err }))
			require.NoError(t, w.trusts.Delete(w.ctx, chain[n]))
			_, err := w.trusts.Create(w.ctx, rs, by, g)
			requireKind(t, problem.KindUnauthorized, err)
		})
	}
}

func TestCreate_redelegation(t *testing.T) {
	w := newWorld(t)
	first := w.create(t, w.grant(allow(), ends(noon)))
	t.Run("TR-046 a child", func(t *testing.T) {
		child := w.under(t, first, w.grant(to(w.eve), allow()))
		assert.Equal(t, first.ID, child.ParentID)
		assert.Equal(t, []string{first.ID}, child.Ancestors)
		assert.Equal(t, w.ada, child.TrustorID)
		assert.EqualValues(t, 2, child.RedelegationCount)
		assert.Equal(t, noon, child.ExpiresAt, "TR-051")
		found, err := w.find(child.ID)
		require.NoError(t, err)
		assert.Equal(t, child, found)
	})
	t.Run("TR-046 three generations and no more", func(t *testing.T) {
		chain := w.chain(t)
		assert.EqualValues(t, 0, chain[3].RedelegationCount)
		assert.Equal(t, []string{chain[0].ID, chain[1].ID, chain[2].ID}, chain[3].Ancestors)
		_, err := w.tryUnder(chain[3], w.grant(to(w.eve)))
		requireKind(t, problem.KindForbidden, err)
	})
	t.Run("law 4: a role that the trustor lacks too is not found", func(t *testing.T) {
		_, err := w.tryUnder(first, w.grant(to(w.eve), roles(w.lone)))
		requireKind(t, problem.KindNotFound, err)
	})
	t.Run("law 4: a role of the trustor that the parent has not, implied or implying, is forbidden", func(t *testing.T) {
		for _, role := range []string{w.admin, w.reader} {
			_, err := w.tryUnder(first, w.grant(to(w.eve), roles(role)))
			requireKind(t, problem.KindForbidden, err)
		}
	})
	t.Run("law 7: another project where the trustor holds the same role", func(t *testing.T) {
		_, err := w.tryUnder(first, w.grant(to(w.eve), on(w.shop)))
		requireKind(t, problem.KindForbidden, err)
	})
	t.Run("TR-058 without a project", func(t *testing.T) {
		_, err := w.tryUnder(first, w.grant(to(w.eve), unscoped))
		requireKind(t, problem.KindForbidden, err)
	})
	t.Run("TR-056 without impersonation the trustee must hold the role himself", func(t *testing.T) {
		toEve := w.create(t, w.grant(to(w.eve), allow(), plainly))
		_, err := w.tryUnder(toEve, w.grant(to(w.joe), plainly))
		requireKind(t, problem.KindNotFound, err)
		toBob := w.create(t, w.grant(allow(), plainly))
		child := w.under(t, toBob, w.grant(to(w.joe), plainly))
		assert.Equal(t, w.bob, child.TrustorID)
	})
	t.Run("law 8: and the original trustor must hold it still", func(t *testing.T) {
		toBob := w.create(t, w.grant(allow(), plainly))
		w.take(t, w.ada, w.web, w.admin)
		_, err := w.tryUnder(toBob, w.grant(to(w.joe), plainly))
		requireKind(t, problem.KindNotFound, err)
		w.give(t, w.ada, w.web, w.admin)
	})
	t.Run("in the name of somebody else", func(t *testing.T) {
		_, err := w.trusts.Create(w.ctx, w.reads(), through(first), w.grant(from(w.bob)))
		requireKind(t, problem.KindForbidden, err)
	})
	t.Run("by the token of an expired trust", func(t *testing.T) {
		short := w.create(t, w.grant(allow(), ends(morning.Add(time.Minute))))
		w.clock.Advance(time.Minute)
		_, err := w.tryUnder(short, w.grant(to(w.eve)))
		requireKind(t, problem.KindUnauthorized, err)
	})
}

// TestCreate_costs holds a creation to design.md section 5: two round trips, one for
// reading and one for writing, and at most 20 write units.
func TestCreate_costs(t *testing.T) {
	w := newWorld(t)
	chain := w.chain(t)
	for _, c := range []struct {
		name   string
		parent *Trust
		grant  Grant
	}{
		{"first, without end", nil, w.grant()},
		{"first, with an end", nil, w.grant(ends(noon))},
		{"child of a first", &chain[0], w.grant(to(w.joe), ends(noon))},
		{"grandchild", &chain[1], w.grant(to(w.joe), ends(noon))},
	} {
		t.Run(c.name, func(t *testing.T) {
			by, rs := plainCaller(w.ada), w.reads()
			Want(rs, c.grant.TrustorID, c.grant.TrusteeID, c.grant.ProjectID)
			if c.parent != nil { // as the hints of its token do
				by = through(*c.parent)
				Want(rs, w.ada, c.parent.TrusteeID, w.web, append([]string{c.parent.ID}, c.parent.Ancestors...)...)
			}
			var made Trust
			require.NoError(t, rs.Settle(w.ctx, func() (err error) { made, err = w.trusts.draft(rs, by, c.grant); return err }))
			assert.Equal(t, 1, rs.Trips())
			made.ID = newID()
			units := 0
			for _, m := range w.trusts.insertion(made, "") {
				units += 2 * (1 + (store.Size(m.Key, m.Item)-1)/1024) // in a transaction each item counts twice
			}
			t.Logf("%d write units", units)
			assert.LessOrEqual(t, units, 20)
		})
	}
}

func requireDead(t T, w *world, id string, hollow bool) {
	t.Helper()
	_, err := w.stand(id)
	var d *directory.Dead
	require.ErrorAs(t, err, &d)
	require.Equal(t, hollow, d.Hollow, "%v", err)
}

// TestCreate_afterTheParent lets another trust with the same first 8 bytes lie where the parent,
// or the root, was, between what was read and the write: nothing is made under it.
func TestCreate_afterTheParent(t *testing.T) {
	w := newWorld(t)
	for n, name := range []string{"the root", "the parent"} {
		t.Run(name, func(t *testing.T) {
			chain := w.chain(t)
			other := store.Update(store.Trust(chain[n].ID)).Set(attrID, chain[n].ID[:16]+id(6)[16:])
			process, rs := w.process(func(_ int, op faults.Operation) faults.Fault {
				if op == faults.Write {
					require.NoError(t, w.table.Write(w.ctx, store.NewRequestID(), other))
				}
				return faults.None
			})
			g := w.grant(to(w.bob), allow())
			g.TrustorID = chain[1].ActingID()
			_, err := process.Create(w.ctx, rs, through(chain[1]), g)
			requireKind(t, problem.KindUnauthorized, err)
		})
	}
}

// TestCreate_claim: what keeps a duplicate away goes when the trust does.
func TestCreate_claim(t *testing.T) {
	w := newWorld(t)
	made := w.create(t, w.grant(ends(noon)))
	claim, ok := made.claim()
	require.True(t, ok)
	assert.Equal(t, noon.Add(DefaultRetention).Unix(), w.entry(t, claim).Item.Int(store.AttrTTL))
	assert.Equal(t, morning, made.CreatedAt)
	found, err := w.find(made.ID)
	require.NoError(t, err)
	assert.Equal(t, morning, found.CreatedAt)
}
