// Package projects serves projects, their tags and their tree (contract/directory.md
// section 5).
package projects

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d := a.Directory
	return []api.Operation{
		create(d), get(d), list(d), update(d), remove(d), listOfUser(d), listOwn(d),
		listTags(), replaceTags(d), removeTags(d), getTag(), addTag(d), removeTag(d),
	}
}

// shown is a project on the wire.
type shown struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DomainID    *string         `json:"domain_id"`
	ParentID    *string         `json:"parent_id"`
	IsDomain    bool            `json:"is_domain"`
	Enabled     bool            `json:"enabled"`
	Description string          `json:"description"`
	Tags        []string        `json:"tags"`
	Options     directory.Extra `json:"options"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

func show(c *api.Call, p directory.Project) shown {
	return shown{
		ID: p.ID, Name: p.Name, DomainID: &p.DomainID, ParentID: &p.ParentID, Enabled: p.Enabled, Description: p.Description,
		Tags: tags(p.Tags), Options: directory.Fields(p.Options), Extra: directory.Fields(p.Extra),
		Links: api.SelfLink{Self: c.Link("projects", p.ID)},
	}
}

// showDomain writes a domain as the project that it is in Keystone (contract/directory.md section 6).
func showDomain(c *api.Call, d directory.Domain) shown {
	return shown{
		ID: d.ID, Name: d.Name, IsDomain: true, Enabled: d.Enabled, Description: d.Description,
		Tags: tags(d.Tags), Options: directory.Fields(d.Options), Extra: directory.Fields(d.Extra),
		Links: api.SelfLink{Self: c.Link("projects", d.ID)},
	}
}

func tags(set store.Set) []string {
	if set == nil {
		return []string{}
	}
	return set
}

type body struct {
	Project shown `json:"project"`
}

type byID struct {
	ProjectID string `path:"project_id"`
}

func want(rs *store.ReadSet, in byID) { rs.Want(store.Project(in.ProjectID), rs.Head()) }

// find finds the project of the path and asks policy about it.
func find(ctx context.Context, c *api.Call, id string) (p directory.Project, err error) {
	err = c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
		p, err = directory.FindProject(c.Reads, id)
		return policy.Project{ID: p.ID, DomainID: p.DomainID}, err
	})
	return p, err
}

func remove(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteProject", Ends: true, Action: "identity:delete_project", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, is, err := domain(ctx, c, in.ProjectID, "identity:delete_domain"); is || err != nil {
				if err != nil {
					return api.NoBody{}, err
				}
				return api.NoBody{}, d.DeleteDomain(ctx, c.Reads, in.ProjectID)
			}
			if _, err := find(ctx, c, in.ProjectID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteProject(ctx, c.Reads, in.ProjectID)
		})
}
