package projects

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// attributes are a client's words about a project, for creating and for changing it.
type attributes struct {
	ID          jsontext.Value             `json:"id"`
	Links       jsontext.Value             `json:"links"`
	Name        api.Given[string]          `json:"name"`
	DomainID    api.Given[string]          `json:"domain_id"`
	ParentID    api.Given[string]          `json:"parent_id"`
	IsDomain    api.Given[bool]            `json:"is_domain"`
	Enabled     api.Given[bool]            `json:"enabled"`
	Description api.Given[string]          `json:"description"`
	Tags        api.Given[[]string]        `json:"tags"`
	Options     api.Given[directory.Extra] `json:"options"`
	Extra       map[string]jsontext.Value  `json:",embed"`
}

func (p *attributes) check() error {
	if p.Name.Set {
		name, err := directory.CleanName("project.name", p.Name.Value, directory.MaxProjectName)
		if err != nil {
			return err
		}
		p.Name.Value = name
	}
	if p.Enabled.Null {
		return problem.Invalid("project.enabled", "must be true or false")
	}
	if _, err := directory.CleanTags("project.tags", p.Tags.Value); err != nil {
		return err
	}
	return directory.CheckOptions("project.options", p.Options.Value)
}

type createIn struct {
	Body createBody `body:"json"`
}

type createBody struct {
	Project *attributes `json:"project"`
}

// Check wants a name. A project that is a domain is in none.
func (in *createIn) Check() error {
	switch p := in.Body.Project; {
	case p == nil:
		return problem.Invalid("project", "is required")
	case !p.Name.Set:
		return problem.Invalid("project.name", "is required")
	case p.IsDomain.Value && (p.DomainID.Value != "" || p.ParentID.Value != ""):
		return problem.Invalid("project.is_domain", "must be false below a domain or project")
	default:
		return p.check()
	}
}

// create adds a project: in the domain named, else in the caller's if the token is scoped
// to one, else in the default domain (D-060).
func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{
		Name: "CreateProject", Action: "identity:create_project", Status: http.StatusCreated,
		Reads: func(rs *store.ReadSet, in createIn) {
			if p := in.Body.Project; p.DomainID.Value != "" {
				directory.WantNewProject(rs, p.DomainID.Value, p.ParentID.Value, p.Name.Value)
			}
		},
	}, func(ctx context.Context, c *api.Call, in createIn) (body, error) {
		var p attributes
		if in.Body.Project != nil {
			p = *in.Body.Project
		}
		if p.IsDomain.Value {
			return createDomain(ctx, c, d, p)
		}
		domainID := p.DomainID.Or(directory.HomeDomain(c.Caller))
		if err := c.Authorize(policy.Project{DomainID: domainID}); err != nil {
			return body{}, err
		}
		made, err := d.CreateProject(ctx, c.Reads, directory.Project{
			Name: p.Name.Value, DomainID: domainID, ParentID: p.ParentID.Value, Enabled: p.Enabled.Or(true),
			Description: p.Description.Value, Tags: store.NewSet(p.Tags.Value...),
			Options: directory.Merge(nil, p.Options.Value, true), Extra: directory.Merge(nil, p.Extra, false),
		})
		return body{show(c, made)}, err
	})
}

type updateIn struct {
	ProjectID string `path:"project_id"`
	Body      struct {
		Project *attributes `json:"project"`
	} `body:"json"`
}

// Check refuses another id. A change of nothing is allowed here (D-070).
func (in *updateIn) Check() error {
	p := in.Body.Project
	if p == nil {
		return problem.Invalid("project", "is required")
	}
	if err := api.SameID("project.id", p.ID, in.ProjectID); err != nil {
		return err
	}
	return p.check()
}

func update(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[updateIn]{
		Name: "UpdateProject", Ends: true, Action: "identity:update_project",
		Reads: func(rs *store.ReadSet, in updateIn) { want(rs, byID{in.ProjectID}) },
	}, func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
		if _, is, err := domain(ctx, c, in.ProjectID, "identity:update_domain"); is || err != nil {
			if err != nil {
				return body{}, err
			}
			changed, err := d.UpdateDomain(ctx, c.Reads, in.ProjectID, in.Body.Project.applyToDomain)
			return body{showDomain(c, changed)}, err
		}
		if _, err := find(ctx, c, in.ProjectID); err != nil {
			return body{}, err
		}
		changed, err := d.UpdateProject(ctx, c.Reads, in.ProjectID, in.Body.Project.apply)
		return body{show(c, changed)}, err
	})
}

func (p *attributes) apply(to *directory.Project) error {
	switch {
	case p.DomainID.Set && p.DomainID.Value != to.DomainID:
		return problem.Invalid("project.domain_id", "cannot be changed")
	case p.IsDomain.Value:
		return problem.Invalid("project.is_domain", "cannot be changed")
	case p.ParentID.Set && p.ParentID.Value != to.ParentID:
		return problem.ForbiddenBecause("a project cannot be moved below another one")
	}
	if p.Name.Set {
		to.Name = p.Name.Value
	}
	if p.Description.Set {
		to.Description = p.Description.Value
	}
	if p.Tags.Set {
		to.Tags = store.NewSet(p.Tags.Value...)
	}
	to.Enabled = p.Enabled.Or(to.Enabled)
	to.Options = directory.Merge(to.Options, p.Options.Value, true)
	to.Extra = directory.Merge(to.Extra, p.Extra, false)
	return nil
}
