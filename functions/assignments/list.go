package assignments

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// named is something with its id and, with include_names, its name and domain.
type named struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitzero"`
	Domain *named `json:"domain,omitzero"`
}

type scope struct {
	Project   *named          `json:"project,omitzero"`
	Domain    *named          `json:"domain,omitzero"`
	System    map[string]bool `json:"system,omitzero"`
	Inherited string          `json:"OS-INHERIT:inherited_to,omitzero"`
}

type links struct {
	Assignment string `json:"assignment"`
	Membership string `json:"membership,omitzero"`
	PriorRole  string `json:"prior_role,omitzero"`
}

type assignment struct {
	Role  named  `json:"role"`
	User  *named `json:"user,omitzero"`
	Group *named `json:"group,omitzero"`
	Scope scope  `json:"scope"`
	Links links  `json:"links"`
}

type assignmentsBody struct {
	RoleAssignments []assignment `json:"role_assignments"`
	api.Collection
}

type listIn struct {
	UserID    *string `query:"user.id"`
	GroupID   *string `query:"group.id"`
	RoleID    *string `query:"role.id"`
	ProjectID *string `query:"scope.project.id"`
	DomainID  *string `query:"scope.domain.id"`
	System    *string `query:"scope.system"`
	Inherited *string `query:"scope.OS-INHERIT:inherited_to"`
}

func given(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

// filter is what the query asks for; Invalid for what excludes itself (D-144, D-145).
func (in listIn) filter(c *api.Call) (directory.AssignmentFilter, error) {
	f := directory.AssignmentFilter{
		UserID: given(in.UserID), GroupID: given(in.GroupID), RoleID: given(in.RoleID),
		ProjectID: given(in.ProjectID), DomainID: given(in.DomainID),
		System: given(in.System) != "", Inherited: given(in.Inherited) != "",
		Effective: c.Flag("effective"), Subtree: c.Flag("include_subtree"),
	}
	scopes := 0
	for _, on := range []bool{f.ProjectID != "", f.DomainID != "", f.System} {
		if on {
			scopes++
		}
	}
	switch {
	case f.UserID != "" && f.GroupID != "":
		return f, problem.Invalid("group.id", "must not be combined with user.id")
	case scopes > 1:
		return f, problem.Invalid("scope", "must be one of project, domain and system")
	case f.Effective && f.GroupID != "":
		return f, problem.Invalid("group.id", "must not be combined with effective")
	case f.Inherited && *in.Inherited != "projects":
		return f, problem.Invalid("scope.OS-INHERIT:inherited_to", "must be projects")
	case f.Subtree && f.ProjectID == "":
		return f, problem.Invalid("scope.project.id", "is required with include_subtree")
	}
	return f, nil
}

// listAssignments lists who holds which role on what (section 9.1); with a domain-scoped
// token what is on that domain and its projects.
func listAssignments(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListRoleAssignments", Action: "identity:list_role_assignments"},
		func(ctx context.Context, c *api.Call, in listIn) (assignmentsBody, error) {
			own := c.Caller.ScopeDomainID
			action := "identity:list_role_assignments"
			if c.Flag("include_subtree") {
				action = "identity:list_role_assignments_for_tree"
			}
			if err := c.AuthorizeAs(action, policy.DomainList{DomainID: own}); err != nil {
				return assignmentsBody{}, err
			}
			f, err := in.filter(c)
			if err != nil {
				return assignmentsBody{}, err
			}
			found, err := d.Assignments(ctx, c.Reads, f)
			if err != nil {
				return assignmentsBody{}, err
			}
			domains := directory.Named{}
			if c.Flag("include_names") {
				if domains, err = d.NameDomains(ctx, found); err != nil {
					return assignmentsBody{}, err
				}
			}
			b := assignmentsBody{RoleAssignments: []assignment{}, Collection: c.Collection("")}
			s := shower{c, found, c.Flag("include_names"), domains}
			for _, h := range found.List {
				if own == "" || own == found.DomainOf(h.Target) {
					b.RoleAssignments = append(b.RoleAssignments, s.show(h))
				}
			}
			return b, nil
		})
}

type shower struct {
	c       *api.Call
	found   directory.Holdings
	names   bool
	domains directory.Named
}

func (s shower) name(id, name, domainID string) *named {
	if !s.names {
		return &named{ID: id}
	}
	n := &named{ID: id, Name: name}
	if domainID != "" {
		n.Domain = &named{ID: domainID, Name: s.domains[domainID]}
	}
	return n
}

func (s shower) show(h directory.Holding) assignment {
	role, _ := s.found.Roles.Get(h.RoleID)
	a := assignment{Role: *s.name(role.ID, role.Name, role.DomainID), Links: s.links(h)}
	if h.Actor.Kind == store.KindUser {
		u := s.found.Users[h.Actor.ID]
		a.User = s.name(u.ID, u.Name, u.DomainID)
	} else {
		g := s.found.Groups[h.Actor.ID]
		a.Group = s.name(g.ID, g.Name, g.DomainID)
	}
	switch h.Target.Kind {
	case store.KindProject:
		p := s.found.Projects[h.Target.ID]
		a.Scope.Project = s.name(p.ID, p.Name, p.DomainID)
	case store.KindDomain:
		a.Scope.Domain = s.name(h.Target.ID, s.found.Domains[h.Target.ID].Name, "")
	default:
		a.Scope.System = map[string]bool{"all": true}
	}
	if h.Origin.Target.Inherited {
		a.Scope.Inherited = "projects"
	}
	return a
}

// links names the grant that an assignment comes from and, for one that was expanded,
// the membership and the implication through which it does.
func (s shower) links(h directory.Holding) links {
	o := h.Origin
	path := []string{}
	if o.Target.Inherited {
		path = append(path, "OS-INHERIT")
	}
	switch o.Target.Kind {
	case store.KindProject:
		path = append(path, "projects", o.Target.ID)
	case store.KindDomain:
		path = append(path, "domains", o.Target.ID)
	default:
		path = append(path, "system")
	}
	if o.Actor.Kind == store.KindUser {
		path = append(path, "users", o.Actor.ID)
	} else {
		path = append(path, "groups", o.Actor.ID)
	}
	path = append(path, "roles", o.RoleID)
	if o.Target.Inherited {
		path = append(path, "inherited_to_projects")
	}
	l := links{Assignment: s.c.Link(path...)}
	if o.Actor != h.Actor {
		l.Membership = s.c.Link("groups", o.Actor.ID, "users", h.Actor.ID)
	}
	if o.RoleID != h.RoleID {
		l.PriorRole = s.c.Link("roles", o.RoleID, "implies", h.RoleID)
	}
	return l
}
