package trust

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// clock is a time that tests move.
type clock struct{ micro atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.micro.Load()).UTC() }
func (c *clock) Set(at time.Time)        { c.micro.Store(at.UnixMicro()) }
func (c *clock) Advance(d time.Duration) { c.micro.Add(d.Microseconds()) }

var morning = time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC)

// world is a directory with four people and two projects. On each project ada holds
// admin, which implies member, which implies reader; on web bob holds member.
type world struct {
	*directory.Directory
	ctx      context.Context
	table    store.Table
	engine   *embedded.Table        // below all decorators
	upTo     string                 // where its log was read up to, and …
	made     map[string][]store.Key // … the trusts in it, by the pre-authentication that holds them
	clock    *clock
	registry *directory.Registry
	trusts   *Service

	domain                string
	ada, bob, eve, joe    string
	web, shop             string
	admin, member, reader string
	lone                  string // a role that nobody holds
}

// T is what a world needs of a test; rapid's has it too.
type T interface {
	require.TestingT
	Helper()
}

// newWorld makes a world over a table in memory, with decorators around it.
func newWorld(t *testing.T, around ...func(store.Table) store.Table) *world {
	t.Helper()
	w := &world{ctx: t.Context(), clock: new(clock), made: map[string][]store.Key{}}
	w.clock.Set(morning)
	engine, err := embedded.Open(embedded.Options{Now: w.clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	w.table, w.engine = engine, engine
	for _, decorate := range around {
		w.table = decorate(w.table)
	}
	w.registry = directory.NewRegistry(w.table)
	w.Directory = directory.New(directory.Options{Table: w.table, Registry: w.registry, Now: w.clock.Now})
	w.trusts = New(Options{Table: w.table, Registry: w.registry, Now: w.clock.Now, MaxRedelegation: 3})

	d, err := w.CreateDomain(w.ctx, w.reads(), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	w.domain = d.ID
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "eve": &w.eve, "joe": &w.joe} {
		*id = w.user(t, name)
	}
	for name, id := range map[string]*string{"web": &w.web, "shop": &w.shop} {
		*id = w.project(t, name)
	}
	for name, id := range map[string]*string{"admin": &w.admin, "member": &w.member, "reader": &w.reader, "lone": &w.lone} {
		*id = w.role(t, name, "")
	}
	require.NoError(t, w.Imply(w.ctx, w.reads(), w.admin, w.member))
	require.NoError(t, w.Imply(w.ctx, w.reads(), w.member, w.reader))
	w.give(t, w.ada, w.web, w.admin)
	w.give(t, w.ada, w.shop, w.admin)
	w.give(t, w.bob, w.web, w.member)
	return w
}

func (w *world) reads() *store.ReadSet { return store.NewReadSet(w.table) }

func (w *world) user(t T, name string) string {
	t.Helper()
	u, err := w.CreateUser(w.ctx, w.reads(), directory.User{Name: name, DomainID: w.domain, Enabled: true}, nil)
	require.NoError(t, err)
	return u.ID
}

func (w *world) project(t T, name string) string {
	t.Helper()
	p, err := w.CreateProject(w.ctx, w.reads(), directory.Project{Name: name, DomainID: w.domain, Enabled: true})
	require.NoError(t, err)
	return p.ID
}

func (w *world) role(t T, name, domain string) string {
	t.Helper()
	r, err := w.CreateRole(w.ctx, w.reads(), directory.Role{Name: name, DomainID: domain})
	require.NoError(t, err)
	return r.ID
}

func (w *world) give(t T, user, project, role string) {
	t.Helper()
	require.NoError(t, w.Grant(w.ctx, w.reads(), store.UserActor(user), store.OnProject(project), role))
}

func (w *world) take(t T, user, project, role string) {
	t.Helper()
	require.NoError(t, w.Revoke(w.ctx, w.reads(), store.UserActor(user), store.OnProject(project), role))
}

func (w *world) enable(t T, user string, enabled bool) {
	t.Helper()
	_, err := w.UpdateUser(w.ctx, w.reads(), user, func(u *directory.User) error { u.Enabled = enabled; return nil }, nil)
	require.NoError(t, err)
}

func (w *world) enableProject(t T, project string, enabled bool) {
	t.Helper()
	_, err := w.UpdateProject(w.ctx, w.reads(), project, func(p *directory.Project) error { p.Enabled = enabled; return nil })
	require.NoError(t, err)
}

// grant is ada's to bob: member on web, impersonating.
func (w *world) grant(edit ...func(*Grant)) Grant {
	g := Grant{TrustorID: w.ada, TrusteeID: w.bob, ProjectID: w.web, Impersonation: true, RoleIDs: store.NewSet(w.member)}
	for _, e := range edit {
		e(&g)
	}
	return g
}

func to(user string) func(*Grant) { return func(g *Grant) { g.TrusteeID = user } }

// plainCaller is a person with a token of her own.
func plainCaller(userID string) policy.Caller {
	return policy.Caller{UserID: userID, SubjectID: userID, Methods: []string{"password"}}
}

// through is who calls with a token of a trust.
func through(t Trust) policy.Caller {
	return policy.Caller{
		UserID: t.ActingID(), SubjectID: t.TrusteeID, Methods: []string{"password"}, TrustID: t.ID, TrustChain: t.Ancestors,
		TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, Impersonation: t.Impersonation,
	}
}

func (w *world) try(g Grant) (Trust, error) {
	return w.trusts.Create(w.ctx, w.reads(), plainCaller(g.TrustorID), g)
}

func (w *world) create(t T, g Grant) Trust {
	t.Helper()
	made, err := w.try(g)
	require.NoError(t, err)
	return made
}

func (w *world) tryUnder(parent Trust, g Grant) (Trust, error) {
	g.TrustorID = parent.ActingID()
	return w.trusts.Create(w.ctx, w.reads(), through(parent), g)
}

func (w *world) under(t T, parent Trust, g Grant) Trust {
	t.Helper()
	made, err := w.tryUnder(parent, g)
	require.NoError(t, err)
	return made
}

// chain is a trust of ada's to bob and what was made from it: to eve, to joe, to bob.
func (w *world) chain(t T) [4]Trust {
	t.Helper()
	var c [4]Trust
	c[0] = w.create(t, w.grant(allow()))
	for n, trustee := range []string{w.eve, w.joe, w.bob} {
		c[n+1] = w.under(t, c[n], w.grant(to(trustee), allow()))
	}
	return c
}

func (w *world) find(id string) (t Trust, err error) {
	rs := w.reads()
	err = rs.Settle(w.ctx, func() (err error) { t, err = w.trusts.Find(rs, id); return err })
	return t, err
}

func (w *world) stand(id string) (s Standing, err error) {
	rs := w.reads()
	err = rs.Settle(w.ctx, func() (err error) { s, err = w.trusts.Stand(rs, id); return err })
	return s, err
}

func (w *world) list(l *Listing) (p Page, err error) {
	rs := w.reads()
	err = rs.Settle(w.ctx, func() (err error) { p, err = w.trusts.List(rs, l); return err })
	return p, err
}

func ids(trusts []Trust) []string {
	list := make([]string, 0, len(trusts))
	for _, t := range trusts {
		list = append(list, t.ID)
	}
	return list
}

func requireKind(t T, want problem.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	p, ok := problem.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, p.Kind, "%v", err)
}
