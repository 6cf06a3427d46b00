package trust

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"mandate/shared/problem"
	"mandate/shared/store"
)

const (
	ada, bob, eve = "ada", "bob", "eve"
	web, shop     = "web", "shop"
	member        = "role-member"
	reader        = "role-reader"
	admin         = "role-admin"
)

// The builders below make the chain root → parent that most cases redelegate: ada to bob,
// impersonating, member and reader on web, until noon, three and two generations to follow.

var noon = time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)

func id(n int) string { return strings.Repeat("0123456789abcdef"[n:n+1], 32) }

func root(edit ...func(*Trust)) Trust {
	t := Trust{
		ID: id(1), TrustorID: ada, TrusteeID: bob, ProjectID: web, Impersonation: true,
		RoleIDs: store.NewSet(member, reader), ExpiresAt: noon, RedelegationCount: 3,
	}
	for _, e := range edit {
		e(&t)
	}
	return t
}

func parent(edit ...func(*Trust)) Trust {
	t := root()
	t.ID, t.ParentID, t.Ancestors, t.RedelegationCount = id(2), id(1), []string{id(1)}, 2
	for _, e := range edit {
		e(&t)
	}
	return t
}

func grant(edit ...func(*Grant)) Grant {
	g := Grant{TrustorID: ada, TrusteeID: eve, ProjectID: web, Impersonation: true, RoleIDs: store.NewSet(reader)}
	for _, e := range edit {
		e(&g)
	}
	return g
}

func allow(count ...int64) func(*Grant) {
	return func(g *Grant) {
		g.AllowRedelegation = true
		if len(count) > 0 {
			g.RedelegationCount = &count[0]
		}
	}
}

func count(n int64) func(*Trust)       { return func(t *Trust) { t.RedelegationCount = n } }
func until(at time.Time) func(*Trust)  { return func(t *Trust) { t.ExpiresAt = at } }
func uses(n int64) func(*Grant)        { return func(g *Grant) { g.RemainingUses = &n } }
func ends(at time.Time) func(*Grant)   { return func(g *Grant) { g.ExpiresAt = at } }
func roles(ids ...string) func(*Grant) { return func(g *Grant) { g.RoleIDs = store.NewSet(ids...) } }
func on(project string) func(*Grant)   { return func(g *Grant) { g.ProjectID = project } }
func from(user string) func(*Grant)    { return func(g *Grant) { g.TrustorID = user } }
func plain(t *Trust)                   { t.Impersonation = false }
func plainly(g *Grant)                 { g.Impersonation = false }
func limited(t *Trust)                 { n := int64(2); t.RemainingUses = &n }
func unscoped(g *Grant)                { g.ProjectID, g.RoleIDs = "", nil }
func reads(t *Trust)                   { t.RoleIDs = store.NewSet(reader) }

const fine = problem.Kind(0)

func kind(err error) problem.Kind {
	if err == nil {
		return fine
	}
	p, _ := problem.As(err)
	return p.Kind
}

func TestRedelegate(t *testing.T) {
	const maximum = 3
	for _, c := range []struct {
		name      string
		parent    Trust
		ancestors []Trust
		grant     Grant
		want      problem.Kind
	}{
		{"TR-046 as much as the parent, with fewer to follow", root(), nil, grant(allow(), roles(member, reader)), fine},
		{"TR-046 the number that comes by itself, asked for", root(), nil, grant(allow(2)), fine},
		{"TR-047 fewer roles and none to follow", root(), nil, grant(), fine},
		{"TR-047 redelegation allowed and none asked for", root(), nil, grant(allow(0)), fine},
		{"TR-048 a parent that ends its chain", root(count(0)), nil, grant(), problem.KindForbidden},
		{"TR-048 a grandparent that ends its chain", parent(), []Trust{root(count(0))}, grant(), problem.KindForbidden},
		{"a parent with a negative count", root(count(-1)), nil, grant(), problem.KindForbidden},
		{"a parent beyond what the deployment allows now", root(count(4)), nil, grant(), problem.KindForbidden},
		{"a grandparent beyond what the deployment allows now", parent(), []Trust{root(count(4))}, grant(), problem.KindForbidden},
		{"TR-049 another number than the parent's less one", root(), nil, grant(allow(1)), problem.KindForbidden},
		{"TR-049 more than the parent", root(), nil, grant(allow(3)), problem.KindForbidden},
		{"TR-043 any number when redelegation is not allowed", root(), nil, grant(func(g *Grant) { n := int64(7); g.RedelegationCount = &n }), fine},
		{"TR-050 later than the parent", root(), nil, grant(ends(noon.Add(time.Second))), problem.KindForbidden},
		{"TR-050 later than the grandparent only", parent(until(time.Time{})), []Trust{root()}, grant(ends(noon.Add(time.Second))), problem.KindForbidden},
		{"TR-050 without end, under a grandparent that ends", parent(until(time.Time{})), []Trust{root()}, grant(), problem.KindForbidden},
		{"TR-050 until the same second", root(), nil, grant(ends(noon)), fine},
		{"TR-050 earlier", root(), nil, grant(ends(noon.Add(-time.Hour))), fine},
		{"TR-051 no end of its own", root(), nil, grant(), fine},
		{"an end of its own, under a parent without one", root(until(time.Time{})), nil, grant(ends(noon)), fine},
		{"without end, under a parent without one", root(until(time.Time{})), nil, grant(), fine},
		{"TR-053 impersonation gained from the parent", root(plain), nil, grant(from(bob)), problem.KindForbidden},
		{"TR-053 impersonation gained from the grandparent", parent(), []Trust{root(plain)}, grant(), problem.KindForbidden},
		{"TR-054 impersonation dropped", root(), nil, grant(plainly), fine},
		{"TR-056 without impersonation, by the parent's trustee", root(plain), nil, grant(from(bob), plainly), fine},
		{"TR-056 without impersonation, in the trustor's name", root(plain), nil, grant(plainly), problem.KindForbidden},
		{"with impersonation, in the trustee's name", root(), nil, grant(from(bob)), problem.KindForbidden},
		{"TR-058 no project under a parent with one", root(), nil, grant(unscoped), problem.KindForbidden},
		{"another project where the trustor has the same role", root(), nil, grant(on(shop)), problem.KindForbidden},
		{"another project than the grandparent's", parent(func(t *Trust) { t.ProjectID = shop }), []Trust{root()}, grant(on(shop)), problem.KindForbidden},
		{"no project under a parent without one", root(func(t *Trust) { t.ProjectID, t.RoleIDs = "", nil }), nil, grant(unscoped), fine},
		{"a project under a parent without one", root(func(t *Trust) { t.ProjectID, t.RoleIDs = "", nil }), nil, grant(), problem.KindForbidden},
		{"a role the trustor has and the parent not", root(), nil, grant(roles(admin)), problem.KindForbidden},
		{"a role more than the parent", root(), nil, grant(roles(admin, member, reader)), problem.KindForbidden},
		{"a role the parent has and the grandparent not", parent(), []Trust{root(reads)}, grant(roles(member)), problem.KindForbidden},
		{"a project without roles", root(), nil, grant(roles()), problem.KindForbidden},
		{"a limit of uses", root(), nil, grant(uses(2)), problem.KindForbidden},
		{"TR-045 a limit of uses and redelegation", root(), nil, grant(allow(), uses(2)), problem.KindInvalid},
		{"TR-045 a limit of uses and redelegation allowed for none", root(), nil, grant(allow(0), uses(2)), problem.KindForbidden},
		{"a parent with a limit of uses", root(limited), nil, grant(), problem.KindForbidden},
		{"a grandchild within everything", parent(), []Trust{root()}, grant(allow()), fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Redelegate(c.parent, c.ancestors, c.grant, maximum)
			assert.Equal(t, c.want, kind(err), "%v", err)
		})
	}
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		name   string
		parent Trust
		grant  Grant
		count  int64
		end    time.Time
	}{
		{"TR-046 one fewer may follow", root(), grant(allow()), 2, noon},
		{"TR-047 none may follow", root(), grant(), 0, noon},
		{"TR-047 none may follow although a number was given", root(), grant(func(g *Grant) { n := int64(2); g.RedelegationCount = &n }), 0, noon},
		{"TR-047 none may follow when none was asked for", root(), grant(allow(0)), 0, noon},
		{"the last one that may be made", root(count(1)), grant(allow()), 0, noon},
		{"TR-051 the parent's end is copied", root(), grant(), 0, noon},
		{"its own end", root(), grant(ends(noon.Add(-time.Minute))), 0, noon.Add(-time.Minute)},
		{"no end anywhere", root(until(time.Time{})), grant(), 0, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			child := c.grant.under(c.parent)
			assert.Equal(t, c.count, child.RedelegationCount)
			assert.Equal(t, c.end, child.ExpiresAt)
			assert.Equal(t, c.parent.ID, child.ParentID)
		})
	}
}

func TestFirst(t *testing.T) {
	const maximum = 3
	for _, c := range []struct {
		name  string
		grant Grant
		count int64
		want  problem.Kind
	}{
		{"not redelegatable", grant(), 0, fine},
		{"TR-040 as many as the deployment allows", grant(allow()), 3, fine},
		{"TR-041 as many as asked for", grant(allow(2)), 2, fine},
		{"TR-041 allowed, and none asked for", grant(allow(0)), 0, fine},
		{"TR-042 more than the deployment allows", grant(allow(4)), 0, problem.KindForbidden},
		{"TR-043 a number without allowing it", grant(func(g *Grant) { n := int64(9); g.RedelegationCount = &n }), 0, fine},
		{"TR-045 a limit of uses and redelegation", grant(allow(), uses(2)), 0, problem.KindInvalid},
		{"a limit of uses alone", grant(uses(2)), 0, fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, err := c.grant.first(maximum)
			assert.Equal(t, c.want, kind(err), "%v", err)
			if err == nil {
				assert.Equal(t, c.count, first.RedelegationCount)
			}
		})
	}
}
