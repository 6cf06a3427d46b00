package projects

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// tree is how projects of a hierarchy are nested into one another: {id: {id: null}}.
type tree map[string]any

type getBody struct {
	Project struct {
		shown
		Parents any `json:"parents,omitzero"`
		Subtree any `json:"subtree,omitzero"`
	} `json:"project"`
}

// get shows a project, with what is above and below it if the query asks (D-074).
func get(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetProject", Action: "identity:get_project", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (getBody, error) {
			var b getBody
			if dom, is, err := domain(ctx, c, in.ProjectID, "identity:get_domain"); is || err != nil {
				b.Project.shown = showDomain(c, dom)
				return b, err
			}
			p, err := find(ctx, c, in.ProjectID)
			if err != nil {
				return getBody{}, err
			}
			b.Project.shown = show(c, p)
			for _, direction := range []string{"parents", "subtree"} {
				if c.Flag(direction+"_as_list") && c.Flag(direction+"_as_ids") {
					return getBody{}, problem.Invalid(direction+"_as_list", "must not be combined with "+direction+"_as_ids")
				}
			}
			if c.Flag("parents_as_list") || c.Flag("parents_as_ids") {
				if b.Project.Parents, err = parents(ctx, c, d, p); err != nil {
					return getBody{}, err
				}
			}
			if c.Flag("subtree_as_list") || c.Flag("subtree_as_ids") {
				b.Project.Subtree, err = subtree(ctx, c, d, p)
			}
			return b, err
		})
}

func parents(ctx context.Context, c *api.Call, d *directory.Directory, p directory.Project) (any, error) {
	if c.Flag("parents_as_ids") {
		nested := tree{p.DomainID: nil}
		for _, id := range p.Ancestors {
			nested = tree{id: nested}
		}
		return nested, nil
	}
	visible, err := reachable(ctx, c, d)
	if err != nil {
		return nil, err
	}
	list := []body{}
	for i := len(p.Ancestors) - 1; i >= 0; i-- {
		var above directory.Project
		err := c.Settle(ctx, func() (err error) {
			above, err = directory.FindProject(c.Reads, p.Ancestors[i])
			return err
		})
		if err != nil {
			return nil, err
		}
		if visible(above) {
			list = append(list, body{show(c, above)})
		}
	}
	return list, nil
}

func subtree(ctx context.Context, c *api.Call, d *directory.Directory, p directory.Project) (any, error) {
	below, err := d.Subtree(ctx, store.OnProject(p.ID))
	if err != nil {
		return nil, err
	}
	if c.Flag("subtree_as_ids") {
		return nest(p.ID, below), nil
	}
	visible, err := reachable(ctx, c, d)
	if err != nil {
		return nil, err
	}
	list := []body{}
	for _, child := range below {
		if visible(child) {
			list = append(list, body{show(c, child)})
		}
	}
	return list, nil
}

// nest makes a tree of ids of what is below a project, parents before children; null when
// nothing is.
func nest(top string, below []directory.Project) any {
	at := map[string]tree{top: {}}
	for _, p := range below {
		at[p.ID] = tree{}
	}
	for _, p := range slices.Backward(below) { // so that each child is complete before it is hung up
		at[p.ParentID][p.ID] = orNull(at[p.ID])
	}
	return orNull(at[top])
}

func orNull(t tree) any {
	if len(t) == 0 {
		return jsontext.Value("null")
	}
	return t
}

// reachable says which projects of a tree are listed in full: those on which the caller's
// user holds a role (a tree of ids shows all of them).
func reachable(ctx context.Context, c *api.Call, d *directory.Directory) (func(directory.Project) bool, error) {
	var u directory.User
	err := c.Settle(ctx, func() (err error) {
		u, err = directory.FindUser(c.Reads, c.Caller.UserID)
		return err
	})
	if err != nil {
		return nil, err
	}
	reach, err := d.Reach(ctx, c.Reads, u, directory.ReachOf{Projects: true})
	ids := make(map[string]bool, len(reach.Projects))
	for _, p := range reach.Projects {
		ids[p.ID] = true
	}
	return func(p directory.Project) bool { return ids[p.ID] }, err
}

// Tags (D-075).

type tagsBody struct {
	Tags []string `json:"tags"`
	api.Collection
}

func listTags() api.Operation {
	return api.Op(api.Spec[byID]{Name: "ListProjectTags", Action: "identity:list_project_tags", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (tagsBody, error) {
			p, err := find(ctx, c, in.ProjectID)
			return tagsBody{tags(p.Tags), c.Collection("")}, err
		})
}

type tagsIn struct {
	ProjectID string `path:"project_id"`
	Body      struct {
		Tags *[]string `json:"tags"`
	} `body:"json"`
}

// Check judges the tags.
func (in *tagsIn) Check() error {
	if in.Body.Tags == nil {
		return problem.Invalid("tags", "is required")
	}
	_, err := directory.CleanTags("tags", *in.Body.Tags)
	return err
}

func setTags(ctx context.Context, c *api.Call, d *directory.Directory, id string, tags []string) (directory.Project, error) {
	if _, err := find(ctx, c, id); err != nil {
		return directory.Project{}, err
	}
	return d.UpdateProject(ctx, c.Reads, id, func(p *directory.Project) error {
		p.Tags = store.NewSet(tags...)
		return nil
	})
}

func replaceTags(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[tagsIn]{Name: "UpdateProjectTags", Action: "identity:update_project_tags"},
		func(ctx context.Context, c *api.Call, in tagsIn) (tagsBody, error) {
			var wanted []string
			if in.Body.Tags != nil {
				wanted = *in.Body.Tags
			}
			p, err := setTags(ctx, c, d, in.ProjectID, wanted)
			return tagsBody{tags(p.Tags), c.Collection("")}, err
		})
}

func removeTags(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteProjectTags", Action: "identity:delete_project_tags", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			_, err := setTags(ctx, c, d, in.ProjectID, nil)
			return api.NoBody{}, err
		})
}

type tagIn struct {
	ProjectID string `path:"project_id"`
	Tag       string `path:"tag"`
}

func wantTagged(rs *store.ReadSet, in tagIn) { want(rs, byID{in.ProjectID}) }

func getTag() api.Operation {
	return api.Op(api.Spec[tagIn]{Name: "GetProjectTag", Action: "identity:get_project_tag", Status: http.StatusNoContent, Reads: wantTagged},
		func(ctx context.Context, c *api.Call, in tagIn) (api.NoBody, error) {
			p, err := find(ctx, c, in.ProjectID)
			if err == nil && !p.Tags.Has(in.Tag) {
				err = problem.NotFound("project tag", in.Tag)
			}
			return api.NoBody{}, err
		})
}

func addTag(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[tagIn]{Name: "CreateProjectTag", Action: "identity:create_project_tag", Status: http.StatusCreated, Reads: wantTagged},
		func(ctx context.Context, c *api.Call, in tagIn) (api.NoBody, error) {
			if _, err := find(ctx, c, in.ProjectID); err != nil {
				return api.NoBody{}, err
			}
			if err := directory.CheckTag("tag", in.Tag); err != nil {
				return api.NoBody{}, err
			}
			c.Header.Set("Location", c.Link("projects", in.ProjectID, "tags", url.PathEscape(in.Tag)))
			return api.NoBody{}, d.Tag(ctx, c.Reads, in.ProjectID, in.Tag, true)
		})
}

func removeTag(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[tagIn]{Name: "DeleteProjectTag", Action: "identity:delete_project_tag", Status: http.StatusNoContent, Reads: wantTagged},
		func(ctx context.Context, c *api.Call, in tagIn) (api.NoBody, error) {
			if _, err := find(ctx, c, in.ProjectID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Tag(ctx, c.Reads, in.ProjectID, in.Tag, false)
		})
}
