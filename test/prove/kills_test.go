package prove

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"mandate/shared/store"
)

// hit is what a kill was about.
type hit struct {
	touches func(*pass) bool
	revive  func(context.Context) // nil where nothing brings it back
}

// kills are all ways to end tokens.
var kills = map[string]func(*actor, context.Context) *hit{
	"revoke":              (*actor).revoke,
	"disable user":        (*actor).disableUser,
	"change password":     (*actor).changePassword,
	"end sessions":        (*actor).endSessions,
	"delete user":         (*actor).deleteUser,
	"disable project":     (*actor).disableProject,
	"delete project":      (*actor).deleteProject,
	"disable domain":      (*actor).disableDomain,
	"delete domain":       (*actor).deleteDomain,
	"drop role":           (*actor).dropRole,
	"delete role":         (*actor).deleteRole,
	"end implication":     (*actor).unimply,
	"leave group":         (*actor).leaveGroup,
	"delete group":        (*actor).deleteGroup,
	"delete trust":        (*actor).deleteTrust,
	"delete consumer":     (*actor).deleteConsumer,
	"delete access token": (*actor).deleteAccess,

	"change pre-authentication": (*actor).changeHandle,
	"delete pre-authentication": (*actor).deleteHandle,
}

var killNames = slices.Sorted(maps.Keys(kills))

// told notes a kill or its revival on an object: what was acknowledged has happened, what
// was refused has not, and of the rest nobody knows when it will.
func (a *actor) told(kind, text string, r reply, o *object, input any) {
	a.report(kind, text, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(kind, r, o, input)
}

func (a *actor) note(kind string, r reply, o *object, input any) {
	revival := input == revive
	if d, ok := input.(deed); ok && (d.verb == "enable" || d.verb == "join") {
		revival = true
	}
	switch {
	case r.status == http.StatusOK || r.status == http.StatusNoContent || r.status == http.StatusCreated:
		if !revival {
			a.counts.kills++
		}
		o.note(a.n, input, r.call, r.ret)
	case r.status == http.StatusServiceUnavailable:
		o.note(a.n, input, r.call, never)
	case r.status >= 400 && r.status < 500:
	default:
		a.wrong = append(a.wrong, fmt.Sprintf("%s is answered %d: %s", kind, r.status, r.text))
	}
}

func (a *actor) revoke(ctx context.Context) *hit {
	p := a.anyPass(nil)
	if p == nil {
		return nil
	}
	by, path, text := a.d.admin, "/v3/auth/tokens", fmt.Sprintf("T%d", p.n)
	if a.r.IntN(3) == 0 {
		by, text = p.text, text+" by itself"
	}
	alone := p.parent == nil && a.r.IntN(3) == 0
	if alone {
		path, text = path+"?cascade=false", text+" alone"
	}
	var r reply
	if p.v2 && !alone && a.r.IntN(2) == 0 {
		r = a.c.do(ctx, "DELETE", "/v2.0/tokens/"+p.text, a.d.admin, "")
	} else {
		r = a.c.do(ctx, "DELETE", path, by, "", "X-Subject-Token", p.text)
	}
	a.told("revoke", text, r, p.row, kill)
	if p.tail != nil && !alone {
		a.mu.Lock()
		a.note("revoke", r, p.tail, kill)
		a.mu.Unlock()
	}
	return &hit{touches: func(q *pass) bool { return q == p || q.chain != nil && q.chain == p.tail }}
}

// of is a hit on a person.
func of(who int) func(*pass) bool {
	return func(p *pass) bool { return slices.Contains(p.involved(), who) }
}

func (a *actor) patchUser(ctx context.Context, who int, body string) reply {
	return a.c.do(ctx, "PATCH", "/v3/users/"+a.people[who].id, a.d.admin, `{"user":{`+body+`}}`)
}

func verb(v string) deed {
	return deed{verb: v, password: anyPassword, old: anyPassword, token: noToken, parent: noToken}
}

func (a *actor) disableUser(ctx context.Context) *hit {
	who := a.someone()
	u := a.people[who].object
	a.told("disable user", people[who], a.patchUser(ctx, who, `"enabled":false`), u, verb("disable"))
	return &hit{of(who), func(ctx context.Context) {
		a.told("enable user", people[who], a.patchUser(ctx, who, `"enabled":true`), u, verb("enable"))
	}}
}

// password is the last one that somebody set, or tried to.
func (p *person) password() (n int) {
	for _, o := range p.ops {
		if d := o.Input.(deed); d.verb == "change" {
			n = max(n, d.password)
		}
	}
	return n
}

// changePassword sets a new password, as the administrator or by the old one.
func (a *actor) changePassword(ctx context.Context) *hit {
	who := a.someone()
	a.mu.Lock()
	old := a.people[who].password()
	a.fresh++
	next := a.fresh
	a.mu.Unlock()
	d := verb("change")
	d.password = next
	text := fmt.Sprintf("%s: %d", people[who], next)
	if a.r.IntN(2) == 0 {
		a.told("reset password", text, a.patchUser(ctx, who, fmt.Sprintf(`"password":%q`, passwordOf(next))), a.people[who].object, d)
		return &hit{touches: of(who)}
	}
	p := a.anyPass(func(p *pass) bool { return p.subject == who && p.delegation == nil })
	if p == nil {
		return nil
	}
	r := a.c.do(ctx, "POST", "/v3/users/"+a.people[who].id+"/password", p.text,
		fmt.Sprintf(`{"user":{"original_password":%q,"password":%q}}`, passwordOf(old), passwordOf(next)))
	if r.status == http.StatusNoContent {
		d.old = old
	}
	a.told("change password", text, r, a.people[who].object, d)
	return &hit{touches: of(who)}
}

func (a *actor) endSessions(ctx context.Context) *hit {
	who := a.someone()
	r := a.c.do(ctx, "DELETE", "/v3/users/"+a.people[who].id+"/tokens", a.d.admin, "")
	a.told("end sessions", people[who], r, a.people[who].object, verb("end all"))
	return &hit{touches: of(who)}
}

func (a *actor) deleteUser(ctx context.Context) *hit {
	who := a.someone()
	r := a.c.do(ctx, "DELETE", "/v3/users/"+a.people[who].id, a.d.admin, "")
	a.told("delete user", people[who], r, a.people[who].object, verb("delete"))
	return &hit{touches: of(who)}
}

func (a *actor) someProject() (*project, func(*pass) bool) {
	p := []*project{a.web, a.web, a.lab, a.old}[a.r.IntN(4)]
	return p, func(q *pass) bool { return q.on == p }
}

func (a *actor) disableProject(ctx context.Context) *hit {
	p, on := a.someProject()
	patch := func(ctx context.Context, kind string, on bool, input turn) {
		r := a.c.do(ctx, "PATCH", "/v3/projects/"+p.id, a.d.admin, fmt.Sprintf(`{"project":{"enabled":%v}}`, on))
		a.told(kind, p.name, r, p.object, input)
	}
	patch(ctx, "disable project", false, kill)
	return &hit{on, func(ctx context.Context) { patch(ctx, "enable project", true, revive) }}
}

func (a *actor) deleteProject(ctx context.Context) *hit {
	p, on := a.someProject()
	a.told("delete project", p.name, a.c.do(ctx, "DELETE", "/v3/projects/"+p.id, a.d.admin, ""), p.object, kill)
	return &hit{touches: on}
}

func anything(*pass) bool { return true }

func (a *actor) patchDomain(ctx context.Context, kind string, on bool, input turn) {
	r := a.c.do(ctx, "PATCH", "/v3/domains/"+a.did, a.d.admin, fmt.Sprintf(`{"domain":{"enabled":%v}}`, on))
	a.told(kind, "domain", r, a.domain, input)
}

func (a *actor) disableDomain(ctx context.Context) *hit {
	a.patchDomain(ctx, "disable domain", false, kill)
	return &hit{anything, func(ctx context.Context) { a.patchDomain(ctx, "enable domain", true, revive) }}
}

func (a *actor) deleteDomain(ctx context.Context) *hit {
	a.patchDomain(ctx, "disable domain", false, kill)
	a.told("delete domain", "domain", a.c.do(ctx, "DELETE", "/v3/domains/"+a.did, a.d.admin, ""), a.domain, kill)
	return &hit{touches: anything}
}

// dropRole takes a role from whoever holds it: ada, the group that gives cat hers, ira who
// inherits hers, or vic.
func (a *actor) dropRole(ctx context.Context) *hit {
	role, below := "dev", ""
	var actor store.Actor
	target := "projects/" + a.web.id
	who := []int{ada, ada, cat, ira, vic}[a.r.IntN(5)]
	actor = store.UserActor(a.people[who].id)
	switch who {
	case ada:
		role = []string{"dev", "ops"}[a.r.IntN(2)]
	case cat:
		actor, target, role = store.GroupActor(a.leaving.id), "projects/"+a.lab.id, "ops"
	case ira:
		target, below = "OS-INHERIT/domains/"+a.did, "/inherited_to_projects"
	case vic:
		target = "projects/" + a.old.id
	}
	kind := map[string]string{store.KindUser: "users", store.KindGroup: "groups"}[actor.Kind]
	path := "/v3/" + target + "/" + kind + "/" + actor.ID + "/roles/" + a.names[role] + below
	name := people[who] + " " + role
	a.told("drop role", name, a.c.do(ctx, "DELETE", path, a.d.admin, ""), a.grants[name], kill)
	return &hit{of(who), func(ctx context.Context) {
		a.told("give role", name, a.c.do(ctx, "PUT", path, a.d.admin, ""), a.grants[name], revive)
	}}
}

func (a *actor) deleteRole(ctx context.Context) *hit {
	name := []string{"dev", "ops", "view"}[a.r.IntN(3)]
	id := a.names[name]
	a.told("delete role", name, a.c.do(ctx, "DELETE", "/v3/roles/"+id, a.d.admin, ""), a.roles[id], kill)
	return &hit{touches: func(p *pass) bool { return p.on != nil }}
}

func (a *actor) unimply(ctx context.Context) *hit {
	path := "/v3/roles/" + a.names["dev"] + "/implies/" + a.names["view"]
	a.told("end implication", "dev implies view", a.c.do(ctx, "DELETE", path, a.d.admin, ""), a.link, kill)
	return &hit{func(p *pass) bool { return p.on != nil }, func(ctx context.Context) {
		a.told("imply", "dev implies view", a.c.do(ctx, "PUT", path, a.d.admin, ""), a.link, revive)
	}}
}

func (a *actor) leaveGroup(ctx context.Context) *hit {
	path := "/v3/groups/" + a.leaving.id + "/users/" + a.people[cat].id
	a.told("leave group", "cat", a.c.do(ctx, "DELETE", path, a.d.admin, ""), a.people[cat].object, verb("leave"))
	return &hit{of(cat), func(ctx context.Context) {
		a.told("join group", "cat", a.c.do(ctx, "PUT", path, a.d.admin, ""), a.people[cat].object, verb("join"))
	}}
}

func (a *actor) deleteGroup(ctx context.Context) *hit {
	r := a.c.do(ctx, "DELETE", "/v3/groups/"+a.going.id, a.d.admin, "")
	o := &object{kind: "group", name: fmt.Sprintf("group of %v", a.going.members), model: switchModel}
	a.told("delete group", "of ada and bob", r, o, kill)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends, a.going.ends = append(a.ends, o), append(a.going.ends, ending{o, r.call})
	return &hit{touches: func(p *pass) bool { return of(ada)(p) || of(bob)(p) }}
}

func (a *actor) deleteTrust(ctx context.Context) *hit {
	a.mu.Lock()
	t := a.trusts[a.r.IntN(len(a.trusts))]
	a.mu.Unlock()
	by, text := a.d.admin, t.name
	if p := a.adas(); p != nil && a.r.IntN(2) == 0 {
		by, text = p.text, text+fmt.Sprintf(" by T%d", p.n)
	}
	r := a.c.do(ctx, "DELETE", "/v3/OS-TRUST/trusts/"+t.id, by, "")
	a.told("delete trust", text, r, t.object, kill)
	if t.handle != nil {
		a.mu.Lock()
		a.note("delete trust", r, t.handle.door, kill)
		a.note("delete trust", r, t.handle.behind, place{verb: "end", trust: t.id})
		a.mu.Unlock()
	}
	return &hit{touches: func(p *pass) bool {
		return p.delegation != nil && (p.delegation == t || slices.Contains(p.delegation.above, t))
	}}
}

func (a *actor) deleteConsumer(ctx context.Context) *hit {
	r := a.c.do(ctx, "DELETE", "/v3/OS-OAUTH1/consumers/"+a.consume.id, a.d.admin, "")
	a.told("delete consumer", "consumer", r, a.consume.object, kill)
	return &hit{touches: func(p *pass) bool { return p.how == "oauth1" }}
}

func (a *actor) deleteAccess(ctx context.Context) *hit {
	a.mu.Lock()
	x := a.access[a.r.IntN(len(a.access))]
	a.mu.Unlock()
	p := a.adas()
	if p == nil {
		return nil
	}
	r := a.c.do(ctx, "DELETE", "/v3/users/"+a.people[ada].id+"/OS-OAUTH1/access_tokens/"+x.id, p.text, "")
	a.told("delete access token", x.name, r, x.object, kill)
	return &hit{touches: func(p *pass) bool { return p.delegation == x }}
}
