package cascade

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/gateway"
	"mandate/shared/policy"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
	"mandate/shared/store/faults"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// world is an app over a table in memory whose change log nobody follows but the test.
type world struct {
	*app.App
	t      *testing.T
	ctx    context.Context
	engine *embedded.Table
	fail   atomic.Bool // writes are throttled
	offset atomic.Int64

	ada, bob, eve, web, member string
	logins                     map[string]secret.Text // unscoped tokens, by user id
	after                      string                 // position of the change last followed
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), logins: map[string]secret.Text{}}
	var err error
	w.engine, err = embedded.Open(embedded.Options{Now: w.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	failing := faults.New(w.engine, faults.Options{Choose: func(_ int, op faults.Operation) faults.Fault {
		if w.fail.Load() && op == faults.Write {
			return faults.Throttle
		}
		return faults.None
	}})
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	w.App, err = app.New(w.ctx, app.Parts{Config: settings, Table: failing, Wrapper: key, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)

	d, err := w.Directory.CreateDomain(w.ctx, w.reads(), directory.Domain{Name: "Research", Enabled: true})
	require.NoError(t, err)
	for name, id := range map[string]*string{"ada": &w.ada, "bob": &w.bob, "eve": &w.eve} {
		password := secret.New("secret of " + name)
		u, err := w.Directory.CreateUser(w.ctx, w.reads(), directory.User{Name: name, DomainID: d.ID, Enabled: true}, &password)
		require.NoError(t, err)
		*id = u.ID
		_, w.logins[u.ID] = w.issue(token.Login{
			Methods: []string{token.MethodPassword}, Password: token.PasswordProof{UserID: u.ID, Password: password},
		})
	}
	p, err := w.Directory.CreateProject(w.ctx, w.reads(), directory.Project{Name: "web", DomainID: d.ID, Enabled: true})
	require.NoError(t, err)
	r, err := w.Directory.CreateRole(w.ctx, w.reads(), directory.Role{Name: "member"})
	require.NoError(t, err)
	w.web, w.member = p.ID, r.ID
	require.NoError(t, w.Directory.Grant(w.ctx, w.reads(), store.UserActor(w.ada), store.OnProject(w.web), w.member))
	return w
}

func (w *world) now() time.Time        { return time.Now().Add(time.Duration(w.offset.Load())) }
func (w *world) reads() *store.ReadSet { return store.NewReadSet(w.Table) }

func (w *world) issue(l token.Login) (token.Token, secret.Text) {
	w.t.Helper()
	made, text, err := w.Tokens.Issue(w.ctx, w.reads(), l)
	require.NoError(w.t, err)
	return made, text
}

// derive issues a token from somebody's login.
func (w *world) derive(userID string, scope token.Wanted) (token.Token, secret.Text) {
	w.t.Helper()
	return w.issue(token.Login{Methods: []string{token.MethodToken}, Token: w.logins[userID], Scope: scope})
}

func (w *world) use(t trust.Trust) (token.Token, secret.Text) {
	w.t.Helper()
	return w.derive(t.TrusteeID, token.Wanted{Kind: token.WantTrust, ID: t.ID})
}

// live reports whether a token is, by what is read.
func (w *world) live(text secret.Text) bool {
	w.t.Helper()
	rs := w.reads()
	err := rs.Settle(w.ctx, func() error { _, err := w.Tokens.Subject(rs, text, 0); return err })
	return err == nil
}

// marked reports whether a token's row is marked dead.
func (w *world) marked(t token.Token) bool {
	w.t.Helper()
	k := store.Token(t.Audit.Hex())
	items, err := w.engine.Read(w.ctx, k)
	require.NoError(w.t, err)
	require.NotNil(w.t, items[k])
	return items[k].Bool(token.AttrDead)
}

// grant delegates to somebody; by says who, nil for ada herself.
func (w *world) grant(by *trust.Trust, trustee string) trust.Trust {
	w.t.Helper()
	caller := policy.Caller{UserID: w.ada, Methods: []string{"password"}}
	if by != nil {
		caller.TrustID = by.ID
	}
	t, err := w.Trusts.Create(w.ctx, w.reads(), caller, trust.Grant{
		TrustorID: w.ada, TrusteeID: trustee, ProjectID: w.web, Impersonation: true,
		RoleIDs: store.NewSet(w.member), AllowRedelegation: true,
	})
	require.NoError(w.t, err)
	return t
}

// batch is the next changes of the log, as an event of the stream, and the position after it.
func (w *world) batch(limit int) (events.DynamoDBEvent, string) {
	w.t.Helper()
	changes, err := w.engine.Changes(w.ctx, w.after, limit)
	require.NoError(w.t, err)
	var e events.DynamoDBEvent
	last := w.after
	for _, c := range changes {
		e.Records = append(e.Records, gateway.ToRecord(c))
		last = c.Position
	}
	return e, last
}

// deliver gives an event to the function and returns the sequence numbers that failed.
func (w *world) deliver(e events.DynamoDBEvent) []string {
	w.t.Helper()
	payload, err := json.Marshal(e)
	require.NoError(w.t, err)
	answer, err := gateway.Stream(New(w.App).Handle).Invoke(w.ctx, payload)
	require.NoError(w.t, err)
	var r events.DynamoDBEventResponse
	require.NoError(w.t, json.Unmarshal(answer, &r))
	var failed []string
	for _, f := range r.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// follow delivers all changes there are, each twice, until none come.
func (w *world) follow() {
	w.t.Helper()
	for {
		e, last := w.batch(10)
		if len(e.Records) == 0 {
			return
		}
		require.Empty(w.t, w.deliver(e))
		require.Empty(w.t, w.deliver(e))
		w.after = last
	}
}

func TestCascade_TR_076_a_deleted_trust(t *testing.T) {
	w := newWorld(t)
	first, other := w.grant(nil, w.bob), w.grant(nil, w.bob)
	second := w.grant(&first, w.eve)
	third := w.grant(&second, w.bob)
	type issued struct {
		token.Token
		text secret.Text
	}
	var doomed []issued
	for _, t := range []trust.Trust{first, first, second, third} {
		made, text := w.use(t)
		doomed = append(doomed, issued{made, text})
	}
	stays, stayText := w.use(other)
	w.follow()
	require.True(t, w.live(doomed[3].text))

	require.NoError(t, w.Trusts.Delete(w.ctx, first))
	for _, d := range doomed {
		assert.False(t, w.live(d.text), "TR-102, TR-080: dead before any stream ran")
		assert.False(t, w.marked(d.Token))
	}
	w.follow()
	for _, d := range doomed {
		assert.True(t, w.marked(d.Token))
	}
	rest, err := w.engine.Query(w.ctx, store.Prefixed(store.TrustOfTrustor(w.ada, "")))
	require.NoError(t, err)
	require.Len(t, rest.Entries, 1, "TR-080: the generations below are deleted, each by a change of its own")
	assert.True(t, w.live(stayText))
	assert.False(t, w.marked(stays))
}

func TestCascade_T_076_a_chain(t *testing.T) {
	w := newWorld(t)
	project := token.Wanted{Kind: token.WantProject, ID: w.web}
	derived, text := w.derive(w.ada, project)
	login, other := w.issue(token.Login{
		Methods: []string{token.MethodPassword}, Password: token.PasswordProof{UserID: w.ada, Password: secret.New("secret of ada")},
	})
	var root token.Token
	rs := w.reads()
	require.NoError(t, rs.Settle(w.ctx, func() (err error) { root, err = w.Tokens.Subject(rs, w.logins[w.ada], 0); return err }))
	require.NoError(t, w.Tokens.Revoke(w.ctx, root, false))
	assert.False(t, w.live(text), "dead before any stream ran")
	assert.False(t, w.marked(derived))
	w.follow()
	assert.True(t, w.marked(derived))
	assert.True(t, w.live(other))
	assert.False(t, w.marked(login))
}

func TestCascade_T_119_a_root_alone(t *testing.T) {
	w := newWorld(t)
	derived, text := w.derive(w.ada, token.Wanted{Kind: token.WantProject, ID: w.web})
	var root token.Token
	rs := w.reads()
	require.NoError(t, rs.Settle(w.ctx, func() (err error) { root, err = w.Tokens.Subject(rs, w.logins[w.ada], 0); return err }))
	require.NoError(t, w.Tokens.Revoke(w.ctx, root, true))
	w.follow()
	assert.True(t, w.live(text))
	assert.False(t, w.marked(derived))
}

// TestCascade_many marks more rows than are marked side by side at once.
func TestCascade_many(t *testing.T) {
	w := newWorld(t)
	tr := w.grant(nil, w.bob)
	var rows []token.Token
	for range 3*16 + 1 {
		made, _ := w.use(tr)
		rows = append(rows, made)
	}
	require.NoError(t, w.Trusts.Delete(w.ctx, tr))
	w.follow()
	assert.False(t, slices.ContainsFunc(rows, func(r token.Token) bool { return !w.marked(r) }))
}

// TestCascade_failures: what failed is named by its sequence number, and given again it
// is done.
func TestCascade_failures(t *testing.T) {
	w := newWorld(t)
	first := w.grant(nil, w.bob)
	second := w.grant(&first, w.eve)
	row, _ := w.use(second)
	w.follow()
	require.NoError(t, w.Trusts.Delete(w.ctx, first))
	e, last := w.batch(100)
	var deleted string
	for _, r := range e.Records {
		if c, err := gateway.FromRecord(r); err == nil && c.Key == store.Trust(first.ID) {
			deleted = c.Position
		}
	}
	require.NotEmpty(t, deleted)

	w.fail.Store(true)
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	whole := w.ctx
	w.ctx = ctx
	assert.Equal(t, []string{deleted}, w.deliver(e))
	w.ctx = whole
	w.fail.Store(false)

	assert.Empty(t, w.deliver(e))
	w.after = last
	w.follow()
	assert.True(t, w.marked(row))
}

// TestCascade_expiry: what TTL removes is no kill.
func TestCascade_expiry(t *testing.T) {
	w := newWorld(t)
	tr := w.grant(nil, w.bob)
	row, _ := w.use(tr)
	k := store.Trust(tr.ID)
	items, err := w.engine.Read(w.ctx, k)
	require.NoError(t, err)
	removal := store.Change{Position: "1", Key: k, Old: items[k], At: w.now(), Expired: true}
	require.Empty(t, w.deliver(events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{gateway.ToRecord(removal)}}))
	assert.False(t, w.marked(row))
}
