package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
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
	// stopped at [CountTo], or something ended of whose tokens there is no list.
	Exact bool `json:"exact"`
}

// CountTo is where counting stops.
const CountTo = 10_000

// Kinds that only stand in counts: what is off, not gone.
const (
	projectOff walk.Kind = "project_off"
	domainOff  walk.Kind = "domain_off"
)

var errEnough = errors.New("counted enough")

// Ends counts what would follow from changes that were not made.
func (s *Sweeper) Ends(ctx context.Context, changes []store.Change) (Ends, error) {
	c := counter{s: s, seen: map[walk.Kill]bool{}}
	c.ends.Exact = true
	for _, change := range changes {
		for _, k := range append(kills(change), off(change)...) {
			if err := c.count(ctx, k); errors.Is(err, errEnough) {
				c.ends.Exact = false
				return c.ends, nil
			} else if err != nil {
				return Ends{}, fmt.Errorf("count what would end: %w", err)
			}
		}
	}
	return c.ends, nil
}

// off are the projects, domains and roles that a change would switch off or take away, of
// whose tokens there is no complete list.
func off(c store.Change) []walk.Kill {
	k := walk.Kill{ID: c.Old.Str("id")}
	switch gone := c.New == nil; c.Old.Str(store.AttrType) {
	case "project":
		k.Kind = projectOff
		if gone || c.Old.Bool(directory.AttrEnabled) && !c.New.Bool(directory.AttrEnabled) {
			return []walk.Kill{k}
		}
	case "domain":
		k.Kind = domainOff
		if gone || c.Old.Bool(directory.AttrEnabled) && !c.New.Bool(directory.AttrEnabled) {
			return []walk.Kill{k}
		}
	case "role":
		if k.Kind = walk.Role; gone {
			return []walk.Kill{k}
		}
	}
	return nil
}

type counter struct {
	s     *Sweeper
	ends  Ends
	seen  map[walk.Kill]bool
	total int
}

// count counts an end and what follows from it, each thing once.
func (c *counter) count(ctx context.Context, k walk.Kill) error {
	same := walk.Kill{Kind: k.Kind, ID: k.ID}
	if c.seen[same] {
		return nil
	}
	c.seen[same] = true
	if n := c.number(k.Kind); n != nil {
		if c.total == CountTo {
			return errEnough
		}
		*n++
		c.total++
	}
	for _, w := range c.walks(k) {
		if w.Ends == nil {
			continue
		}
		r := w.Range
		for {
			p, err := c.s.Table.Query(ctx, r)
			if err != nil {
				return err
			}
			for _, e := range p.Entries {
				ended, ok := w.Ends(e)
				if !ok {
					continue
				}
				if err := c.count(ctx, ended); err != nil {
					return err
				}
			}
			if p.Next == "" {
				break
			}
			r.After = p.Next
		}
	}
	return nil
}

func (c *counter) number(kind walk.Kind) *int {
	return map[walk.Kind]*int{
		walk.Domain: &c.ends.Domains, walk.Project: &c.ends.Projects, walk.User: &c.ends.Users, walk.Group: &c.ends.Groups,
		walk.Role: &c.ends.Roles, walk.Grant: &c.ends.Grants, walk.Member: &c.ends.Memberships, walk.Secret: &c.ends.Credentials,
		walk.Trust: &c.ends.Trusts, walk.Consumer: &c.ends.Consumers, walk.Request: &c.ends.RequestTokens,
		walk.Access: &c.ends.AccessTokens, walk.Token: &c.ends.Tokens,
	}[kind]
}

// walks is the plan of a count: that of the sweep, and for what is off the lists in which
// its tokens are likely to be.
func (c *counter) walks(k walk.Kill) []walk.Walk {
	all := k
	all.Epoch = math.MaxInt64
	switch k.Kind {
	case walk.Member: // who leaves a group loses all her tokens
		all.Kind = walk.Epoch
		return c.s.walks(all)
	case walk.User:
		return c.s.walks(all)
	case walk.Role:
		c.ends.Exact = false
	case walk.Project:
		c.ends.Exact = false
		return append(c.s.walks(k), c.scoped(k.ID)...)
	case projectOff:
		c.ends.Exact = false
		return c.scoped(k.ID)
	case holder:
		user, project, _ := strings.Cut(k.ID, "/")
		return []walk.Walk{c.s.rows(store.Index1, store.ByUser(user), func(r token.Row) bool { return r.Scope.ID == project })}
	case domainOff:
		c.ends.Exact = false
		return c.within(k.ID)
	}
	return c.s.walks(k)
}

func as(kind walk.Kind) func(store.Entry) (walk.Kill, bool) {
	return func(e store.Entry) (walk.Kill, bool) {
		return walk.Kill{Kind: kind, ID: e.Item.Str("id"), Epoch: math.MaxInt64}, true
	}
}

// within are the users and projects of a domain that is off.
func (c *counter) within(domainID string) []walk.Walk {
	return []walk.Walk{
		{Range: store.Partition(store.UserName(domainID, "")), Ends: as(walk.Epoch)},
		{Range: store.Partition(store.ProjectName(domainID, "")), Ends: as(projectOff)},
	}
}

// scoped are the lists of tokens for a project: by trust, by access token, and those of
// users who hold roles on it themselves. A trust or access token for it does not end.
func (c *counter) scoped(projectID string) []walk.Walk {
	return []walk.Walk{
		{Range: store.Prefixed(store.TrustOfProject(projectID, "")), Ends: func(e store.Entry) (walk.Kill, bool) {
			return walk.Kill{Kind: walk.Trustor, ID: trust.From(e.Item).ID, Epoch: math.MaxInt64}, true
		}},
		{Range: store.GrantsOn(store.OnProject(projectID)), Ends: func(e store.Entry) (walk.Kill, bool) {
			a := directory.AssignmentFrom(e.Item)
			return walk.Kill{Kind: holder, ID: a.Actor.ID + "/" + projectID}, a.Actor.Kind == store.KindUser
		}},
	}
}

// holder is a user with a project: her tokens for it.
const holder walk.Kind = "holder"
