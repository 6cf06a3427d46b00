package delegation

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// shards run side by side, each with a world of its own; -rapid.checks says how many trees
// each of them grows. `make prove-delegation` asks for 100,000 in all.
const shards = 2

// worldAge is how many trees grow in one world before it is replaced.
const worldAge = 2000

func init() {
	if err := flag.Set("rapid.checks", "500"); err != nil { // unless the command line says otherwise
		panic(err)
	}
}

// tally counts what was seen, so that a proof of nothing does not pass.
type tally struct {
	trees, refused, live, dead, overdue, denied, issued atomic.Int64
	trusts                                              [deepest + 2]atomic.Int64 // by depth
	events                                              [len(eventNames)]atomic.Int64
}

// TestProve grows random trees of delegations among random people, lets people be disabled
// and deleted, roles and projects come and go, trusts be deleted and expire, and looks at
// every token after each of it:
//
//   - a token that validates carries nothing that any trust above it does not carry, or
//     that any of their trustors does not have at that moment: in project, roles and time;
//   - a token under anything dead does not validate, and no new one is issued there;
//   - a token under nothing dead validates, unless it was ended itself.
func TestProve(t *testing.T) {
	var seen tally
	began := time.Now()
	t.Run("trees", func(t *testing.T) {
		for n := range shards {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				var w *world
				rapid.Check(t, func(rt *rapid.T) {
					switch {
					case w == nil:
						w = newWorld(t)
					case w.trees >= worldAge:
						require.NoError(rt, w.engine.Close())
						w = newWorld(t)
					default:
						w.restore(rt)
					}
					grow(rt, w, &seen)
				})
			})
		}
	})
	t.Logf("%d trees in %v: trusts by depth %v, %d requests for trusts refused", seen.trees.Load(), time.Since(began).Round(time.Second),
		counts(seen.trusts[:]), seen.refused.Load())
	t.Logf("tokens looked at: %d live, %d dead, %d ended themselves; asked for again: %d issued, %d denied",
		seen.live.Load(), seen.dead.Load(), seen.overdue.Load(), seen.issued.Load(), seen.denied.Load())
	t.Logf("events %v: %v", eventNames, counts(seen.events[:]))
	for depth := range deepest + 1 {
		require.Positive(t, seen.trusts[depth].Load(), "trusts at depth %d", depth)
	}
	require.Zero(t, seen.trusts[deepest+1].Load())
	for n, name := range eventNames {
		require.Positive(t, seen.events[n].Load(), name)
	}
	for _, n := range []*atomic.Int64{&seen.refused, &seen.live, &seen.dead, &seen.overdue, &seen.issued, &seen.denied} {
		require.Positive(t, n.Load())
	}
}

func counts(list []atomic.Int64) (n []int64) {
	for i := range list {
		n = append(n, list[i].Load())
	}
	return n
}

// node is a trust of a tree with a token of it.
type node struct {
	trust.Trust
	parent  *node // nil: the first
	depth   int
	deleted bool
	text    secret.Text
	token   token.Token
	ended   bool // one of its people was disabled since: the token is dead for good
}

type tree struct {
	*world
	rt    *rapid.T
	seen  *tally
	nodes []*node
}

func grow(rt *rapid.T, w *world, seen *tally) {
	t := &tree{world: w, rt: rt, seen: seen}
	seen.trees.Add(1)
	for range rapid.IntRange(1, 12).Draw(rt, "delegations") {
		t.delegate()
	}
	t.lookAtAll()
	for range rapid.IntRange(0, 4).Draw(rt, "events") {
		t.event()
		t.lookAtAll()
		t.delegate() // also where nothing may grow any more
	}
	for _, n := range t.nodes {
		t.askAgain(n)
	}
}

func (t *tree) lineage(n *node) (l []*node) {
	for ; n != nil; n = n.parent {
		l = append(l, n)
	}
	return l
}

// alive says whether nothing that a trust stands on is dead, in the contract's plainest words.
func (t *tree) alive(n *node) bool {
	for _, a := range t.lineage(n) {
		switch {
		case a.deleted, !a.ExpiresAt.IsZero() && !t.clock().Before(a.ExpiresAt),
			!t.live(a.TrustorID), !t.live(a.TrusteeID), !t.live(a.ProjectID),
			!t.has(a.TrustorID, n.ProjectID, n.RoleIDs):
			return false
		}
	}
	return true
}

func (t *tree) caller(n *node) (token.Token, error) {
	rs := t.reads()
	var found token.Token
	err := rs.Settle(t.ctx, func() (err error) { found, err = t.tokens.Subject(rs, n.text, 0); return err })
	return found, err
}

// delegate makes a trust: the tree's first, or one with the token of a trust in it.
func (t *tree) delegate() {
	var parent *node
	by := token.Token{}
	if len(t.nodes) > 0 {
		parent = t.nodes[len(t.nodes)-1] // deep trees, and bushes
		if rapid.IntRange(0, 3).Draw(t.rt, "bush") == 0 {
			parent = rapid.SampledFrom(t.nodes).Draw(t.rt, "parent")
		}
		var err error
		if by, err = t.caller(parent); err != nil {
			require.True(t.rt, !t.alive(parent) || parent.ended || t.overdue(parent), "%v", err)
			return
		}
	}
	g := t.grant(parent)
	if parent == nil && !t.live(g.TrustorID) {
		return // she has no token to ask with
	}
	rs, caller := t.reads(), by.Caller()
	if parent == nil {
		caller.UserID, caller.SubjectID, caller.Methods = g.TrustorID, g.TrustorID, []string{"password"}
	}
	made, err := t.trusts.Create(t.ctx, rs, caller, g)
	if err != nil {
		_, expected := problem.As(err)
		require.True(t.rt, expected, "%v", err)
		t.seen.refused.Add(1)
		return
	}
	n := &node{Trust: made, parent: parent}
	if parent != nil {
		n.depth = parent.depth + 1
	}
	require.True(t.rt, t.alive(n) || !t.live(n.TrusteeID) || !t.live(n.ProjectID), "made under something dead")
	t.seen.trusts[n.depth].Add(1)
	if n.token, n.text, err = t.login(n); err != nil {
		require.False(t.rt, t.alive(n), "%v", err)
		return
	}
	t.nodes = append(t.nodes, n)
	t.look(n)
}

// grant is what somebody may ask for: mostly within reason, for else nothing would grow.
func (t *tree) grant(parent *node) trust.Grant {
	rt := t.rt
	g := trust.Grant{
		TrusteeID: t.users[rapid.SampledFrom([]int{0, 1, 1, 2, 3, 4, 5, 6}).Draw(rt, "trustee")], ProjectID: rapid.SampledFrom(t.projects).Draw(rt, "project"),
		Impersonation: rapid.IntRange(0, 4).Draw(rt, "impersonation") > 0, AllowRedelegation: rapid.IntRange(0, 9).Draw(rt, "again") > 0,
		RoleIDs: store.NewSet(rapid.SliceOfNDistinct(rapid.SampledFrom(t.roles), 1, 2, rapid.ID[string]).Draw(rt, "roles")...),
	}
	if minutes := rapid.SampledFrom([]int{0, 0, 20, 40, 60}).Draw(rt, "minutes"); minutes > 0 {
		g.ExpiresAt = t.clock().Add(time.Duration(minutes) * time.Minute)
	}
	if parent == nil {
		g.TrustorID = t.users[rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(rt, "trustor")]
		return g
	}
	g.TrustorID = parent.ActingID()
	if rapid.IntRange(0, 9).Draw(rt, "reason") > 0 {
		g.ProjectID, g.Impersonation = parent.ProjectID, g.Impersonation && parent.Impersonation
		g.RoleIDs = parent.RoleIDs[rapid.IntRange(0, len(parent.RoleIDs)-1).Draw(rt, "from"):]
		if !parent.ExpiresAt.IsZero() && g.ExpiresAt.After(parent.ExpiresAt) {
			g.ExpiresAt = time.Time{}
		}
	}
	return g
}

func (t *tree) login(n *node) (token.Token, secret.Text, error) {
	return t.tokens.Issue(t.ctx, t.reads(), token.Login{
		Methods: []string{token.MethodPassword}, Password: token.PasswordProof{UserID: n.TrusteeID, Password: password},
		Scope: token.Wanted{Kind: token.WantTrust, ID: n.ID},
	})
}

func (t *tree) lookAtAll() {
	for _, n := range t.nodes {
		t.look(n)
	}
}

// overdue reports whether a token has come to its own end.
func (t *tree) overdue(n *node) bool { return !t.clock().Before(n.token.ExpiresAt) }

// look validates a node's token and holds it to all that is above.
func (t *tree) look(n *node) {
	got, err := t.caller(n)
	switch {
	case err == nil:
		require.True(t.rt, t.alive(n), "a token under something dead validates: trust %s", n.ID)
		require.False(t.rt, n.ended || t.overdue(n), "a token that was ended validates: trust %s", n.ID)
		t.within(n, got)
		t.seen.live.Add(1)
		return
	case !t.alive(n):
		t.seen.dead.Add(1)
	default:
		require.True(t.rt, n.ended || t.overdue(n), "a token under nothing dead does not validate: trust %s: %v", n.ID, errors.Unwrap(err))
		t.seen.overdue.Add(1)
	}
	require.True(t.rt, problem.Is(err, problem.KindNotFound), "%v", err)
}

// within holds what a live token carries to every trust above it.
func (t *tree) within(n *node, got token.Token) {
	var carried []int
	for _, id := range got.RoleIDs {
		carried = append(carried, t.role(id))
	}
	require.NotEmpty(t.rt, carried)
	for _, a := range t.lineage(n) {
		require.Equal(t.rt, token.Scope{Kind: token.Project, ID: a.ProjectID}, got.Scope)
		delegated := map[int]bool{}
		for _, id := range a.RoleIDs {
			delegated[t.role(id)] = true
		}
		require.True(t.rt, carries(delegated, carried), "roles beyond trust %s", a.ID)
		require.True(t.rt, t.has(a.TrustorID, a.ProjectID, got.RoleIDs), "roles beyond trustor %s", a.TrustorID)
		require.True(t.rt, a.ExpiresAt.IsZero() || !got.ExpiresAt.After(a.ExpiresAt), "time beyond trust %s", a.ID)
		require.True(t.rt, a.Impersonation || got.User.ID == n.TrusteeID, "acts as another beyond trust %s", a.ID)
	}
	require.Contains(t.rt, []string{n.TrustorID, n.TrusteeID}, got.User.ID)
}

// askAgain asks for another token of a node's trust.
func (t *tree) askAgain(n *node) {
	got, _, err := t.login(n)
	if err == nil {
		require.True(t.rt, t.alive(n), "a token is issued under something dead: trust %s", n.ID)
		t.within(n, got)
		t.seen.issued.Add(1)
		return
	}
	require.False(t.rt, t.alive(n), "no token is issued under nothing dead: trust %s: %v", n.ID, errors.Unwrap(err))
	require.True(t.rt, problem.Is(err, problem.KindUnauthorized) || problem.Is(err, problem.KindForbidden), "%v", err)
	t.seen.denied.Add(1)
}

var eventNames = [...]string{
	"user switched", "user deleted", "project switched", "project deleted", "role given or taken", "role deleted", "trust deleted", "time",
}

// event changes something below the tree's feet.
func (t *tree) event() {
	kind := rapid.SampledFrom([]int{0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 6, 6, 7, 7}).Draw(t.rt, "event")
	var err error
	switch kind {
	case 0:
		id := t.someone()
		if t.gone[id] {
			return
		}
		t.enableUser(t.rt, id, t.off[id])
		if t.off[id] {
			for _, n := range t.nodes {
				n.ended = n.ended || n.TrustorID == id || n.TrusteeID == id
			}
		}
	case 1:
		id := t.someone()
		if t.gone[id] {
			return
		}
		err = t.dir.DeleteUser(t.ctx, t.reads(), id)
		t.gone[id] = true
	case 2, 3:
		id := rapid.SampledFrom(t.projects).Draw(t.rt, "project")
		if t.gone[id] {
			return
		}
		if kind == 2 {
			t.enableProject(t.rt, id, t.off[id])
			break
		}
		err = t.dir.DeleteProject(t.ctx, t.reads(), id)
		t.gone[id] = true
	case 4:
		h := holding{rapid.IntRange(0, 3).Draw(t.rt, "user"), rapid.IntRange(0, 1).Draw(t.rt, "project"), rapid.IntRange(0, 3).Draw(t.rt, "role")}
		if t.gone[t.users[h.user]] || t.gone[t.projects[h.project]] || t.gone[t.roles[h.role]] {
			return
		}
		t.hold(t.rt, h, !t.held[h])
	case 5:
		id := t.roles[extra] // the others imply each other
		if t.gone[id] {
			return
		}
		err = t.dir.DeleteRole(t.ctx, t.reads(), id)
		t.gone[id] = true
	case 6:
		standing := slices.DeleteFunc(slices.Clone(t.nodes), func(n *node) bool { return n.deleted })
		if len(standing) == 0 {
			return
		}
		n := rapid.SampledFrom(standing).Draw(t.rt, "trust")
		err = t.trusts.Remove(t.ctx, n.Trust)
		n.deleted = true
		if err == nil && rapid.Bool().Draw(t.rt, "cascade") {
			err = t.trusts.Deleted(t.ctx, n.Trust)
		}
	case 7:
		t.advance(time.Duration(rapid.IntRange(5, 45).Draw(t.rt, "minutes")) * time.Minute)
	}
	require.NoError(t.rt, err)
	t.seen.events[kind].Add(1)
}

// someone is a user, mostly of the tree.
func (t *tree) someone() string {
	ids := slices.Clone(t.users)
	for _, n := range t.nodes {
		ids = append(ids, n.TrustorID, n.TrusteeID)
	}
	return rapid.SampledFrom(ids).Draw(t.rt, "user")
}
