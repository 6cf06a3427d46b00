package projects

import (
	"context"
	"net/url"
	"strings"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type listBody struct {
	Projects []shown `json:"projects"`
	api.Collection
}

type listIn struct {
	DomainID *string `query:"domain_id"`
	Name     *string `query:"name"`
	api.Paging
}

// candidate is what filters look at.
type candidate struct {
	tags       store.Set
	attributes api.Attributes
}

func project(p directory.Project) candidate {
	return candidate{p.Tags, api.Attributes{
		"name": p.Name, "domain_id": p.DomainID, "parent_id": p.ParentID, "description": p.Description,
		"enabled": p.Enabled, "is_domain": false,
	}}
}

// selection reads the filters of a list of projects (D-073).
func selection(c *api.Call) (func(candidate) bool, error) {
	filter, err := c.Filter([]string{"name", "domain_id", "parent_id", "description"}, []string{"enabled", "is_domain"})
	tagged := taggedAs(c.Request.URL.Query())
	return func(p candidate) bool { return tagged(p.tags) && filter.Holds(p.attributes) }, err
}

// taggedAs reads the filters on tags: all of tags, any of tags-any, not all of not-tags,
// none of not-tags-any.
func taggedAs(q url.Values) func(store.Set) bool {
	list := func(name string) []string {
		if !q.Has(name) {
			return nil
		}
		return strings.Split(q.Get(name), ",")
	}
	count := func(has store.Set, of []string) (n int) {
		for _, t := range of {
			if has.Has(t) {
				n++
			}
		}
		return n
	}
	all, some, notAll, none := list("tags"), list("tags-any"), list("not-tags"), list("not-tags-any")
	return func(has store.Set) bool {
		return count(has, all) == len(all) &&
			(some == nil || count(has, some) > 0) &&
			(notAll == nil || count(has, notAll) < len(notAll)) &&
			count(has, none) == 0
	}
}

// list lists projects; those that stand for domains only when asked for (D-073).
func list(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListProjects", Action: "identity:list_projects"},
		func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
			if err := c.Authorize(policy.DomainList{DomainID: c.Caller.ScopeDomainID}); err != nil {
				return listBody{}, err
			}
			keep, err := selection(c)
			if err != nil {
				return listBody{}, err
			}
			domains, err := c.Bool("is_domain")
			if err != nil {
				return listBody{}, err
			}
			page := directory.PageFor(c.Caller, in.DomainID, in.Name, in.Page)
			b := listBody{Projects: []shown{}, Collection: c.Collection("")}
			more := false
			if domains {
				b.Projects, more, err = listDomains(ctx, c, d, page, keep)
			} else {
				b.Projects, more, err = listProjects(ctx, c, d, page, keep)
			}
			if err == nil && more {
				b.Collection = c.Collection(b.Projects[len(b.Projects)-1].ID)
			}
			return b, err
		})
}

func listProjects(ctx context.Context, c *api.Call, d *directory.Directory, page directory.Page, keep func(candidate) bool) ([]shown, bool, error) {
	found, more, err := d.Projects(ctx, page, func(p directory.Project) bool { return keep(project(p)) })
	list := make([]shown, 0, len(found))
	for _, p := range found {
		list = append(list, show(c, p))
	}
	return list, more, err
}

// listDomains lists the domains as projects; with a domain-scoped token its own.
func listDomains(ctx context.Context, c *api.Call, d *directory.Directory, page directory.Page, keep func(candidate) bool) ([]shown, bool, error) {
	own := c.Caller.ScopeDomainID
	found, more, err := d.Domains(ctx, page, func(d directory.Domain) bool {
		return (own == "" || d.ID == own) && keep(candidate{d.Tags, api.Attributes{
			"name": d.Name, "description": d.Description, "enabled": d.Enabled, "is_domain": true,
		}})
	})
	list := make([]shown, 0, len(found))
	for _, d := range found {
		list = append(list, showDomain(c, d))
	}
	return list, more, err
}

// listOfUser lists the projects on which a user holds at least one effective role (D-044).
func listOfUser(d *directory.Directory) api.Operation {
	type in struct {
		UserID string `path:"user_id"`
	}
	return api.Op(api.Spec[in]{
		Name: "ListUserProjects", Action: "identity:list_user_projects",
		Reads: func(rs *store.ReadSet, in in) { rs.Want(store.User(in.UserID), rs.Head()) },
	}, func(ctx context.Context, c *api.Call, in in) (listBody, error) {
		var u directory.User
		err := c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
			u, err = directory.FindUser(c.Reads, in.UserID)
			return policy.User{ID: u.ID, DomainID: u.DomainID}, err
		})
		if err != nil {
			return listBody{}, err
		}
		return reached(ctx, c, d, u, func(directory.Project) bool { return true })
	})
}

// listOwn lists the projects to which the caller's user can scope a token (T-090).
func listOwn(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "GetAuthProjects", Action: "identity:get_auth_projects"},
		func(ctx context.Context, c *api.Call, _ struct{}) (listBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return listBody{}, err
			}
			var u directory.User
			err := c.Settle(ctx, func() (err error) {
				u, err = directory.FindUser(c.Reads, c.Caller.UserID)
				return err
			})
			if err != nil {
				return listBody{}, err
			}
			return reached(ctx, c, d, u, func(p directory.Project) bool { return p.Enabled })
		})
}

func reached(ctx context.Context, c *api.Call, d *directory.Directory, u directory.User, usable func(directory.Project) bool) (listBody, error) {
	keep, err := selection(c)
	if err != nil {
		return listBody{}, err
	}
	reach, err := d.Reach(ctx, c.Reads, u, directory.ReachOf{Projects: true})
	if err != nil {
		return listBody{}, err
	}
	b := listBody{Projects: []shown{}, Collection: c.Collection("")}
	for _, p := range reach.Projects {
		if usable(p) && keep(project(p)) {
			b.Projects = append(b.Projects, show(c, p))
		}
	}
	return b, nil
}
