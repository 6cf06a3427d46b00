package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/credentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/pagination"
)

// fresh is a name that nobody has.
func fresh(s string) string { return "gophercloud-" + s + "-" + rand.Text()[:8] }

// expect is one call and what must be true of its answer.
func expect[T any](what string, v T, err error, ok func(T) bool) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !ok(v) {
		return fmt.Errorf("%s: not as asked for: %+v", what, v)
	}
	return nil
}

// refused is a call that must fail with a status.
func refused(what string, err error, status int) error {
	if !gophercloud.ResponseCodeIs(err, status) {
		return fmt.Errorf("%s: not refused with %d, but: %w", what, status, err)
	}
	return nil
}

// list follows a list to its end.
func list[T any](ctx context.Context, p pagination.Pager, extract func(pagination.Page) ([]T, error)) ([]T, error) {
	pages, err := p.AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return extract(pages)
}

// only reports whether a list holds one member, the one with this id.
func only[T any](id string, of func(T) string) func([]T) bool {
	return func(l []T) bool { return len(l) == 1 && of(l[0]) == id }
}

// first is the first error of calls that were all made, one after the other.
func first(errs ...error) error {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

func userID(u users.User) string          { return u.ID }
func groupID(g groups.Group) string       { return g.ID }
func projectID(p projects.Project) string { return p.ID }

// domain makes a domain that is deleted in the end, with all that is in it.
func (w *world) newDomain(ctx context.Context) (*domains.Domain, error) {
	d, err := domains.Create(ctx, w.admin, domains.CreateOpts{Name: fresh("domain"), Description: "d"}).Extract()
	if err != nil {
		return nil, fmt.Errorf("create a domain: %w", err)
	}
	w.later(func(ctx context.Context) error {
		off := false
		if err := domains.Update(ctx, w.admin, d.ID, domains.UpdateOpts{Enabled: &off}).Err; err != nil {
			return err
		}
		return domains.Delete(ctx, w.admin, d.ID).ExtractErr()
	})
	return d, nil
}

// people are domains, users, groups and who is in them.
func (w *world) people(ctx context.Context) error {
	d, err := w.newDomain(ctx)
	if err != nil {
		return err
	}
	name, text := fresh("renamed"), "changed"
	changed, err := domains.Update(ctx, w.admin, d.ID, domains.UpdateOpts{Name: name, Description: &text}).Extract()
	if err := expect("update domain", changed, err, func(d *domains.Domain) bool { return d.Name == name && d.Description == text }); err != nil {
		return err
	}
	found, err := list(ctx, domains.List(w.admin, domains.ListOpts{Name: name}), domains.ExtractDomains)
	if err := first(
		expect("list domains", found, err, only(d.ID, func(d domains.Domain) string { return d.ID })),
		refused("create domain again", domains.Create(ctx, w.admin, domains.CreateOpts{Name: name}).Err, http.StatusConflict),
		refused("delete enabled domain", domains.Delete(ctx, w.admin, d.ID).Err, http.StatusForbidden),
		refused("get unknown domain", domains.Get(ctx, w.admin, "nowhere").Err, http.StatusNotFound),
	); err != nil {
		return err
	}

	ada, err := users.Create(ctx, w.admin, users.CreateOpts{Name: "ada", DomainID: d.ID, Password: w.password, Extra: map[string]any{"email": "ada@example.org"}}).Extract()
	if err := expect("create user", ada, err, func(u *users.User) bool {
		return u.Name == "ada" && u.DomainID == d.ID && u.Enabled && u.Extra["email"] == "ada@example.org"
	}); err != nil {
		return err
	}
	updated, err := users.Update(ctx, w.admin, ada.ID, users.UpdateOpts{Description: &text}).Extract()
	listed, listErr := list(ctx, users.List(w.admin, users.ListOpts{DomainID: d.ID, Name: "ada"}), users.ExtractUsers)
	got, getErr := users.Get(ctx, w.admin, ada.ID).Extract()
	if err := first(
		expect("update user", updated, err, func(u *users.User) bool { return u.Description == text && u.Name == "ada" }),
		expect("get user", got, getErr, func(u *users.User) bool { return u.Description == text }),
		expect("list users", listed, listErr, only(ada.ID, userID)),
		refused("create user again", users.Create(ctx, w.admin, users.CreateOpts{Name: "ada", DomainID: d.ID}).Err, http.StatusConflict),
		users.ChangePassword(ctx, w.admin, ada.ID, users.ChangePasswordOpts{OriginalPassword: w.password, Password: "another"}).ExtractErr(),
		refused("change password with the old one", users.ChangePassword(ctx, w.admin, ada.ID,
			users.ChangePasswordOpts{OriginalPassword: w.password, Password: "third"}).Err, http.StatusUnauthorized),
	); err != nil {
		return err
	}

	crew, err := groups.Create(ctx, w.admin, groups.CreateOpts{Name: "crew", DomainID: d.ID}).Extract()
	if err != nil {
		return fmt.Errorf("create group: %w", err)
	}
	team, err := groups.Update(ctx, w.admin, crew.ID, groups.UpdateOpts{Name: "team", Description: &text}).Extract()
	if err := first(
		expect("update group", team, err, func(g *groups.Group) bool { return g.Name == "team" && g.Description == text }),
		users.AddToGroup(ctx, w.admin, crew.ID, ada.ID).ExtractErr(),
	); err != nil {
		return err
	}
	in, err := users.IsMemberOfGroup(ctx, w.admin, crew.ID, ada.ID).Extract()
	members, membersErr := list(ctx, users.ListInGroup(w.admin, crew.ID, nil), users.ExtractUsers)
	hers, hersErr := list(ctx, users.ListGroups(w.admin, ada.ID), groups.ExtractGroups)
	all, allErr := list(ctx, groups.List(w.admin, groups.ListOpts{DomainID: d.ID}), groups.ExtractGroups)
	if err := first(
		expect("is member", in, err, func(in bool) bool { return in }),
		expect("list members", members, membersErr, only(ada.ID, userID)),
		expect("list a user's groups", hers, hersErr, only(crew.ID, groupID)),
		expect("list groups", all, allErr, only(crew.ID, groupID)),
		users.RemoveFromGroup(ctx, w.admin, crew.ID, ada.ID).ExtractErr(),
	); err != nil {
		return err
	}
	in, err = users.IsMemberOfGroup(ctx, w.admin, crew.ID, ada.ID).Extract()
	return first(
		expect("is no longer member", in, err, func(in bool) bool { return !in }),
		groups.Delete(ctx, w.admin, crew.ID).ExtractErr(),
		refused("get deleted group", groups.Get(ctx, w.admin, crew.ID).Err, http.StatusNotFound),
		users.Delete(ctx, w.admin, ada.ID).ExtractErr(),
		refused("get deleted user", users.Get(ctx, w.admin, ada.ID).Err, http.StatusNotFound),
	)
}

// hierarchy is projects, one below the other, and their tags.
func (w *world) hierarchy(ctx context.Context) error {
	d, err := w.newDomain(ctx)
	if err != nil {
		return err
	}
	top, err := projects.Create(ctx, w.admin, projects.CreateOpts{Name: "top", DomainID: d.ID, Tags: []string{"red"},
		Extra: map[string]any{"colour": "green"}}).Extract()
	if err := expect("create project", top, err, func(p *projects.Project) bool {
		return p.Enabled && !p.IsDomain && p.ParentID == d.ID && slices.Equal(p.Tags, []string{"red"}) && p.Extra["colour"] == "green"
	}); err != nil {
		return err
	}
	below, err := projects.Create(ctx, w.admin, projects.CreateOpts{Name: "below", DomainID: d.ID, ParentID: top.ID}).Extract()
	if err := expect("create project below", below, err, func(p *projects.Project) bool { return p.ParentID == top.ID }); err != nil {
		return err
	}
	text := "changed"
	changed, err := projects.Update(ctx, w.admin, below.ID, projects.UpdateOpts{Name: "lower", Description: &text}).Extract()
	children, childrenErr := list(ctx, projects.List(w.admin, projects.ListOpts{ParentID: top.ID}), projects.ExtractProjects)
	tagged, taggedErr := list(ctx, projects.List(w.admin, projects.ListOpts{DomainID: d.ID, Tags: "red"}), projects.ExtractProjects)
	two, twoErr := list(ctx, projects.List(w.admin, projects.ListOpts{DomainID: d.ID, Limit: 1}), projects.ExtractProjects)
	set := projects.ModifyTags(ctx, w.admin, below.ID, projects.ModifyTagsOpts{Tags: []string{"a", "b"}})
	tags, tagsErr := projects.ListTags(ctx, w.admin, below.ID).Extract()
	return first(
		expect("update project", changed, err, func(p *projects.Project) bool { return p.Name == "lower" && p.Description == text }),
		expect("list projects by parent", children, childrenErr, only(below.ID, projectID)),
		expect("list projects by tag", tagged, taggedErr, only(top.ID, projectID)),
		expect("list projects page by page", two, twoErr, func(l []projects.Project) bool { return len(l) == 2 }),
		set.Err,
		expect("list tags", tags, tagsErr, func(t *projects.Tags) bool { return slices.Equal(t.Tags, []string{"a", "b"}) }),
		projects.DeleteTags(ctx, w.admin, below.ID).ExtractErr(),
		refused("create project again", projects.Create(ctx, w.admin, projects.CreateOpts{Name: "top", DomainID: d.ID}).Err, http.StatusConflict),
		refused("delete project with children", projects.Delete(ctx, w.admin, top.ID).Err, http.StatusForbidden),
		projects.Delete(ctx, w.admin, below.ID).ExtractErr(),
		projects.Delete(ctx, w.admin, top.ID).ExtractErr(),
		refused("get deleted project", projects.Get(ctx, w.admin, top.ID).Err, http.StatusNotFound),
	)
}

// authority is roles, what they imply, and who holds them where.
func (w *world) authority(ctx context.Context) error {
	text := "changed"
	lead, err := roles.Create(ctx, w.admin, roles.CreateOpts{Name: fresh("lead")}).Extract()
	if err != nil {
		return fmt.Errorf("create role: %w", err)
	}
	w.later(func(ctx context.Context) error { return roles.Delete(ctx, w.admin, lead.ID).ExtractErr() })
	changed, err := roles.Update(ctx, w.admin, lead.ID, roles.UpdateOpts{Description: &text}).Extract()
	named, namedErr := list(ctx, roles.List(w.admin, roles.ListOpts{Name: lead.Name}), roles.ExtractRoles)
	rule, ruleErr := roles.CreateRoleInferenceRule(ctx, w.admin, lead.ID, w.role).Extract()
	same, sameErr := roles.GetRoleInferenceRule(ctx, w.admin, lead.ID, w.role).Extract()
	rules, rulesErr := roles.ListRoleInferenceRules(ctx, w.admin).Extract()
	implied := func(r *roles.RoleInferenceRule) bool {
		return r.RoleInference.PriorRole.ID == lead.ID && r.RoleInference.ImpliedRole.ID == w.role
	}
	if err := first(
		expect("update role", changed, err, func(r *roles.Role) bool { return r.Description == text }),
		expect("list roles", named, namedErr, only(lead.ID, func(r roles.Role) string { return r.ID })),
		expect("create inference rule", rule, ruleErr, implied),
		expect("get inference rule", same, sameErr, implied),
		expect("list inference rules", rules, rulesErr, func(l *roles.RoleInferenceRuleList) bool {
			return slices.ContainsFunc(l.RoleInferenceRuleList, func(r roles.RoleInferenceRules) bool {
				return r.PriorRole.ID == lead.ID && len(r.ImpliedRoles) == 1 && r.ImpliedRoles[0].ID == w.role
			})
		}),
	); err != nil {
		return err
	}
	for where, on := range map[string]roles.AssignOpts{
		"project": {UserID: w.trustee, ProjectID: w.project},
		"domain":  {UserID: w.trustee, DomainID: w.domain},
		"system":  {UserID: w.trustee, System: true},
	} {
		if err := w.assignment(ctx, lead.ID, on); err != nil {
			return fmt.Errorf("on a %s: %w", where, err)
		}
	}
	return roles.DeleteRoleInferenceRule(ctx, w.admin, lead.ID, w.role).ExtractErr()
}

// assignment gives a role, looks at it from all sides, and takes it away.
func (w *world) assignment(ctx context.Context, role string, on roles.AssignOpts) error {
	if err := roles.Assign(ctx, w.admin, role, on).ExtractErr(); err != nil {
		return fmt.Errorf("assign: %w", err)
	}
	of := roles.ListAssignmentsOpts{UserID: w.trustee, ScopeProjectID: on.ProjectID, ScopeDomainID: on.DomainID}
	if on.System {
		of.ScopeSystem = "all"
	}
	direct, directErr := list(ctx, roles.ListAssignments(w.admin, of), roles.ExtractRoleAssignments)
	yes := true
	of.Effective, of.IncludeNames = &yes, &yes
	effective, effectiveErr := list(ctx, roles.ListAssignments(w.admin, of), roles.ExtractRoleAssignments)
	here, hereErr := list(ctx, roles.ListAssignmentsOnResource(w.admin, roles.ListAssignmentsOnResourceOpts(on)), roles.ExtractRoles)
	return first(
		roles.Validate(ctx, w.admin, role, roles.ValidateOpts(on)).ExtractErr(),
		expect("list assignments", direct, directErr, only(role, func(a roles.RoleAssignment) string { return a.Role.ID })),
		expect("list effective assignments", effective, effectiveErr, func(l []roles.RoleAssignment) bool {
			return len(l) == 2 && !slices.ContainsFunc(l, func(a roles.RoleAssignment) bool { return a.Role.Name == "" || a.User.Name == "" })
		}),
		expect("list roles on a resource", here, hereErr, only(role, func(r roles.Role) string { return r.ID })),
		roles.Unassign(ctx, w.admin, role, roles.UnassignOpts(on)).ExtractErr(),
		refused("unassign again", roles.Unassign(ctx, w.admin, role, roles.UnassignOpts(on)).Err, http.StatusNotFound),
		refused("validate after unassign", roles.Validate(ctx, w.admin, role, roles.ValidateOpts(on)).Err, http.StatusNotFound),
	)
}

// session is a token's life: made, looked at by another, revoked.
func (w *world) session(ctx context.Context) error {
	me, made, err := w.as(ctx, w.trustor, gophercloud.AuthScope{ProjectID: w.project})
	if err != nil {
		return err
	}
	id, err := made.ExtractTokenID()
	if err != nil {
		return err
	}
	seen := tokens.Get(ctx, w.admin, id)
	project, projectErr := seen.ExtractProject()
	held, heldErr := seen.ExtractRoles()
	user, userErr := seen.ExtractUser()
	live, liveErr := tokens.Validate(ctx, w.admin, id)
	mine, mineErr := list(ctx, projects.ListAvailable(me), projects.ExtractProjects)
	if err := first(
		expect("project of a token", project, projectErr, func(p *tokens.Project) bool { return p.ID == w.project && p.Domain.ID == w.domain }),
		expect("roles of a token", held, heldErr, func(l []tokens.Role) bool { return len(l) == 1 && l[0].ID == w.role }),
		expect("user of a token", user, userErr, func(u *tokens.User) bool { return u.ID == w.trustor }),
		expect("validate", live, liveErr, func(live bool) bool { return live }),
		expect("projects of a token", mine, mineErr, only(w.project, projectID)),
		tokens.Revoke(ctx, me, id).Err,
		refused("a revoked token", tokens.Get(ctx, w.admin, id).Err, http.StatusNotFound),
	); err != nil {
		return err
	}
	live, err = tokens.Validate(ctx, w.admin, id)
	return expect("validate after revoke", live, err, func(live bool) bool { return !live })
}

// keys are credentials.
func (w *world) keys(ctx context.Context) error {
	made, err := credentials.Create(ctx, w.admin, credentials.CreateOpts{Type: "cert", Blob: "b", UserID: w.trustor, ProjectID: w.project}).Extract()
	if err := expect("create credential", made, err, func(c *credentials.Credential) bool {
		return c.Type == "cert" && c.Blob == "b" && c.UserID == w.trustor && c.ProjectID == w.project
	}); err != nil {
		return err
	}
	changed, err := credentials.Update(ctx, w.admin, made.ID, credentials.UpdateOpts{Blob: "c"}).Extract()
	got, getErr := credentials.Get(ctx, w.admin, made.ID).Extract()
	listed, listErr := list(ctx, credentials.List(w.admin, credentials.ListOpts{UserID: w.trustor, Type: "cert"}), credentials.ExtractCredentials)
	other := func(c *credentials.Credential) bool { return c.Blob == "c" && c.ID == made.ID }
	return first(
		expect("update credential", changed, err, other),
		expect("get credential", got, getErr, other),
		expect("list credentials", listed, listErr, only(made.ID, func(c credentials.Credential) string { return c.ID })),
		credentials.Delete(ctx, w.admin, made.ID).ExtractErr(),
		refused("get deleted credential", credentials.Get(ctx, w.admin, made.ID).Err, http.StatusNotFound),
	)
}
