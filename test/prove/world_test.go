package prove

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// person is somebody in a world.
type person struct {
	*object
	name, id string
	domain   *object
	groups   []*group
}

// people, by their place in a world: two who delegate and are delegated to, one whose
// roles come from a group, one who is delegated to further, one who inherits her role
// from the domain, and one in the default domain, for v2.0.
var people = []string{"ada", "bob", "cat", "eve", "ira", "vic"}

const (
	ada = iota
	bob
	cat
	eve
	ira
	vic
)

// project is where roles are held.
type project struct {
	*object
	id     string
	domain *object
}

// group is a group. One is left and joined; of the other, which is deleted, nobody leaves, so
// that it is clear whom its end concerns.
type group struct {
	id      string
	ends    []ending // deletions
	members []int
}

// ending is a deletion of a group: an object of its own, seen by the tokens that its
// members had when it began.
type ending struct {
	*object
	call int64
}

// delegation is a trust, or an access token.
type delegation struct {
	*object
	id       string
	above    []*delegation // of a trust
	trustor  int
	trustee  int
	role     string  // delegated
	on       *object // consumer or pre-authentication on which it hangs; nil
	handle   *handle // of a trust behind a pre-authentication
	key, sec string  // of an access token
}

// pass is a token in the hands of a client, with what it stands on.
type pass struct {
	n          int
	text       string
	how        string
	subject    int     // who authenticated
	other      int     // trustor whose epoch counts too; nobody
	password   int     // by which it was issued; anyPassword
	row        *object // revoked
	tail       *object // of a login: revoked with all that was derived from it
	chain      *object // of a derived one: its login's tail
	parent     *pass   // nil for a login
	between    []int
	on         *project
	delegation *delegation
	v2         bool
	call, ret  int64 // of its issue
	seen       [][2]int64
}

const nobody = -1

// world is what one history is about. Its people and things are new; the table, the head
// of the directory and what instances keep in memory are those of the histories before.
type world struct {
	d       *deployment
	people  []*person
	web     *project // ada: dev and ops; all of the domain
	lab     *project // cat: ops by the group that people leave
	old     *project // vic: dev; of the default domain
	domain  *object
	did     string
	roles   map[string]*object // by id
	names   map[string]string  // ids of dev, view, ops
	link    *object            // dev implies view
	grants  map[string]*object // "ada dev"
	leaving *group
	going   *group
	trusts  []*delegation
	access  []*delegation
	ready   []exchange
	consume delegation // the consumer
	handle  *handle
	ends    []*object // all objects
}

// exchange is an authorised request token.
type exchange struct{ id, secret, verifier string }

func (w *world) object(kind, name string) *object {
	o := &object{name: name, kind: kind, model: switchModel}
	w.ends = append(w.ends, o)
	return o
}

func passwordOf(n int) string { return fmt.Sprintf("password-%d", n) }

// newWorld makes people, projects, roles and delegations, in fine weather.
func newWorld(d *deployment) (*world, error) {
	d.worlds++
	ctx, dir := context.Background(), d.calm.Directory
	reads := func() *store.ReadSet { return store.NewReadSet(d.calm.Table) }
	w := &world{d: d, roles: map[string]*object{}, names: map[string]string{}, grants: map[string]*object{}}
	var failed error
	must := func(err error) {
		if failed == nil && err != nil {
			failed = err
		}
	}
	label := func(s string) string { return fmt.Sprintf("%s-%d", s, d.worlds) }

	dom, err := dir.CreateDomain(ctx, reads(), directory.Domain{Name: label("domain"), Enabled: true})
	must(err)
	w.did, w.domain = dom.ID, w.object("domain", "domain")
	home := w.object("domain", "default domain")
	password := secret.New(passwordOf(0))
	for n, name := range people {
		in, at := dom.ID, w.domain
		if n == vic {
			in, at = "default", home
		}
		u, err := dir.CreateUser(ctx, reads(), directory.User{Name: label(name), DomainID: in, Enabled: true}, &password)
		must(err)
		o := w.object("user", name)
		o.model = userModel
		w.people = append(w.people, &person{object: o, name: label(name), id: u.ID, domain: at})
	}
	project := func(name, in string, at *object) *project {
		p, err := dir.CreateProject(ctx, reads(), directory.Project{Name: label(name), DomainID: in, Enabled: true})
		must(err)
		return &project{object: w.object("project", name), id: p.ID, domain: at}
	}
	w.web, w.lab, w.old = project("web", dom.ID, w.domain), project("lab", dom.ID, w.domain), project("old", "default", home)
	for _, name := range []string{"dev", "view", "ops"} {
		r, err := dir.CreateRole(ctx, reads(), directory.Role{Name: label(name)})
		must(err)
		w.names[name], w.roles[r.ID] = r.ID, w.object("role", name)
	}
	must(dir.Imply(ctx, reads(), w.names["dev"], w.names["view"]))
	w.link = w.object("implication", "dev implies view")

	newGroup := func(name string, members ...int) *group {
		g, err := dir.CreateGroup(ctx, reads(), directory.Group{Name: label(name), DomainID: dom.ID})
		must(err)
		for _, m := range members {
			must(dir.Join(ctx, reads(), g.ID, w.people[m].id))
		}
		made := &group{id: g.ID, members: members}
		for _, m := range members {
			w.people[m].groups = append(w.people[m].groups, made)
		}
		return made
	}
	w.leaving, w.going = newGroup("leaving", cat), newGroup("going", ada, bob)
	grant := func(name string, a store.Actor, t store.Target, role string) {
		must(dir.Grant(ctx, reads(), a, t, w.names[role]))
		w.grants[name+" "+role] = w.object("grant", name+" "+role)
	}
	grant("ada", store.UserActor(w.people[ada].id), store.OnProject(w.web.id), "dev")
	grant("ada", store.UserActor(w.people[ada].id), store.OnProject(w.web.id), "ops")
	grant("cat", store.GroupActor(w.leaving.id), store.OnProject(w.lab.id), "ops")
	grant("ira", store.UserActor(w.people[ira].id), store.OnDomain(dom.ID).Below(), "dev")
	grant("vic", store.UserActor(w.people[vic].id), store.OnProject(w.old.id), "dev")
	if failed != nil {
		return nil, fmt.Errorf("set a world up: %w", failed)
	}
	return w, w.delegate()
}

// delegate makes the consumer, an access token and two more that can be had.
func (w *world) delegate() error {
	ctx := context.Background()
	c := newClient(w.d.serve[0])
	admin, err := w.d.administrator(c)
	if err != nil {
		return err
	}
	made := c.do(ctx, "POST", "/v3/OS-OAUTH1/consumers", admin, `{"consumer":{}}`)
	consumer := made.member("consumer")
	w.consume = delegation{object: w.object("consumer", "consumer"), id: text(consumer["id"]), sec: text(consumer["secret"])}
	adas := c.do(ctx, "POST", "/v3/auth/tokens", "", auth(byPassword(w.people[ada].id, passwordOf(0)), onProject(w.web.id))).header.Get("X-Subject-Token")
	for range 3 {
		r := c.signed(ctx, "/v3/OS-OAUTH1/request_token", signature{
			consumer: w.consume.id, secret: w.consume.sec, extra: map[string]string{"oauth_callback": "oob"},
		}, "", "Requested-Project-Id", w.web.id)
		id, sec := r.form()
		v := c.do(ctx, "PUT", "/v3/OS-OAUTH1/authorize/"+id, adas, fmt.Sprintf(`{"roles":[{"id":%q}]}`, w.names["dev"]))
		w.ready = append(w.ready, exchange{id, sec, text(v.member("token")["oauth_verifier"])})
	}
	x, r := w.exchange(ctx, c)
	if x == nil {
		return fmt.Errorf("exchange a request token: %d %s", r.status, r.text)
	}
	w.access = append(w.access, x)
	trust := func(by string, trustee int, impersonate bool, above ...*delegation) {
		if err != nil {
			return
		}
		var t *delegation
		if t, r = w.trust(ctx, c, by, trustee, impersonate, above...); t == nil {
			err = fmt.Errorf("make a trust: %d %s", r.status, r.text)
			return
		}
		w.trusts = append(w.trusts, t)
	}
	trust(adas, bob, true)
	trust(adas, eve, false)
	if err != nil {
		return err
	}
	bobs := c.do(ctx, "POST", "/v3/auth/tokens", "", auth(byPassword(w.people[bob].id, passwordOf(0)), byTrust(w.trusts[0].id))).header.Get("X-Subject-Token")
	trust(bobs, eve, true, w.trusts[0])
	if err != nil {
		return err
	}
	return w.arrange(ctx, c, adas)
}

// trust delegates ada's role dev.
func (w *world) trust(ctx context.Context, c *client, by string, trustee int, impersonate bool, above ...*delegation) (*delegation, reply) {
	r := c.do(ctx, "POST", "/v3/OS-TRUST/trusts", by, fmt.Sprintf(
		`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"impersonation":%v,"allow_redelegation":true,"redelegation_count":%d,"roles":[{"id":%q}]}}`,
		w.people[ada].id, w.people[trustee].id, w.web.id, impersonate, 3-len(above), w.names["dev"]))
	if r.status != http.StatusCreated {
		return nil, r
	}
	return &delegation{
		object: &object{name: fmt.Sprintf("trust %s of %s", text(r.member("trust")["id"])[:4], people[trustee]), kind: "trust", model: switchModel},
		id:     text(r.member("trust")["id"]), trustor: ada, trustee: trustee, above: above, role: "dev",
	}, r
}

// exchange makes an access token of the next request token.
func (w *world) exchange(ctx context.Context, c *client) (*delegation, reply) {
	e := w.ready[0]
	w.ready = w.ready[1:]
	return w.exchangeOne(ctx, c, e)
}

func (w *world) exchangeOne(ctx context.Context, c *client, e exchange) (*delegation, reply) {
	r := c.signed(ctx, "/v3/OS-OAUTH1/access_token", signature{
		consumer: w.consume.id, secret: w.consume.sec, token: e.id, tokenSecret: e.secret,
		extra: map[string]string{"oauth_verifier": e.verifier},
	}, "")
	if r.status != http.StatusCreated {
		return nil, r
	}
	id, sec := r.form()
	return &delegation{
		object: &object{name: "access token " + id[:4], kind: "access token", model: switchModel},
		id:     id, sec: sec, key: w.consume.id, trustor: ada, trustee: nobody, role: "dev", on: w.consume.object,
	}, r
}

// shown turns the roles that a reply shows into what must have been so.
func (w *world) shown(p *pass, ids []string) (seen []*object, member bool, err error) {
	holder := p.subject
	if p.delegation != nil {
		holder = p.delegation.trustor
	}
	for _, id := range ids {
		role, ok := w.roles[id]
		if !ok {
			return nil, false, fmt.Errorf("shows a role that nobody gave: %s", id)
		}
		seen = append(seen, role)
		name := role.name
		if name == "view" {
			seen, name = append(seen, w.link, w.roles[w.names["dev"]]), "dev"
		}
		grant, ok := w.grants[people[holder]+" "+name]
		if !ok || p.delegation != nil && name != p.delegation.role {
			return nil, false, fmt.Errorf("shows the role %s, which %s never held there", name, people[holder])
		}
		seen = append(seen, grant)
		if holder == cat {
			member = true
		}
	}
	if p.on != nil && len(ids) == 0 {
		return nil, false, fmt.Errorf("shows no role on project %s", p.on.name)
	}
	return seen, member, nil
}

// stands lists the switches on which a token stands, without roles.
func (w *world) stands(p *pass) (all []*object) {
	all = append(all, p.row)
	if p.chain != nil {
		all = append(all, p.chain)
	}
	all = append(all, w.people[p.subject].domain)
	if p.on != nil {
		all = append(all, p.on.object, p.on.domain)
	}
	if d := p.delegation; d != nil {
		if d.object != nil {
			all = append(all, d.object)
		}
		if d.on != nil {
			all = append(all, d.on)
		}
		for _, a := range d.above {
			all = append(all, a.object)
		}
	}
	return all
}

// roleObjects are all switches by which a token could lose its roles.
func (w *world) roleObjects(p *pass) (all []*object) {
	if p.on == nil {
		return nil
	}
	for _, r := range w.roles {
		all = append(all, r)
	}
	holder := p.subject
	if p.delegation != nil {
		holder = p.delegation.trustor
	}
	for name, g := range w.grants {
		if strings.HasPrefix(name, people[holder]+" ") {
			all = append(all, g)
		}
	}
	return append(all, w.link)
}

// involved are all people on whom a token stands.
func (p *pass) involved() []int {
	all := append([]int{p.subject}, p.between...)
	if p.other != nobody {
		all = append(all, p.other)
	}
	return all
}

func (d *deployment) administrator(c *client) (string, error) {
	if d.admin == "" {
		body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":"` + adminPassword +
			`"}}},"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`
		r := c.do(context.Background(), "POST", "/v3/auth/tokens", "", body)
		if d.admin = r.header.Get("X-Subject-Token"); d.admin == "" {
			return "", problem.Unauthorized(fmt.Errorf("the administrator: %d %s", r.status, r.text))
		}
	}
	return d.admin, nil
}
