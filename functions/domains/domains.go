// Package domains serves domains, in which users, projects and groups have their names
// (contract/directory.md section 6).
package domains

import (
	"context"
	"net/http"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d := a.Directory
	return []api.Operation{create(d), get(), list(d), update(d), remove(d), listOwn(d)}
}

// shown is a domain on the wire.
type shown struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Enabled     bool            `json:"enabled"`
	Description string          `json:"description"`
	Tags        []string        `json:"tags"`
	Options     directory.Extra `json:"options"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

func show(c *api.Call, d directory.Domain) shown {
	tags := []string(d.Tags)
	if tags == nil {
		tags = []string{}
	}
	return shown{
		ID: d.ID, Name: d.Name, Enabled: d.Enabled, Description: d.Description, Tags: tags,
		Options: directory.Fields(d.Options), Extra: directory.Fields(d.Extra), Links: api.SelfLink{Self: c.Link("domains", d.ID)},
	}
}

type body struct {
	Domain shown `json:"domain"`
}

// attributes are a client's words about a domain.
type attributes struct {
	ID          jsontext.Value             `json:"id"`
	Links       jsontext.Value             `json:"links"`
	ExplicitID  api.Given[string]          `json:"explicit_domain_id"`
	Name        api.Given[string]          `json:"name"`
	Enabled     api.Given[bool]            `json:"enabled"`
	Description api.Given[string]          `json:"description"`
	Tags        api.Given[[]string]        `json:"tags"`
	Options     api.Given[directory.Extra] `json:"options"`
	Extra       map[string]jsontext.Value  `json:",embed"`
}

func (d *attributes) check() error {
	if d.Name.Set {
		name, err := directory.CleanName("domain.name", d.Name.Value, directory.MaxDomainName)
		if err != nil {
			return err
		}
		d.Name.Value = name
	}
	if d.Enabled.Null {
		return problem.Invalid("domain.enabled", "must be true or false")
	}
	if _, err := directory.CleanTags("domain.tags", d.Tags.Value); err != nil {
		return err
	}
	return directory.CheckOptions("domain.options", d.Options.Value)
}

type createIn struct {
	Body struct {
		Domain *attributes `json:"domain"`
	} `body:"json"`
}

var wellFormedID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// Check wants a name; an id that is chosen must look like one (D-087).
func (in *createIn) Check() error {
	switch d := in.Body.Domain; {
	case d == nil:
		return problem.Invalid("domain", "is required")
	case !d.Name.Set:
		return problem.Invalid("domain.name", "is required")
	case d.ExplicitID.Set && !wellFormedID.MatchString(d.ExplicitID.Value):
		return problem.Invalid("domain.explicit_domain_id", "must be 32 hexadecimal digits")
	default:
		return d.check()
	}
}

func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{Name: "CreateDomain", Action: "identity:create_domain", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createIn) (body, error) {
			if err := c.Authorize(policy.Domain{}); err != nil {
				return body{}, err
			}
			g := in.Body.Domain
			made, err := d.CreateDomain(ctx, c.Reads, directory.Domain{
				ID: g.ExplicitID.Value, Name: g.Name.Value, Enabled: g.Enabled.Or(true), Description: g.Description.Value,
				Tags: store.NewSet(g.Tags.Value...), Options: directory.Merge(nil, g.Options.Value, true),
				Extra: directory.Merge(nil, g.Extra, false),
			})
			return body{show(c, made)}, err
		})
}

type byID struct {
	DomainID string `path:"domain_id"`
}

func want(rs *store.ReadSet, in byID) { rs.Want(store.Domain(in.DomainID), rs.Head()) }

// find finds the domain of the path and asks policy about it.
func find(ctx context.Context, c *api.Call, id string) (d directory.Domain, err error) {
	err = c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
		d, err = directory.FindDomain(c.Reads, id)
		return policy.Domain{ID: d.ID}, err
	})
	return d, err
}

func get() api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetDomain", Action: "identity:get_domain", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (body, error) {
			d, err := find(ctx, c, in.DomainID)
			return body{show(c, d)}, err
		})
}

func remove(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteDomain", Ends: true, Action: "identity:delete_domain", Status: http.StatusNoContent, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, err := find(ctx, c, in.DomainID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteDomain(ctx, c.Reads, in.DomainID)
		})
}

type updateIn struct {
	DomainID string `path:"domain_id"`
	Body     struct {
		Domain *attributes `json:"domain"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateIn) Check() error {
	d := in.Body.Domain
	if d == nil || api.Empty(*d) {
		return problem.Invalid("domain", "must change something")
	}
	if err := api.SameID("domain.id", d.ID, in.DomainID); err != nil {
		return err
	}
	return d.check()
}

func update(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[updateIn]{
		Name: "UpdateDomain", Ends: true, Action: "identity:update_domain",
		Reads: func(rs *store.ReadSet, in updateIn) { want(rs, byID{in.DomainID}) },
	}, func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
		if _, err := find(ctx, c, in.DomainID); err != nil {
			return body{}, err
		}
		changed, err := d.UpdateDomain(ctx, c.Reads, in.DomainID, in.Body.Domain.apply)
		return body{show(c, changed)}, err
	})
}

func (d *attributes) apply(to *directory.Domain) error {
	if d.Name.Set {
		to.Name = d.Name.Value
	}
	if d.Description.Set {
		to.Description = d.Description.Value
	}
	if d.Tags.Set {
		to.Tags = store.NewSet(d.Tags.Value...)
	}
	to.Enabled = d.Enabled.Or(to.Enabled)
	to.Options = directory.Merge(to.Options, d.Options.Value, true)
	to.Extra = directory.Merge(to.Extra, d.Extra, false)
	return nil
}
