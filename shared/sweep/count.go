package sweep

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"mandate/shared/store"
	"mandate/shared/walk"
)

// Ends is what would end, counted along the walks that a sweep would take.
type Ends struct {
	Domains       int `json:"domains"`
	Projects      int `json:"projects"`
	Users         int `json:"users"`
	Groups        int `json:"groups"`
	Roles         int `json:"roles"`
	Grants        int `json:"grants"`
	Memberships   int `json:"memberships"`
	Credentials   int `json:"credentials"`
	Trusts        int `json:"trusts"`
	Consumers     int `json:"consumers"`
	RequestTokens int `json:"request_tokens"`
	AccessTokens  int `json:"access_tokens"`
	Tokens        int `json:"tokens"` // live ones
	// Exact says that there are no more. Otherwise each number is a lower bound: counting
	// stopped at [CountTo], or a role ended, of which there is no list of grants.
	Exact bool `json:"exact"`
}

// CountTo is where counting stops. It also stops after looking at twice as many lists, an entry
// being a tenth of one, which takes DynamoDB some seconds: what hangs on each of many users
// is in lists of its own, and somebody's tokens for one project are among those for others.
const CountTo = 10_000

func (o Options) countTo() int { return cmp.Or(o.CountTo, CountTo) }

func (o Options) lookAt() int { return 2 * o.countTo() }

// Ends counts what would follow from changes that were not made.
func (s *Sweeper) Ends(ctx context.Context, changes []store.Change) (Ends, error) {
	c := counter{s: s, seen: map[walk.Kill]bool{}}
	c.ends.Exact = true
	for _, change := range changes {
		c.count(append(kills(change), off(change)...))
	}
	for len(c.next) > 0 && !c.full {
		if c.looked >= s.lookAt() {
			c.full = true
		} else if err := c.step(ctx); err != nil {
			return Ends{}, fmt.Errorf("count what would end: %w", err)
		}
	}
	c.ends.Exact = c.ends.Exact && !c.full
	return c.ends, nil
}

// counter goes along the walks of what ends, as many at a time as a sweep does.
type counter struct {
	s      *Sweeper
	ends   Ends
	seen   map[walk.Kill]bool
	next   []walk.Kill // whose walks are still to be gone along
	total  int
	looked int  // lists and tenths of their entries
	full   bool // there may be more
}

// count counts ends, each once.
func (c *counter) count(all []walk.Kill) {
	for _, k := range all {
		same := walk.Kill{Kind: k.Kind, ID: k.ID}
		if c.seen[same] {
			continue
		}
		c.seen[same] = true
		if n := c.number(k.Kind); n != nil {
			if c.total == c.s.countTo() {
				c.full = true
				return
			}
			*n++
			c.total++
		}
		if k.Kind == walk.Role {
			c.ends.Exact = false
		}
		if !leaf[k.Kind] {
			c.next = append(c.next, k)
		}
	}
}

// leaf are the kinds on which nothing hangs.
var leaf = map[walk.Kind]bool{walk.Token: true, walk.Grant: true, walk.Secret: true, walk.Request: true, walk.Role: true}

// step goes along the walks of some ends.
func (c *counter) step(ctx context.Context) error {
	some := c.next[:min(len(c.next), c.s.Abreast)]
	c.next = c.next[len(some):]
	views := make([]view, len(some))
	var group sync.WaitGroup
	for n, k := range some {
		group.Go(func() { views[n] = c.s.look(ctx, k, c.s.countTo()-c.total) })
	}
	group.Wait()
	for _, v := range views {
		if v.err != nil {
			return v.err
		}
		c.looked += v.looked
		c.full = c.full || v.full
		c.count(v.found)
	}
	return nil
}

// view is what hangs on one end: of each list no more than one over what was asked for.
type view struct {
	found  []walk.Kill
	looked int
	full   bool // there is more
	err    error
}

func (s *Sweeper) look(ctx context.Context, k walk.Kill, most int) (v view) {
	walks, err := s.counted(ctx, k)
	if err != nil {
		return view{err: err}
	}
	for _, w := range walks {
		if w.Ends == nil {
			continue
		}
		for r, found := w.Range, 0; ; {
			p, err := s.Table.Query(ctx, r)
			if err != nil {
				return view{err: err}
			}
			v.looked += 1 + len(p.Entries)/10
			for _, e := range p.Entries {
				if ended, ok := w.Ends(e); ok {
					v.found = append(v.found, ended)
					found++
				}
			}
			if p.Next == "" {
				break
			}
			if found > most || v.looked > s.lookAt() {
				v.full = true
				break
			}
			r.After = p.Next
		}
	}
	return v
}

func (c *counter) number(kind walk.Kind) *int {
	return map[walk.Kind]*int{
		walk.Domain: &c.ends.Domains, walk.Project: &c.ends.Projects, walk.User: &c.ends.Users, walk.Group: &c.ends.Groups,
		walk.Role: &c.ends.Roles, walk.Grant: &c.ends.Grants, walk.Member: &c.ends.Memberships, walk.Secret: &c.ends.Credentials,
		walk.Trust: &c.ends.Trusts, walk.Consumer: &c.ends.Consumers, walk.Request: &c.ends.RequestTokens,
		walk.Access: &c.ends.AccessTokens, walk.Token: &c.ends.Tokens,
	}[kind]
}
