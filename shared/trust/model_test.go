package trust

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// TestModel lets people delegate, redelegate, delete, get disabled and deleted, lose roles
// and grow older in random order, and holds every trust, after every step, to a model that knows
// the contract in its plainest form. In particular:
//
//   - what a standing trust carries never exceeds any trust above it in project, roles or time;
//   - under a dead trust nothing stands.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t)
		rt.Repeat(map[string]func(*rapid.T){
			"":           m.check,
			"create":     m.create,
			"redelegate": m.redelegate,
			"delete":     m.delete,
			"user":       m.toggleUser,
			"project":    m.toggleProject,
			"gone":       m.deleteSomething,
			"roles":      m.changeRoles,
			"time":       func(*rapid.T) { m.w.clock.Advance(4 * time.Minute) },
		})
	})
}

type model struct {
	w        *world
	trusts   []Trust
	byID     map[string]Trust
	deleted  map[string]bool
	disabled map[string]bool               // users and projects
	gone     map[string]bool               // the same, deleted
	held     map[[2]string]map[string]bool // user and project → roles granted
	implied  map[string][]string           // role → itself and all that it implies
}

func newModel(t *testing.T) *model {
	w := newWorld(t)
	w.trusts = New(Options{Table: w.table, Registry: w.registry, Now: w.clock.Now, MaxRedelegation: 5}) // deeper than hints reach
	return &model{
		w: w, byID: map[string]Trust{}, deleted: map[string]bool{}, disabled: map[string]bool{}, gone: map[string]bool{},
		held: map[[2]string]map[string]bool{
			{w.ada, w.web}: {w.admin: true}, {w.ada, w.shop}: {w.admin: true}, {w.bob, w.web}: {w.member: true},
		},
		implied: map[string][]string{
			w.admin: {w.admin, w.member, w.reader}, w.member: {w.member, w.reader}, w.reader: {w.reader},
		},
	}
}

func (m *model) users() []string    { return m.there(m.w.ada, m.w.bob, m.w.eve, m.w.joe) }
func (m *model) projects() []string { return m.there(m.w.web, m.w.shop) }
func (m *model) roles() []string    { return []string{m.w.admin, m.w.member, m.w.reader} }

// there are those that were not deleted.
func (m *model) there(ids ...string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return m.gone[id] })
}

// closure is what roles carry.
func (m *model) closure(roles []string) store.Set {
	var all []string
	for _, r := range roles {
		all = append(all, m.implied[r]...)
	}
	return store.NewSet(all...)
}

func (m *model) holds(user, project string, roles []string) bool {
	var granted []string
	for r := range m.held[[2]string{user, project}] {
		granted = append(granted, r)
	}
	return within(m.closure(granted), roles)
}

func within(all store.Set, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !all.Has(s) })
}

func (m *model) lineage(t Trust) []Trust {
	var l []Trust
	for ; ; t = m.byID[t.ParentID] {
		l = append(l, t)
		if t.ParentID == "" {
			return l
		}
	}
}

// ended says whether the trust itself, one of its people or its project was deleted.
func (m *model) ended(t Trust) bool {
	return m.deleted[t.ID] || m.gone[t.TrustorID] || m.gone[t.TrusteeID] || m.gone[t.ProjectID]
}

// found says whether the trust is shown; standing what a login would say: 201, 401 or 403.
func (m *model) found(t Trust) bool {
	return !slices.ContainsFunc(m.lineage(t), func(t Trust) bool {
		return m.ended(t) || (!t.ExpiresAt.IsZero() && !m.w.clock.Now().Before(t.ExpiresAt))
	})
}

func (m *model) standing(t Trust) int {
	if !m.found(t) || m.disabled[t.TrusteeID] || m.disabled[t.ProjectID] {
		return 401
	}
	for _, a := range m.lineage(t) {
		if m.disabled[a.TrustorID] || m.disabled[a.TrusteeID] || !m.holds(a.TrustorID, t.ProjectID, t.RoleIDs) {
			return 403
		}
	}
	return 201
}

func (m *model) check(rt *rapid.T) {
	var listed []string
	for _, t := range m.trusts {
		st, err := m.w.stand(t.ID)
		status := 201
		if d, ok := errors.AsType[*directory.Dead](err); ok && d.Hollow {
			status = 403
		} else if ok {
			status = 401
		} else {
			require.NoError(rt, err)
		}
		require.Equal(rt, m.standing(t), status, "trust %s: %v", t.ID, err)
		_, err = m.w.find(t.ID)
		require.Equal(rt, m.found(t), err == nil, "%v", err)
		gone := slices.ContainsFunc(m.lineage(t), m.ended)
		if !gone {
			listed = append(listed, t.ID)
		}
		if status != 201 {
			continue
		}
		for _, a := range m.lineage(t)[1:] {
			require.Equal(rt, a.ProjectID, st.Project.ID)
			require.True(rt, within(m.closure(a.RoleIDs), st.Roles), "roles beyond those of an ancestor")
			require.True(rt, a.ExpiresAt.IsZero() || (!st.ExpiresAt.IsZero() && !st.ExpiresAt.After(a.ExpiresAt)), "a life beyond that of an ancestor")
			require.True(rt, a.Impersonation || !st.Impersonation, "impersonation gained")
			require.True(rt, m.holds(a.TrustorID, st.ProjectID, st.Roles), "roles beyond those of a trustor")
		}
	}
	page, err := m.w.list(OfEverybody(""))
	require.NoError(rt, err)
	require.Equal(rt, sorted(listed...), ids(page.Trusts))
}

// anyGrant draws what somebody may ask for, sensible or not.
func (m *model) anyGrant(rt *rapid.T, trustor string) Grant {
	g := Grant{
		TrustorID:         trustor,
		TrusteeID:         rapid.SampledFrom(m.users()).Draw(rt, "trustee"),
		ProjectID:         rapid.SampledFrom(m.projects()).Draw(rt, "project"),
		Impersonation:     rapid.Bool().Draw(rt, "impersonation"),
		RoleIDs:           store.NewSet(rapid.SliceOfNDistinct(rapid.SampledFrom(m.roles()), 1, 2, rapid.ID[string]).Draw(rt, "roles")...),
		AllowRedelegation: rapid.Bool().Draw(rt, "redelegatable"),
	}
	if minutes := rapid.SampledFrom([]int{0, 0, 10, 20}).Draw(rt, "minutes"); minutes > 0 {
		g.ExpiresAt = m.w.clock.Now().Add(time.Duration(minutes) * time.Minute)
	}
	return g
}

func (m *model) duplicate(g Grant) bool {
	return !g.ExpiresAt.IsZero() && slices.ContainsFunc(m.trusts, func(t Trust) bool {
		return t.TrustorID == g.TrustorID && t.TrusteeID == g.TrusteeID && t.ProjectID == g.ProjectID &&
			t.Impersonation == g.Impersonation && t.ExpiresAt.Equal(g.ExpiresAt) && m.found(t)
	})
}

func (m *model) keep(t Trust) { m.trusts, m.byID[t.ID] = append(m.trusts, t), t }

func (m *model) create(rt *rapid.T) {
	g := m.anyGrant(rt, rapid.SampledFrom(m.users()).Draw(rt, "trustor"))
	t, err := m.w.try(g)
	switch {
	case !m.holds(g.TrustorID, g.ProjectID, g.RoleIDs):
		requireKind(rt, problem.KindNotFound, err)
	case m.duplicate(g):
		requireKind(rt, problem.KindConflict, err)
	default:
		require.NoError(rt, err)
		m.keep(t)
	}
}

// redelegate asks with a token of a standing trust, since no other token would get so far.
func (m *model) redelegate(rt *rapid.T) {
	standing := slices.DeleteFunc(slices.Clone(m.trusts), func(t Trust) bool { return m.standing(t) != 201 })
	if len(standing) == 0 {
		rt.Skip("nothing stands")
	}
	parent := rapid.SampledFrom(standing).Draw(rt, "parent")
	g := m.anyGrant(rt, parent.ActingID())
	if rapid.Bool().Draw(rt, "reasonable") {
		g.ProjectID, g.RoleIDs, g.Impersonation = parent.ProjectID, parent.RoleIDs[:1], g.Impersonation && parent.Impersonation
	}
	if t, err := m.w.tryUnder(parent, g); err == nil {
		m.keep(t) // check holds it to the laws
		return
	} else {
		p, ok := problem.As(err)
		require.True(rt, ok, "%v", err)
		require.Contains(rt, []problem.Kind{problem.KindForbidden, problem.KindNotFound, problem.KindConflict}, p.Kind)
	}
	forbidden := parent.RedelegationCount == 0 || g.ProjectID != parent.ProjectID || !within(parent.RoleIDs, g.RoleIDs) ||
		(g.Impersonation && !parent.Impersonation) || (!parent.ExpiresAt.IsZero() && g.ExpiresAt.After(parent.ExpiresAt))
	lacks := slices.ContainsFunc(append(m.lineage(parent), Trust{TrustorID: g.TrustorID}), func(t Trust) bool {
		return !m.holds(t.TrustorID, g.ProjectID, g.RoleIDs)
	})
	if g.ExpiresAt.IsZero() {
		g.ExpiresAt = parent.ExpiresAt
	}
	require.True(rt, forbidden || lacks || m.duplicate(g), "refused without a reason")
}

func (m *model) delete(rt *rapid.T) {
	live := slices.DeleteFunc(slices.Clone(m.trusts), func(t Trust) bool { return m.deleted[t.ID] })
	if len(live) == 0 {
		rt.Skip("nothing to delete")
	}
	t := rapid.SampledFrom(live).Draw(rt, "trust")
	require.NoError(rt, m.w.trusts.Delete(m.w.ctx, t))
	m.deleted[t.ID] = true
	if rapid.Bool().Draw(rt, "cascade") {
		require.NoError(rt, m.w.trusts.Deleted(m.w.ctx, t))
		for _, child := range m.trusts {
			if child.ParentID == t.ID {
				m.deleted[child.ID] = true
			}
		}
	}
}

func (m *model) toggleUser(rt *rapid.T) {
	id := rapid.SampledFrom(m.users()).Draw(rt, "user")
	m.disabled[id] = !m.disabled[id]
	m.w.enable(rt, id, !m.disabled[id])
}

func (m *model) toggleProject(rt *rapid.T) {
	id := rapid.SampledFrom(m.projects()).Draw(rt, "project")
	m.disabled[id] = !m.disabled[id]
	m.w.enableProject(rt, id, !m.disabled[id])
}

// deleteSomething deletes a user other than ada, or the project shop: enough is left to go on.
func (m *model) deleteSomething(rt *rapid.T) {
	var err error
	switch id := rapid.SampledFrom([]string{m.w.bob, m.w.eve, m.w.joe, m.w.shop}).Draw(rt, "what"); {
	case m.gone[id], rapid.IntRange(0, 3).Draw(rt, "spared") > 0:
		rt.Skip("not this time")
	case id == m.w.shop:
		err = m.w.DeleteProject(m.w.ctx, m.w.reads(), id)
		m.gone[id] = true
	default:
		err = m.w.DeleteUser(m.w.ctx, m.w.reads(), id)
		m.gone[id] = true
	}
	require.NoError(rt, err)
}

func (m *model) changeRoles(rt *rapid.T) {
	user, project := rapid.SampledFrom(m.users()).Draw(rt, "user"), rapid.SampledFrom(m.projects()).Draw(rt, "project")
	role := rapid.SampledFrom(m.roles()).Draw(rt, "role")
	at := [2]string{user, project}
	if m.held[at] == nil {
		m.held[at] = map[string]bool{}
	}
	if m.held[at][role] {
		m.w.take(rt, user, project, role)
	} else {
		m.w.give(rt, user, project, role)
	}
	m.held[at][role] = !m.held[at][role]
	if !m.held[at][role] {
		delete(m.held[at], role)
	}
}
