package cascade

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
)

// table is all there is, but for jobs, and for what the hour and the request of a write
// leave in items.
func (w *world) table() map[store.Key]store.Item {
	w.t.Helper()
	all := map[store.Key]store.Item{}
	after := ""
	for {
		p, err := w.engine.Page(w.ctx, after, 7)
		require.NoError(w.t, err)
		for _, e := range p.Entries {
			if e.Key.PK == store.Job(0, "").PK || e.Item.Str(store.AttrType) == "revoked" {
				continue
			}
			i := maps.Clone(e.Item)
			for _, name := range []string{store.AttrRequest, token.AttrRevokedAt, "version"} {
				delete(i, name)
			}
			all[e.Key] = i
		}
		if p.Next == "" {
			return all
		}
		after = p.Next
	}
}

// ends are the ways in which something ends, with what hung on it.
func (w *world) ends() {
	w.t.Helper()
	first := w.grant(nil, w.bob)
	second := w.grant(&first, w.eve)
	other := w.grant(nil, w.eve)
	for _, t := range []func(){
		func() { w.use(first) }, func() { w.use(second) }, func() { w.use(other) },
		func() { w.derive(w.ada, token.Wanted{Kind: token.WantProject, ID: w.web}) },
	} {
		t()
	}
	w.accessTokens(5)
	require.NoError(w.t, w.engine.Write(w.ctx, store.NewRequestID(), store.Create(store.Consumer("c"), store.Item{store.AttrType: "consumer", "id": "c"})))
	d, err := w.Directory.CreateDomain(w.ctx, w.reads(), directory.Domain{ID: "d", Name: "doomed", Enabled: true})
	require.NoError(w.t, err)
	u, err := w.Directory.CreateUser(w.ctx, w.reads(), directory.User{ID: "u", Name: "u", DomainID: d.ID, Enabled: true}, nil)
	require.NoError(w.t, err)
	g, err := w.Directory.CreateGroup(w.ctx, w.reads(), directory.Group{Name: "crew", DomainID: w.domain()})
	require.NoError(w.t, err)
	require.NoError(w.t, w.Directory.Join(w.ctx, w.reads(), g.ID, w.bob))
	require.NoError(w.t, w.Directory.Grant(w.ctx, w.reads(), store.GroupActor(g.ID), store.OnProject(w.web), w.member))
	require.NoError(w.t, w.Directory.Grant(w.ctx, w.reads(), store.UserActor(u.ID), store.OnProject(w.web), w.member))
	w.follow()

	require.NoError(w.t, w.Trusts.Delete(w.ctx, first))
	require.NoError(w.t, w.OAuth1.DeleteConsumer(w.ctx, "c"))
	require.NoError(w.t, w.Directory.DeleteGroup(w.ctx, w.reads(), g.ID))
	_, err = w.Directory.UpdateDomain(w.ctx, w.reads(), d.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
	require.NoError(w.t, err)
	require.NoError(w.t, w.Directory.DeleteDomain(w.ctx, w.reads(), d.ID))
	require.NoError(w.t, w.Tokens.Revoke(w.ctx, w.subject(w.logins[w.ada]), false))
	require.NoError(w.t, w.Directory.DeleteUser(w.ctx, w.reads(), w.eve))
}

func (w *world) domain() string {
	items, err := w.engine.Read(w.ctx, store.Project(w.web))
	require.NoError(w.t, err)
	return items[store.Project(w.web)].Str("domain_id")
}

func (w *world) subject(text secret.Text) (t token.Token) {
	w.t.Helper()
	rs := w.reads()
	require.NoError(w.t, rs.Settle(w.ctx, func() (err error) { t, err = w.Tokens.Subject(rs, text, 0); return err }))
	return t
}

// reconcile runs the reconciliation to its end, and the jobs that it made.
func (w *world) reconcile() {
	w.t.Helper()
	require.NoError(w.t, w.Sweeper.Begin(w.ctx))
	_, err := w.Sweeper.Reconcile(w.ctx, w.now().Add(time.Minute))
	require.NoError(w.t, err)
}

// TestLostStream: with every change lost, the reconciliation leaves the table as the stream
// would have, and what it finds is told on by changes of its own.
func TestLostStream(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Pages = w.engine
	w.ends()
	before := w.after
	_, w.after = w.batch(1000) // lost
	w.reconcile()
	w.follow()
	w.reconcile() // what only shows once the first has put something right
	w.follow()
	reconciled := w.table()

	w.after = before
	w.follow() // now the records arrive after all
	w.reconcile()
	w.follow()
	assert.Equal(t, w.table(), reconciled, "there was nothing left for them to do")

	_, domains, err := w.Directory.Signs(context.Background())
	require.NoError(t, err)
	assert.Empty(t, domains, "the domain's id is free again")
	assert.Zero(t, w.listed())
	for k := range reconciled {
		assert.NotEqual(t, store.User(w.eve).PK, k.PK, "%s", k)
		assert.NotEqual(t, store.User("u").PK, k.PK, "%s", k)
	}
}

// TestReconcile_leavesWhatIsSoundAlone: on a table that lost nothing it changes nothing.
func TestReconcile_leavesWhatIsSoundAlone(t *testing.T) {
	w := newWorld(t)
	w.Sweeper.Pages = w.engine
	w.ends()
	w.follow()
	w.follow()
	before := w.table()
	require.NoError(t, w.Sweeper.Begin(w.ctx))
	fixed, err := w.Sweeper.Reconcile(w.ctx, w.now().Add(time.Minute))
	require.NoError(t, err)
	assert.Zero(t, fixed)
	assert.Equal(t, before, w.table())
}
