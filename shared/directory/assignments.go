package directory

import (
	"context"
	"slices"

	"mandate/shared/store"
)

// AssignmentFilter says which assignments are wanted; all given parts must hold (D-141).
type AssignmentFilter struct {
	UserID, GroupID, RoleID string
	ProjectID, DomainID     string
	System                  bool
	Inherited               bool // only inherited ones
	Effective               bool // groups to users, inherited to projects, implied roles (D-142)
	Subtree                 bool // with ProjectID: also what is below it (D-147)
}

// Holding is one role of one actor on one target. In an effective list Origin is the
// grant that it comes from and Prior the role that implies it.
type Holding struct {
	Actor  store.Actor
	Target store.Target
	RoleID string
	Origin Origin
}

// Origin is the grant that gives a role.
type Origin struct {
	Actor  store.Actor
	Target store.Target
	RoleID string
}

// Holdings is a list of assignments with all that it names.
type Holdings struct {
	List     []Holding
	Roles    *Roles
	Users    map[string]User
	Groups   map[string]Group
	Projects map[string]Project
	Domains  map[string]Domain
}

// Assignments lists who holds which role on what. What stands on something that is gone
// is left out, swept or not.
func (d *Directory) Assignments(ctx context.Context, rs *store.ReadSet, f AssignmentFilter) (Holdings, error) {
	h := Holdings{Users: map[string]User{}, Groups: map[string]Group{}, Projects: map[string]Project{}, Domains: map[string]Domain{}}
	err := rs.Settle(ctx, func() (err error) {
		h.Roles, err = d.registry.Roles(rs)
		return err
	})
	if err != nil {
		return h, err
	}
	tree, err := d.tree(ctx, f)
	if err != nil {
		return h, err
	}
	found, err := d.candidates(ctx, f, tree)
	if err != nil {
		return h, err
	}
	if err := d.load(ctx, &h, found); err != nil {
		return h, err
	}
	found = slices.DeleteFunc(found, func(a Assignment) bool { return !h.knows(a) })
	if f.Effective {
		h.List, err = d.expand(ctx, &h, found, f)
	} else {
		h.List = literal(found, h.Roles)
	}
	h.List = slices.DeleteFunc(h.List, func(e Holding) bool { return !f.matches(e, tree) })
	return h, err
}

// tree is the ids of the projects that a filter on a project lets through.
func (d *Directory) tree(ctx context.Context, f AssignmentFilter) (map[string]bool, error) {
	if f.ProjectID == "" {
		return nil, nil
	}
	ids := map[string]bool{f.ProjectID: true}
	if !f.Subtree {
		return ids, nil
	}
	below, err := d.Subtree(ctx, store.OnProject(f.ProjectID))
	for _, p := range below {
		ids[p.ID] = true
	}
	return ids, err
}

func (f AssignmentFilter) matches(e Holding, tree map[string]bool) bool {
	inherited := e.Target.Inherited || e.Origin.Target.Inherited
	switch {
	case f.UserID != "" && e.Actor != store.UserActor(f.UserID),
		f.GroupID != "" && e.Actor != store.GroupActor(f.GroupID),
		f.RoleID != "" && e.RoleID != f.RoleID,
		f.ProjectID != "" && (e.Target.Kind != store.KindProject || !tree[e.Target.ID]),
		f.DomainID != "" && (e.Target.Kind != store.KindDomain || e.Target.ID != f.DomainID),
		f.System && e.Target.Kind != store.KindSystem,
		f.Inherited && !inherited:
		return false
	}
	return true
}

// candidates reads the smallest run of grants that holds everything a filter can let through.
func (d *Directory) candidates(ctx context.Context, f AssignmentFilter, tree map[string]bool) ([]Assignment, error) {
	switch {
	case f.UserID != "" && !f.Effective:
		return d.of(ctx, store.UserActor(f.UserID))
	case f.UserID != "":
		items, err := d.read(ctx, []store.Key{store.User(f.UserID)})
		if err != nil {
			return nil, err
		}
		actors := []store.Actor{store.UserActor(f.UserID)}
		for _, g := range UserFrom(items[store.User(f.UserID)]).Groups {
			actors = append(actors, store.GroupActor(g))
		}
		return collect(ctx, actors, d.of)
	case f.GroupID != "":
		return d.of(ctx, store.GroupActor(f.GroupID))
	case f.System:
		return d.on(ctx, store.OnSystem())
	case f.DomainID != "":
		return d.on(ctx, store.OnDomain(f.DomainID))
	}
	targets, err := d.targets(ctx, f, tree)
	if err != nil {
		return nil, err
	}
	return collect(ctx, targets, d.on)
}

// targets lists where grants can be that a filter without an actor lets through: on the
// projects asked for and, inherited, on what is above them; or everywhere.
func (d *Directory) targets(ctx context.Context, f AssignmentFilter, tree map[string]bool) ([]store.Target, error) {
	if f.ProjectID == "" {
		targets := []store.Target{store.OnSystem()}
		domains, err := d.partitions(ctx, false, "")
		if err != nil {
			return nil, err
		}
		for _, id := range domains {
			targets = append(targets, store.OnDomain(id))
		}
		below, err := collect(ctx, domains, func(ctx context.Context, id string) ([]store.Target, error) {
			var projects []store.Target
			err := along(ctx, d.table, store.Partition(store.ProjectName(id, "")), func(e store.Entry) error {
				projects = append(projects, store.OnProject(e.Item.Str(attrID)))
				return nil
			})
			return projects, err
		})
		return append(targets, below...), err
	}
	items, err := d.read(ctx, []store.Key{store.Project(f.ProjectID)})
	if err != nil || len(items) == 0 {
		return nil, err
	}
	var targets []store.Target
	for id := range tree {
		targets = append(targets, store.OnProject(id))
	}
	if f.Effective {
		targets = append(targets, ProjectFrom(items[store.Project(f.ProjectID)]).Above()...)
	}
	return targets, nil
}

// load reads all actors and targets that are named.
func (d *Directory) load(ctx context.Context, h *Holdings, found []Assignment) error {
	keys := make([]store.Key, 0, 2*len(found))
	for _, a := range found {
		keys = append(keys, actorKey(a.Actor))
		if k, ok := targetKey(a.Target); ok {
			keys = append(keys, k)
		}
	}
	items, err := d.read(ctx, distinct(keys))
	if err != nil {
		return err
	}
	for _, i := range items {
		switch i.Str(store.AttrType) {
		case "user":
			h.Users[i.Str(attrID)] = UserFrom(i)
		case "group":
			h.Groups[i.Str(attrID)] = GroupFrom(i)
		case "project":
			h.Projects[i.Str(attrID)] = ProjectFrom(i)
		case "domain":
			h.Domains[i.Str(attrID)] = DomainFrom(i)
		}
	}
	return nil
}

func (h *Holdings) knows(a Assignment) bool {
	ok := true
	if a.Actor.Kind == store.KindUser {
		_, ok = h.Users[a.Actor.ID]
	} else {
		_, ok = h.Groups[a.Actor.ID]
	}
	if !ok {
		return false
	}
	switch a.Target.Kind {
	case store.KindProject:
		_, ok = h.Projects[a.Target.ID]
	case store.KindDomain:
		_, ok = h.Domains[a.Target.ID]
	}
	return ok
}

func literal(found []Assignment, roles *Roles) []Holding {
	var list []Holding
	for _, a := range found {
		for _, id := range a.Roles {
			if _, ok := roles.Get(id); ok {
				list = append(list, Holding{a.Actor, a.Target, id, Origin{a.Actor, a.Target, id}})
			}
		}
	}
	return list
}

// expand turns grants into what users effectively hold: groups to their members,
// inherited grants to the projects below, roles to what they imply (D-142).
func (d *Directory) expand(ctx context.Context, h *Holdings, found []Assignment, f AssignmentFilter) ([]Holding, error) {
	members := map[string][]User{}
	below := map[store.Target][]Project{}
	var list []Holding
	seen := map[Holding]bool{}
	for _, a := range found {
		users := []store.Actor{a.Actor}
		if a.Actor.Kind == store.KindGroup {
			users = nil
			if _, ok := members[a.Actor.ID]; !ok {
				var err error
				if members[a.Actor.ID], err = d.Members(ctx, a.Actor.ID); err != nil {
					return nil, err
				}
			}
			for _, u := range members[a.Actor.ID] {
				h.Users[u.ID] = u
				users = append(users, store.UserActor(u.ID))
			}
		}
		targets := []store.Target{a.Target}
		if a.Target.Inherited {
			targets = nil
			if _, ok := below[a.Target]; !ok {
				var err error
				if below[a.Target], err = d.Subtree(ctx, store.Target{Kind: a.Target.Kind, ID: a.Target.ID}); err != nil {
					return nil, err
				}
			}
			for _, p := range below[a.Target] {
				h.Projects[p.ID] = p
				targets = append(targets, store.OnProject(p.ID))
			}
		}
		for _, granted := range a.Roles {
			for _, role := range h.Roles.Visible(h.Roles.Closure(granted)) {
				for _, u := range users {
					if f.UserID != "" && u.ID != f.UserID {
						continue
					}
					for _, t := range targets {
						e := Holding{u, t, role.ID, Origin{a.Actor, a.Target, granted}}
						if !seen[e] {
							seen[e] = true
							list = append(list, e)
						}
					}
				}
			}
		}
	}
	return list, nil
}

// DomainOf is the domain that a target belongs to; "" for the system.
func (h Holdings) DomainOf(t store.Target) string {
	switch t.Kind {
	case store.KindProject:
		return h.Projects[t.ID].DomainID
	case store.KindDomain:
		return t.ID
	default:
		return ""
	}
}

// Named is names by id.
type Named map[string]string

// NameDomains reads the names of all domains that assignments mention.
func (d *Directory) NameDomains(ctx context.Context, h Holdings) (Named, error) {
	var keys []store.Key
	for _, u := range h.Users {
		keys = append(keys, store.Domain(u.DomainID))
	}
	for _, g := range h.Groups {
		keys = append(keys, store.Domain(g.DomainID))
	}
	for _, p := range h.Projects {
		keys = append(keys, store.Domain(p.DomainID))
	}
	for _, r := range h.Roles.All() {
		if r.DomainID != "" {
			keys = append(keys, store.Domain(r.DomainID))
		}
	}
	items, err := d.read(ctx, distinct(keys))
	if err != nil {
		return nil, err
	}
	names := make(Named, len(items))
	for _, i := range items {
		names[i.Str(attrID)] = i.Str(attrName)
	}
	return names, nil
}
