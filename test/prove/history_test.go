package prove

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A history is what some clients did at once in one world, and what they were told.
type history struct {
	*world
	seed    uint64
	weather weather

	budget atomic.Int64 // kills that are left

	mu      sync.Mutex
	passes  []*pass
	lines   []line
	doubts  []doubt
	wrong   []string // what is wrong already
	claimed map[string]int
	fresh   int // passwords so far
	counts  counts
}

// line is an act as people read it.
type line struct {
	call, ret int64
	client    int
	text      string
	status    int
}

// doubt is a refusal: there must have been a reason for it.
type doubt struct {
	what      string
	people    []int
	on        []*object
	call, ret int64
}

// counts are the figures of histories.
type counts struct {
	acts                                       map[string]int
	kills, unknown, valid, dead, refused, over int
}

func (c *counts) add(o counts) {
	if c.acts == nil {
		c.acts = map[string]int{}
	}
	for k, n := range o.acts {
		c.acts[k] += n
	}
	c.kills, c.unknown, c.valid, c.dead, c.refused, c.over = c.kills+o.kills, c.unknown+o.unknown, c.valid+o.valid, c.dead+o.dead, c.refused+o.refused, c.over+o.over
}

// most is how many tokens a history may have: each is a bit of a user's standing.
const most = 64

// actor is a client within a history.
type actor struct {
	*history
	n int
	r *rand.Rand
	c *client
}

// play runs one history and leaves what was seen in its objects.
func play(d *deployment, seed uint64, o options) (*history, error) {
	r := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // G404: a test's choice
	w, err := newWorld(d)
	for n := 1; err != nil && n < attempts; n++ {
		w, err = newWorld(d)
	}
	if err != nil {
		return nil, err
	}
	h := &history{world: w, seed: seed, weather: forecast(r, o), claimed: map[string]int{}}
	h.counts.acts = map[string]int{}
	for _, t := range append(slices.Clone(w.trusts), w.access...) {
		w.ends = append(w.ends, t.object)
	}
	if len(o.kills) > 0 {
		h.weather.Kills = o.kills
	}
	if slices.ContainsFunc(h.weather.Kills, func(kind string) bool { return strings.HasSuffix(kind, "pre-authentication") }) {
		h.weather.Focus = []int{eve, ada} // who fetches, and who changes
	}
	first := &actor{h, 0, rand.New(rand.NewPCG(seed, 100)), newClient(d.serve[0])} //nolint:gosec // G404
	for who := range people {
		for range 2 {
			first.issueFor(context.Background(), who)
		}
	}
	h.budget.Store(1 + int64(r.IntN(6)))
	if h.weather.Storm {
		h.budget.Store(20)
	}
	d.over(&h.weather, r)
	stop := d.stream(d.t.Context(), h.weather, r)
	var group sync.WaitGroup
	for n := range h.weather.Clients {
		random := rand.New(rand.NewPCG(seed, uint64(200+n))) //nolint:gosec // G404, G115: a test's choice
		a := &actor{h, n + 1, random, newClient(d.serve[random.IntN(len(d.serve))])}
		group.Go(func() {
			for range h.weather.Acts {
				a.act()
			}
		})
	}
	group.Wait()
	stop()
	d.over(nil, nil)
	return h, nil
}

// act does something.
func (a *actor) act() {
	a.c = newClient(a.d.serve[a.r.IntN(len(a.d.serve))])
	ctx, cancel := a.hurry()
	defer cancel()
	x := a.r.Float64()
	if a.weather.Storm {
		x /= 2
	}
	switch {
	case x < 0.15 && a.budget.Add(-1) >= 0:
		a.killAndLook(ctx)
	case x < 0.19:
		a.delegateMore(ctx)
	case x < 0.22:
		a.describe(ctx)
	case x < 0.45:
		a.issueFor(ctx, a.someone())
	default:
		a.look(ctx, a.anyPass(nil))
	}
}

// hurry is how long the next request may take: now and then hardly any time.
func (a *actor) hurry() (context.Context, context.CancelFunc) {
	if a.r.Float64() < a.weather.Hurry {
		return context.WithTimeout(context.Background(), time.Duration(500+a.r.IntN(3000))*time.Microsecond)
	}
	return context.WithTimeout(context.Background(), time.Minute)
}

func (a *actor) someone() int {
	if a.r.IntN(10) < 7 {
		return a.weather.Focus[a.r.IntN(2)]
	}
	return a.r.IntN(len(people))
}

// anyPass is a token, of those that fit if there are any; nil when there is none at all.
func (a *actor) anyPass(fits func(*pass) bool) *pass {
	a.mu.Lock()
	defer a.mu.Unlock()
	if fits == nil {
		who := a.someone()
		fits = func(p *pass) bool { return slices.Contains(p.involved(), who) }
	}
	var some []*pass
	for _, p := range a.passes {
		if fits(p) {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[a.r.IntN(len(some))]
}

// report notes an act for people and figures.
func (a *actor) report(kind, text string, r reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.acts[kind]++
	a.lines = append(a.lines, line{r.call, r.ret, a.n, kind + " " + text, r.status})
	if r.status == http.StatusServiceUnavailable {
		a.counts.unknown++
	}
}

func (a *actor) unexpected(kind string, r reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrong = append(a.wrong, fmt.Sprintf("%s is answered %d: %s", kind, r.status, r.text))
}

// ── issuing ──────────────────────────────────────────────────────────────────────────

// issueFor gets a token for a person by one of her ways.
func (a *actor) issueFor(ctx context.Context, who int) {
	a.mu.Lock()
	full := len(a.passes) >= most-a.weather.Clients-2
	trusts, access, password := slices.Clone(a.trusts), slices.Clone(a.access), a.people[who].password()
	a.mu.Unlock()
	if full {
		return
	}
	if password > 0 && a.r.IntN(3) == 0 {
		password = a.r.IntN(password) // an old one
	}
	p := &pass{subject: who, other: nobody, password: password}
	own := func(q *pass) bool { return q.subject == who && q.delegation == nil && !q.v2 }
	identity := byPassword(a.people[who].id, passwordOf(password))
	p.how = "password"
	if a.r.IntN(3) == 0 && who != cat {
		if q := a.anyPass(own); q != nil {
			identity, p.how, p.parent, p.password = byToken(q.text), "token", q, anyPassword
		}
	}
	scope := ""
	switch who {
	case ada:
		switch {
		case len(access) > 0 && p.how == "password" && a.r.IntN(3) == 0:
			a.byAccess(ctx, p, access[a.r.IntN(len(access))])
			return
		case p.how == "token" || a.r.IntN(3) > 0:
			p.on = a.web
		}
	case bob, eve:
		if who == eve && p.how == "token" && a.r.IntN(2) == 0 {
			a.fetch(ctx, p)
			return
		}
		given := slices.DeleteFunc(trusts, func(t *delegation) bool { return t.trustee != who })
		if (p.how == "token" || a.r.IntN(3) > 0) && len(given) > 0 {
			p.delegate(given[a.r.IntN(len(given))])
			p.on, scope = a.web, byTrust(p.delegation.id)
		}
	case cat:
		p.on = a.lab
	case ira:
		p.on = []*project{a.web, a.lab}[a.r.IntN(2)]
	case vic:
		if a.r.IntN(2) == 0 {
			a.byV2(ctx, p)
			return
		}
		if p.how == "token" || a.r.IntN(2) == 0 {
			p.on = a.old
		}
	}
	if p.on != nil && scope == "" {
		scope = onProject(p.on.id)
	}
	path := "/v3/auth/tokens?nocatalog"
	r := a.c.do(ctx, "POST", path, "", auth(identity, scope))
	a.issued(p, r)
}

// delegate makes a token one of a trust.
func (p *pass) delegate(t *delegation) {
	p.delegation, p.other = t, t.trustor
	for _, up := range t.above {
		if up.trustee != p.subject && up.trustee != t.trustor && !slices.Contains(p.between, up.trustee) {
			p.between = append(p.between, up.trustee)
		}
	}
}

func (a *actor) byAccess(ctx context.Context, p *pass, x *delegation) {
	p.how, p.password, p.on, p.delegation = "oauth1", anyPassword, a.web, x
	r := a.c.signed(ctx, "/v3/auth/tokens", signature{consumer: x.key, secret: a.consume.sec, token: x.id, tokenSecret: x.sec}, auth(byOAuth1, ""))
	a.issued(p, r)
}

func (a *actor) byV2(ctx context.Context, p *pass) {
	p.v2, p.on = true, a.old
	body := fmt.Sprintf(`{"auth":{"passwordCredentials":{"userId":%q,"password":%q},"tenantId":%q}}`, a.people[vic].id, passwordOf(p.password), a.old.id)
	if p.how == "token" {
		body = fmt.Sprintf(`{"auth":{"token":{"id":%q},"tenantId":%q}}`, p.parent.text, a.old.id)
	}
	p.how = "v2.0 " + p.how
	a.issued(p, a.c.do(ctx, "POST", "/v2.0/tokens", "", body))
}

// issued notes what came of asking for a token.
func (a *actor) issued(p *pass, r reply) {
	text := fmt.Sprintf("for %s", people[p.subject])
	if p.delegation != nil {
		text += " by " + p.delegation.name
	}
	if p.password != anyPassword {
		text += fmt.Sprintf(" with password %d", p.password)
	}
	switch {
	case r.status == http.StatusCreated || p.v2 && r.status == http.StatusOK:
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, r.status):
		a.report("issue by "+p.how, text, r)
		a.mu.Lock()
		on := a.stands(&pass{subject: p.subject, on: p.on, delegation: p.delegation, row: a.domain})
		if p.parent != nil {
			on = append(on, a.stands(p.parent)...)
		}
		on = append(on, p.replaced()...)
		a.doubts = append(a.doubts, doubt{
			"issue by " + p.how + " " + text, p.involved(), append(on, a.roleObjects(p)...), r.call, r.ret,
		})
		a.counts.refused++
		a.mu.Unlock()
		return
	case r.status == http.StatusServiceUnavailable:
		a.report("issue by "+p.how, text, r)
		return
	default:
		a.unexpected("issue by "+p.how+" "+text, r)
		return
	}
	var ids []string
	var err error
	if p.v2 {
		p.text, ids, err = a.readV2(r)
	} else if ids, err = r.roles(); err == nil {
		p.text = r.header.Get("X-Subject-Token")
	}
	a.mu.Lock()
	p.n, p.call, p.ret = len(a.passes), r.call, r.ret
	p.row = a.object("token", fmt.Sprintf("T%d", p.n))
	if p.parent == nil {
		p.tail = a.object("chain", fmt.Sprintf("chain of T%d", p.n))
	} else if p.chain = p.parent.tail; p.chain == nil {
		p.chain = p.parent.chain
	}
	if err == nil {
		err = a.evidence(a.n, p, r, ids, true, "issue")
	}
	a.passes = append(a.passes, p)
	if err != nil {
		a.wrong = append(a.wrong, fmt.Sprintf("T%d %v", p.n, err))
	}
	a.mu.Unlock()
	a.report("issue by "+p.how, fmt.Sprintf("%s: T%d", text, p.n), r)
}

func (a *actor) readV2(r reply) (token string, ids []string, err error) {
	token, names, err := r.accessV2()
	for _, n := range names {
		name, _, _ := strings.Cut(n, "-")
		ids = append(ids, a.names[name])
	}
	return token, ids, err
}

// evidence notes that a token was seen alive, on every object that it stands on. Only
// where roles were shown are they looked at.
func (h *history) evidence(client int, p *pass, r reply, ids []string, shown bool, what string) error {
	note := func(o *object, input any) { o.note(client, input, r.call, r.ret) }
	var seen []*object
	member := false
	if shown {
		var err error
		if seen, member, err = h.shown(p, ids); err != nil {
			return err
		}
	}
	if what == "issue" {
		if p.parent != nil {
			seen = append(seen, h.stands(p.parent)...)
		}
	} else {
		p.seen = append(p.seen, [2]int64{r.call, r.ret})
		seen = append(seen, p.row)
	}
	for _, o := range h.stands(p) {
		if o != p.row {
			seen = append(seen, o)
		}
	}
	slices.SortFunc(seen, func(a, b *object) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	for _, o := range slices.Compact(seen) {
		note(o, alive)
	}
	for _, o := range p.replaced() {
		note(o, place{verb: "alive", trust: p.delegation.id})
	}
	d := verb(what)
	d.token, d.member = p.n, member
	for _, n := range p.between {
		note(h.people[n].object, verb("alive"))
	}
	if p.other != nobody && p.other != p.subject {
		note(h.people[p.other].object, d)
	}
	if what == "issue" {
		d.password = p.password
		if p.parent != nil {
			d.parent = p.parent.n
		}
	}
	note(h.people[p.subject].object, d)
	return nil
}

// ── looking ──────────────────────────────────────────────────────────────────────────

// look validates a token, by itself or as the administrator.
func (a *actor) look(ctx context.Context, p *pass) {
	if p == nil {
		return
	}
	admin, shown := a.d.admin, true
	dead := http.StatusNotFound
	var r reply
	kind := "validate as subject"
	switch x := a.r.IntN(10); {
	case p.v2 && x < 6:
		kind = "validate by v2.0"
		r = a.c.do(ctx, "GET", "/v2.0/tokens/"+p.text, admin, "")
	case x < 2 && p.delegation == nil:
		kind, dead = "validate as caller", http.StatusUnauthorized
		r = a.c.do(ctx, "GET", "/v3/auth/tokens?nocatalog", p.text, "", "X-Subject-Token", p.text)
	case x < 3:
		kind, dead, shown = "call with", http.StatusUnauthorized, false
		r = a.c.do(ctx, "GET", "/v3/regions", p.text, "")
	case x < 4:
		kind, shown = "check", false
		r = a.c.do(ctx, "HEAD", "/v3/auth/tokens", admin, "", "X-Subject-Token", p.text)
	default:
		r = a.c.do(ctx, "GET", "/v3/auth/tokens?nocatalog", admin, "", "X-Subject-Token", p.text)
	}
	name := fmt.Sprintf("T%d", p.n)
	a.report(kind, name, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.status {
	case http.StatusOK:
		a.counts.valid++
		var ids []string
		var err error
		switch {
		case !shown:
		case kind == "validate by v2.0":
			_, ids, err = a.readV2(r)
		default:
			ids, err = r.roles()
		}
		if err == nil {
			err = a.evidence(a.n, p, r, ids, shown, "alive")
		}
		if err != nil {
			a.wrong = append(a.wrong, fmt.Sprintf("%s %v", name, err))
		}
	case dead:
		a.counts.dead++
		a.doubts = append(a.doubts, doubt{kind + " " + name, p.involved(), append(append(a.stands(p), p.replaced()...), a.roleObjects(p)...), r.call, r.ret})
	case http.StatusServiceUnavailable:
	default:
		a.wrong = append(a.wrong, fmt.Sprintf("%s %s is answered %d: %s", kind, name, r.status, r.text))
	}
}

// describe changes what has nothing to do with tokens: such a write must undo nothing.
func (a *actor) describe(ctx context.Context) {
	who := a.someone()
	r := a.patchUser(ctx, who, fmt.Sprintf(`"description":"the %dth"`, a.r.IntN(1000)))
	a.report("describe", people[who], r)
}

// delegateMore makes a trust out of a trust, or an access token of a request token.
func (a *actor) delegateMore(ctx context.Context) {
	if a.r.IntN(3) == 0 {
		e := a.ready[a.r.IntN(len(a.ready))]
		x, r := a.exchangeOne(ctx, a.c, e)
		a.report("exchange", e.id[:4], r)
		if x == nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.claimed[e.id]++; a.claimed[e.id] > 1 {
			a.wrong = append(a.wrong, "a request token is exchanged twice")
		}
		a.consume.note(a.n, alive, r.call, r.ret)
		a.access, a.ends = append(a.access, x), append(a.ends, x.object)
		return
	}
	p := a.anyPass(func(p *pass) bool { return p.delegation != nil && p.subject == bob && p.delegation.on == nil })
	if p == nil {
		return
	}
	t, r := a.trust(ctx, a.c, p.text, eve, true, append(slices.Clone(p.delegation.above), p.delegation)...)
	a.report("redelegate", fmt.Sprintf("by T%d", p.n), r)
	if t == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.evidence(a.n, p, r, nil, false, "alive"); err != nil {
		a.wrong = append(a.wrong, err.Error())
	}
	a.trusts, a.ends = append(a.trusts, t), append(a.ends, t.object)
}

// killAndLook ends something, and looks at what it ended; then maybe takes it back.
func (a *actor) killAndLook(ctx context.Context) {
	hit := kills[a.weather.Kills[a.r.IntN(len(a.weather.Kills))]](a, ctx)
	if hit == nil {
		return
	}
	look := func() {
		for range 1 + a.r.IntN(2) {
			ctx, cancel := a.hurry()
			a.c = newClient(a.d.serve[a.r.IntN(len(a.d.serve))])
			a.look(ctx, a.anyPass(hit.touches))
			cancel()
		}
	}
	look()
	if hit.revive != nil && a.r.IntN(2) == 0 {
		hit.revive(ctx)
		look()
	}
}
