package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/anishathalye/porcupine"
)

// A handle is a pre-authentication that ada made for eve. While it is there one trust is
// behind it; a change puts another one there and ends the one before.
type handle struct {
	id     string
	door   *object                // the handle itself: deleted or not
	behind *object                // the trust behind it
	trusts map[string]*delegation // that were seen behind it, by id
	known  map[string]bool        // those of which it is known who put them there
}

// place is what happens to, or is seen of, the trust behind a handle.
type place struct {
	verb  string // "change": this trust is behind it now; "end": this one was deleted; "delete" the handle; "alive"
	trust string // somebody, where nobody knows which
	known bool   // of "end" and "alive": whether it is known who put it there
}

// somebody is the trust that a change of unknown outcome may have put behind a handle.
const somebody = "?"

// placeModel: its state is the id of the trust behind a handle, "" once there is none.
func placeModel(first string) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return first },
		Step: func(state, input, _ any) (bool, any) {
			now, in := state.(string), input.(place)
			there := now == in.trust || now == somebody && !in.known
			switch {
			case in.verb == "alive":
				return there, now
			case in.verb == "delete", in.verb == "end" && there:
				return true, ""
			case in.verb == "change" && now != "":
				return true, in.trust
			}
			return in.verb == "end" || in.trust == somebody, now // nothing was there to be changed
		},
		DescribeOperation: func(input, _ any) string {
			return fmt.Sprintf("%s %.4s", input.(place).verb, input.(place).trust)
		},
		DescribeState: func(state any) string { return fmt.Sprintf("%.4s", state) },
	}
}

// arrange makes the handle.
func (w *world) arrange(ctx context.Context, c *client, by string) error {
	r := c.do(ctx, "POST", "/v3/users/"+w.people[ada].id+"/preauthentications", by, fmt.Sprintf(
		`{"preauthentication":{"trustee_user_id":%q,"project_id":%q,"roles":[{"id":%q}]}}`, w.people[eve].id, w.web.id, w.names["dev"]))
	if r.status != http.StatusCreated {
		return fmt.Errorf("make a pre-authentication: %d %s", r.status, r.text)
	}
	made := r.member("preauthentication")
	first := text(made["trust_id"])
	h := &handle{
		id: text(made["id"]), door: w.object("pre-authentication", "pre-authentication"), behind: w.object("place", "trust behind it"),
		trusts: map[string]*delegation{}, known: map[string]bool{first: true},
	}
	h.behind.model = placeModel(first)
	w.handle = h
	w.trusts = append(w.trusts, h.trust(first))
	return nil
}

// trust is one that was seen behind the handle.
func (h *handle) trust(id string) *delegation {
	if h.trusts[id] == nil {
		h.trusts[id] = &delegation{
			object: &object{name: "trust " + id[:4] + " of eve by pre-authentication", kind: "trust", model: switchModel},
			id:     id, trustor: ada, trustee: eve, role: "dev", on: h.door, handle: h,
		}
	}
	return h.trusts[id]
}

// seen is trust, for one that may be new to the history.
func (h *history) seen(id string) *delegation {
	before := len(h.handle.trusts)
	t := h.handle.trust(id)
	if len(h.handle.trusts) > before {
		h.trusts, h.ends = append(h.trusts, t), append(h.ends, t.object)
	}
	return t
}

// fetch gets eve a token of what was arranged for her.
func (a *actor) fetch(ctx context.Context, p *pass) {
	r := a.c.do(ctx, "POST", "/v3/tokens/trusts/"+a.people[ada].id, p.parent.text, "")
	p.how, p.on = "pre-authentication", a.web
	d := &delegation{object: &object{name: "what ada arranged"}, trustor: ada, trustee: eve, role: "dev", on: a.handle.door}
	var body struct {
		Token struct {
			Trust struct{ ID string } `json:"OS-TRUST:trust"`
		}
	}
	if r.status == http.StatusCreated {
		if err := json.Unmarshal([]byte(r.text), &body); err != nil || body.Token.Trust.ID == "" {
			a.unexpected("a fetched token", r)
			return
		}
		a.mu.Lock()
		d = a.seen(body.Token.Trust.ID)
		a.mu.Unlock()
	}
	p.delegate(d)
	a.issued(p, r)
}

// replaced is where a token could lose its trust to another one.
func (p *pass) replaced() []*object {
	if p.delegation == nil || p.delegation.handle == nil {
		return nil
	}
	return []*object{p.delegation.handle.behind}
}

// adas is a token that ada may use for what is hers alone; nil when there is none.
func (a *actor) adas() *pass {
	return a.anyPass(func(p *pass) bool { return p.subject == ada && p.delegation == nil })
}

func (h *handle) touches(p *pass) bool { return p.delegation != nil && p.delegation.handle == h }

// changeHandle puts another trust behind the handle.
func (a *actor) changeHandle(ctx context.Context) *hit {
	p := a.adas()
	if p == nil {
		return nil
	}
	a.mu.Lock()
	a.fresh++
	body := fmt.Sprintf(`{"preauthentication":{"expires_at":"2099-01-01T00:%02d:%02d.000000Z"}}`, a.fresh/60, a.fresh%60)
	a.mu.Unlock()
	r := a.c.do(ctx, "PATCH", "/v3/users/"+a.people[ada].id+"/preauthentications/"+a.handle.id, p.text, body)
	now := somebody
	if r.status == http.StatusOK {
		now = text(r.member("preauthentication")["trust_id"])
		a.mu.Lock()
		a.handle.known[now] = true
		a.seen(now)
		a.mu.Unlock()
	}
	a.told("change pre-authentication", fmt.Sprintf("by T%d: %.4s", p.n, now), r, a.handle.behind, place{verb: "change", trust: now})
	return &hit{touches: a.handle.touches}
}

func (a *actor) deleteHandle(ctx context.Context) *hit {
	p := a.adas()
	if p == nil {
		return nil
	}
	r := a.c.do(ctx, "DELETE", "/v3/users/"+a.people[ada].id+"/preauthentications/"+a.handle.id, p.text, "")
	a.told("delete pre-authentication", fmt.Sprintf("by T%d", p.n), r, a.handle.door, kill)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note("delete pre-authentication", r, a.handle.behind, place{verb: "delete"})
	return &hit{touches: a.handle.touches}
}

// settle shares out what is known at the end only: who put which trust there.
func (h *handle) settle() {
	for n := range h.behind.ops {
		in := h.behind.ops[n].Input.(place)
		in.known = h.known[in.trust]
		h.behind.ops[n].Input = in
	}
}
