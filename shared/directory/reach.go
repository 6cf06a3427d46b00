package directory

import (
	"context"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Reach is where a user holds at least one effective role now: by herself, through a
// group, inherited from above, or implied.
type Reach struct {
	Projects []Project // enabled or not, in the order of their names
	Domains  []Domain
	System   bool
}

// ReachOf says which kinds of target to look for.
type ReachOf struct{ Projects, Domains, System bool }

// Reach finds where a user holds roles. Its cost grows with the number of her grants
// and of the projects that she inherits roles to, not with the directory.
func (d *Directory) Reach(ctx context.Context, rs *store.ReadSet, u User, of ReachOf) (Reach, error) {
	held, err := d.held(ctx, rs, u)
	if err != nil {
		return Reach{}, err
	}
	var reach Reach
	var projects, domains []string
	seen := map[string]bool{}
	add := func(p Project) {
		if !seen[p.ID] {
			seen[p.ID] = true
			reach.Projects = append(reach.Projects, p)
		}
	}
	for _, a := range held {
		switch {
		case a.Target.Inherited && of.Projects:
			below, err := d.Subtree(ctx, store.Target{Kind: a.Target.Kind, ID: a.Target.ID})
			if err != nil {
				return Reach{}, err
			}
			for _, p := range below {
				add(p)
			}
		case a.Target.Inherited:
		case a.Target.Kind == store.KindProject:
			projects = append(projects, a.Target.ID)
		case a.Target.Kind == store.KindDomain:
			domains = append(domains, a.Target.ID)
		case a.Target.Kind == store.KindSystem:
			reach.System = true
		}
	}
	if of.Projects {
		direct, err := byID(ctx, d, projectsByName, slices.Compact(slices.Sorted(slices.Values(projects))))
		if err != nil {
			return Reach{}, err
		}
		for _, p := range direct {
			add(p)
		}
		if reach.Projects, err = present(ctx, rs, reach.Projects); err != nil {
			return Reach{}, err
		}
		slices.SortFunc(reach.Projects, func(a, b Project) int { return compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	}
	if of.Domains {
		reach.Domains, err = byID(ctx, d, domainsByName, slices.Compact(slices.Sorted(slices.Values(domains))))
		slices.SortFunc(reach.Domains, func(a, b Domain) int { return compare(a.Name, b.Name) })
	}
	return reach, err
}

// present leaves out projects of deleted domains.
func present(ctx context.Context, rs *store.ReadSet, projects []Project) ([]Project, error) {
	var kept []Project
	err := rs.Settle(ctx, func() error {
		kept = make([]Project, 0, len(projects))
		pending := false
		for _, p := range projects {
			switch err := within(rs, p.DomainID, "project", p.ID); {
			case err == nil:
				kept = append(kept, p)
			case err == store.ErrPending: //nolint:errorlint // passes return it bare
				pending = true
			case !problem.Is(err, problem.KindNotFound):
				return err
			}
		}
		if pending {
			return store.ErrPending
		}
		return nil
	})
	return kept, err
}

// held lists the grants of a user and of her groups that carry a role which tokens show.
func (d *Directory) held(ctx context.Context, rs *store.ReadSet, u User) ([]Assignment, error) {
	var roles *Roles
	var head Head
	err := rs.Settle(ctx, func() error {
		var err error
		if head, err = ReadHead(rs); err != nil {
			return err
		}
		roles, err = d.registry.Roles(rs)
		return err
	})
	if err != nil {
		return nil, err
	}
	actors := []store.Actor{store.UserActor(u.ID)}
	for _, g := range u.Groups {
		if !head.GoneGroups.Has(g) {
			actors = append(actors, store.GroupActor(g))
		}
	}
	all, err := collect(ctx, actors, d.of)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a Assignment) bool {
		return len(roles.Visible(roles.Closure(a.Roles...))) == 0
	}), nil
}
