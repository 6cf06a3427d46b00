package sweep

import (
	"context"
	"fmt"
	"math"
	"strings"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
	"mandate/shared/walk"
)

// Kinds that only stand in counts: what is off and not gone, and where tokens are looked for.
const (
	userOff    walk.Kind = "user_off"
	projectOff walk.Kind = "project_off"
	domainOff  walk.Kind = "domain_off"
	trustOff   walk.Kind = "trust_off" // the tokens of a trust and of all that was redelegated from it
	holder     walk.Kind = "holder"    // tokens of a user for a target: "user/KIND#target"
	crowd      walk.Kind = "crowd"     // tokens of a group's members for it: "group/KIND#target"
)

// off are the users, projects, domains and roles that a change would switch off, or take
// away where a sweep does not follow them.
func off(c store.Change) []walk.Kill {
	kind, offs := c.Old.Str(store.AttrType), map[string]walk.Kind{"user": userOff, "project": projectOff, "domain": domainOff}
	k := walk.Kill{Kind: offs[kind], ID: c.Old.Str("id")}
	switch {
	case k.Kind != "" && c.New != nil && c.Old.Bool(directory.AttrEnabled) && !c.New.Bool(directory.AttrEnabled):
		return []walk.Kill{k}
	case kind == "role" && c.New == nil:
		return []walk.Kill{{Kind: walk.Role, ID: k.ID}}
	}
	return nil
}

// counted is the plan of a count: that of the sweep, and besides the lists of tokens that a
// sweep leaves alone, since they are dead by what they stand on.
//
// There is no list of the tokens for a project or domain. But whoever has one that is alive
// holds roles there now, herself, by a group or from above, or has it by a trust about it:
// among their tokens all of them are found.
func (s *Sweeper) counted(ctx context.Context, k walk.Kill) ([]walk.Walk, error) {
	k.Epoch = math.MaxInt64 // whatever there is now
	walks := s.walks(k)
	switch k.Kind {
	case walk.Member: // who leaves a group loses all her tokens
		return s.counted(ctx, walk.Kill{Kind: walk.Epoch, ID: k.ID})
	case walk.Epoch:
		return append(walks, listed(store.TrustOfTrustee(k.ID, ""), walk.Trustor)), nil
	case userOff:
		return append(s.walks(walk.Kill{Kind: walk.Epoch, ID: k.ID, Epoch: k.Epoch}), listed(store.TrustOfTrustee(k.ID, ""), trustOff)), nil
	case trustOff:
		return append(s.walks(walk.Kill{Kind: walk.Trustor, ID: k.ID, Epoch: k.Epoch}), walk.Walk{
			Range: store.Prefixed(store.TrustChild(k.ID, "")),
			Ends: func(e store.Entry) (walk.Kill, bool) {
				t := trust.From(e.Item)
				return walk.Kill{Kind: trustOff, ID: t.ID}, t.ParentID == k.ID
			},
		}), nil
	case projectOff:
		walks = append(walks, listed(store.TrustOfProject(k.ID, ""), walk.Trustor))
		fallthrough
	case walk.Project:
		return s.holders(ctx, walks, k.ID)
	case domainOff:
		walks = append(walks, named(store.UserName(k.ID, ""), userOff), named(store.ProjectName(k.ID, ""), projectOff))
		fallthrough
	case walk.Domain:
		on := store.OnDomain(k.ID)
		return append(walks, held(store.GrantsOn(on), on)), nil
	case holder:
		user, target, _ := strings.Cut(k.ID, "/")
		return append(walks, s.rows(store.Index1, store.ByUser(user), func(r token.Row) bool {
			on, scoped := r.Scope.Target()
			return scoped && nameOf(on) == target
		})), nil
	case crowd:
		group, target, _ := strings.Cut(k.ID, "/")
		return append(walks, walk.Walk{Range: store.Prefixed(store.Member(group, "")), Ends: func(e store.Entry) (walk.Kill, bool) {
			return walk.Kill{Kind: holder, ID: e.Item.Str("id") + "/" + target}, true
		}}), nil
	}
	return walks, nil
}

func nameOf(t store.Target) string { return t.Kind + "#" + t.ID }

// listed are trusts that do not end, whose tokens do.
func listed(list store.Key, kind walk.Kind) walk.Walk {
	return walk.Walk{Range: store.Prefixed(list), Ends: func(e store.Entry) (walk.Kill, bool) {
		return walk.Kill{Kind: kind, ID: trust.From(e.Item).ID}, true
	}}
}

// named is what is of a kind in a domain.
func named(list store.Key, kind walk.Kind) walk.Walk {
	return walk.Walk{Range: store.Partition(list), Ends: func(e store.Entry) (walk.Kill, bool) {
		return walk.Kill{Kind: kind, ID: e.Item.Str("id")}, true
	}}
}

// holders are those who hold roles on a project: there, or on what is above it.
func (s *Sweeper) holders(ctx context.Context, walks []walk.Walk, projectID string) ([]walk.Walk, error) {
	k, on := store.Project(projectID), store.OnProject(projectID)
	items, err := s.Table.Read(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("read project %s: %w", projectID, err)
	}
	walks = append(walks, held(store.GrantsOn(on), on))
	if items[k] == nil {
		return walks, nil
	}
	for _, above := range directory.ProjectFrom(items[k]).Above() {
		walks = append(walks, held(store.GrantsOn(above), on))
	}
	return walks, nil
}

// held are those who hold, by the grants of a list, roles on a target.
func held(grants store.Range, on store.Target) walk.Walk {
	return walk.Walk{Range: grants, Ends: func(e store.Entry) (walk.Kill, bool) {
		g := directory.AssignmentFrom(e.Item)
		k := walk.Kill{Kind: holder, ID: g.Actor.ID + "/" + nameOf(on)}
		if g.Actor.Kind == store.KindGroup {
			k.Kind = crowd
		}
		return k, g.Target.Inherited != (g.Target.Kind == on.Kind && g.Target.ID == on.ID)
	}}
}
