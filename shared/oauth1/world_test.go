package oauth1_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// disturbed is a table in which something happens just before a call: another's write comes
// first, or the call fails. Pages may end early, as they do in large lists.
type disturbed struct {
	store.Table
	read, query func() error
	write       func([]store.Mutation) error
	most        int // entries of a page; 0: as many as are asked for
}

func (d *disturbed) Read(ctx context.Context, keys ...store.Key) (store.Items, error) {
	if d.read != nil {
		if err := d.read(); err != nil {
			return nil, err
		}
	}
	return d.Table.Read(ctx, keys...)
}

func (d *disturbed) Query(ctx context.Context, r store.Range) (store.Page, error) {
	if d.query != nil {
		if err := d.query(); err != nil {
			return store.Page{}, err
		}
	}
	if d.most > 0 {
		r.Limit = d.most
	}
	return d.Table.Query(ctx, r)
}

func (d *disturbed) Write(ctx context.Context, id store.RequestID, m ...store.Mutation) error {
	if d.write != nil {
		if err := d.write(m); err != nil {
			return err
		}
	}
	return d.Table.Write(ctx, id, m...)
}

// before lets something happen once, before the next write.
func (d *disturbed) before(act func()) {
	d.write = func([]store.Mutation) error {
		d.write = nil
		act()
		return nil
	}
}

// world is a directory in which ada and bob each hold both roles on web; and a consumer.
type world struct {
	t      *testing.T
	ctx    context.Context
	engine *embedded.Table // what others write to
	table  *disturbed      // what the service under test uses
	now    time.Time
	key    *secret.MasterKey
	rings  *secret.Rings
	people *directory.Directory
	oauth  *oauth1.Service
	others *oauth1.Service // the same, undisturbed

	ada, bob        string
	domain, web     string
	member, watcher string
	consumer        credentials
	nonces          int
}

type credentials struct {
	id     string
	secret secret.Text
}

var lives = oauth1.Settings{RequestLife: 8 * time.Hour, AccessLife: 24 * time.Hour}

func newWorld(t *testing.T, settings oauth1.Settings) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), now: time.Date(2031, 3, 1, 9, 0, 0, 250_000_000, time.UTC)}
	var err error
	w.engine, err = embedded.Open(embedded.Options{Now: w.clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	w.table = &disturbed{Table: w.engine}
	w.key, err = secret.NewMasterKey()
	require.NoError(t, err)
	w.rings = w.openRings()
	w.people = directory.New(directory.Options{Table: w.engine, Registry: directory.NewRegistry(w.engine), Now: w.clock})
	w.oauth, w.others = w.service(w.table, w.rings, settings), w.service(w.engine, w.rings, settings)

	d, err := w.people.CreateDomain(w.ctx, w.plainReads(), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	p, err := w.people.CreateProject(w.ctx, w.plainReads(), directory.Project{Name: "web", DomainID: d.ID, Enabled: true})
	require.NoError(t, err)
	w.web, w.domain = p.ID, d.ID
	for name, id := range map[string]*string{"member": &w.member, "watcher": &w.watcher} {
		r, err := w.people.CreateRole(w.ctx, w.plainReads(), directory.Role{Name: name})
		require.NoError(t, err)
		*id = r.ID
	}
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob} {
		u, err := w.people.CreateUser(w.ctx, w.plainReads(), directory.User{Name: name, DomainID: d.ID, Enabled: true}, nil)
		require.NoError(t, err)
		*id = u.ID
		for _, role := range []string{w.member, w.watcher} {
			require.NoError(t, w.people.Grant(w.ctx, w.plainReads(), store.UserActor(u.ID), store.OnProject(w.web), role))
		}
	}
	w.consumer = w.newConsumer()
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) service(table store.Table, rings *secret.Rings, settings oauth1.Settings) *oauth1.Service {
	return oauth1.New(oauth1.Options{
		Table: table, Registry: directory.NewRegistry(table), Rings: rings, Now: w.clock, Settings: settings,
	})
}

func (w *world) openRings() *secret.Rings {
	w.t.Helper()
	rings, err := secret.OpenRings(w.ctx, secret.RingsOptions{Table: w.engine, Wrapper: w.key, Now: w.clock})
	require.NoError(w.t, err)
	return rings
}

// rotate lets a new key seal, and returns the ring.
func (w *world) rotate() *secret.Ring {
	w.t.Helper()
	next := w.rings.Ring()
	var id uint32
	for _, step := range []func() error{
		func() (err error) { next, id, err = next.Add(); return err },
		func() (err error) { next, err = next.Promote(id); return err },
	} {
		require.NoError(w.t, step())
		m, err := w.rings.Replacement(w.ctx, next)
		require.NoError(w.t, err)
		w.put(m)
		require.NoError(w.t, w.rings.Reload(w.ctx))
	}
	return w.rings.Ring()
}

func (w *world) reads() *store.ReadSet      { return store.NewReadSet(w.table) }
func (w *world) plainReads() *store.ReadSet { return store.NewReadSet(w.engine) }

// put is a write of somebody else's.
func (w *world) put(m ...store.Mutation) {
	w.t.Helper()
	require.NoError(w.t, w.engine.Write(w.ctx, store.NewRequestID(), m...))
}

// item is what stands under a key; nil: nothing.
func (w *world) item(k store.Key) store.Item {
	w.t.Helper()
	items, err := w.engine.Read(w.ctx, k)
	require.NoError(w.t, err)
	return items[k]
}

// losing lets an item go just before the next write of something that is done, and puts it back.
func (w *world) losing(k store.Key, do func()) {
	w.t.Helper()
	item := w.item(k)
	w.table.before(func() { w.put(store.Delete(k)) })
	do()
	delete(item, store.AttrRequest)
	w.put(store.Create(k, item))
}

// gone wants nothing under some keys.
func (w *world) gone(keys ...store.Key) {
	w.t.Helper()
	for _, k := range keys {
		require.Nil(w.t, w.item(k), k.String())
	}
}

func (w *world) newConsumer() credentials {
	w.t.Helper()
	c, text, err := w.others.CreateConsumer(w.ctx, oauth1.Consumer{})
	require.NoError(w.t, err)
	return credentials{c.ID, text}
}

const signedURL = "http://id.example/v3"

// request is a good request of a consumer's, with edits made to its parameters before it is signed.
func (w *world) request(consumer, token credentials, edit ...func(oauth1.Params) oauth1.Params) oauth1.Request {
	w.nonces++
	params := oauth1.Params{
		{Name: "oauth_consumer_key", Value: consumer.id}, {Name: "oauth_signature_method", Value: "HMAC-SHA1"},
		{Name: "oauth_timestamp", Value: strconv.FormatInt(w.now.Unix(), 10)}, {Name: "oauth_nonce", Value: fmt.Sprint("n", w.nonces)},
	}
	if token.id != "" {
		params = append(params, oauth1.Pair{Name: "oauth_token", Value: token.id})
	}
	for _, e := range edit {
		params = e(params)
	}
	base := oauth1.BaseString("POST", signedURL, params)
	signature := oauth1.Sign(oauth1.Method(params.Get("oauth_signature_method")), base, consumer.secret, token.secret)
	if signature == "" {
		signature = "AAAA" // of a method that is none
	}
	return oauth1.Request{Method: "POST", URIs: []string{signedURL}, Params: append(params, oauth1.Pair{Name: "oauth_signature", Value: signature})}
}

// with puts a parameter in the place of what there is of its name.
func with(name, value string) func(oauth1.Params) oauth1.Params {
	return func(p oauth1.Params) oauth1.Params {
		return append(without(name)(p), oauth1.Pair{Name: name, Value: value})
	}
}

func without(name string) func(oauth1.Params) oauth1.Params {
	return func(p oauth1.Params) oauth1.Params {
		kept := oauth1.Params{}
		for _, pair := range p {
			if pair.Name != name {
				kept = append(kept, pair)
			}
		}
		return kept
	}
}

func (w *world) asking(edit ...func(oauth1.Params) oauth1.Params) oauth1.Request {
	return w.request(w.consumer, credentials{}, append([]func(oauth1.Params) oauth1.Params{with("oauth_callback", "oob")}, edit...)...)
}

// ask makes a request token for web, without disturbance.
func (w *world) ask() credentials {
	w.t.Helper()
	t, text, err := w.others.CreateRequestToken(w.ctx, w.plainReads(), w.asking(), w.web)
	require.NoError(w.t, err)
	return credentials{t.ID, text}
}

func (w *world) shown(id string) oauth1.RequestToken {
	w.t.Helper()
	rs := w.plainReads()
	var t oauth1.RequestToken
	require.NoError(w.t, rs.Settle(w.ctx, func() (err error) { t, err = w.others.Request(rs, id); return err }))
	return t
}

func roles(ids ...string) oauth1.Choice { return oauth1.Choice{RoleIDs: ids} }

// authorize lets a user hand member over, without disturbance.
func (w *world) authorize(user, id string) string {
	w.t.Helper()
	v, err := w.others.Authorize(w.ctx, w.plainReads(), user, id, roles(w.member))
	require.NoError(w.t, err)
	return v.Reveal()
}

func (w *world) exchanging(request credentials, verifier string) oauth1.Request {
	return w.request(w.consumer, request, with("oauth_verifier", verifier))
}

func (w *world) exchange(r oauth1.Request) (oauth1.AccessToken, credentials, error) {
	t, text, err := w.oauth.Exchange(w.ctx, w.reads(), r)
	return t, credentials{t.ID, text}, err
}

// access is an access token of ada's.
func (w *world) access() (oauth1.AccessToken, credentials) {
	w.t.Helper()
	request := w.ask()
	t, c, err := w.exchange(w.exchanging(request, w.authorize(w.ada, request.id)))
	require.NoError(w.t, err)
	return t, c
}

// use asks for what an access token is good for.
func (w *world) use(r oauth1.Request) error {
	rs := w.reads()
	return rs.Settle(w.ctx, func() error { _, err := w.oauth.Access(rs, r); return err })
}

// is wants a kind of problem; 0: none.
func is(t *testing.T, want problem.Kind, err error) {
	t.Helper()
	if want == 0 {
		require.NoError(t, err)
		return
	}
	require.Error(t, err)
	require.True(t, problem.Is(err, want), "%v is of another kind", err)
}

// broken wants an error that is nobody's fault: one that no client is told.
func broken(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errBroken)
	_, told := problem.As(err)
	require.False(t, told, "%v", err)
}

var errBroken = errors.New("the table is broken")
