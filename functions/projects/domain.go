package projects

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

// A domain is a project with is_domain (contract/directory.md section 6), so it can be
// made, shown, changed and deleted here too, by whoever may do so at /v3/domains.

// domain finds the domain that the path names, if it names one, and asks policy about it:
// about a project first, as it does where there is nothing, so that only those learn of
// the domain who would be let to any project (D-010).
func domain(ctx context.Context, c *api.Call, id, action string) (dom directory.Domain, is bool, err error) {
	err = c.Settle(ctx, func() error {
		_, err := directory.FindProject(c.Reads, id)
		if !problem.Is(err, problem.KindNotFound) {
			return err
		}
		if dom, err = directory.FindDomain(c.Reads, id); problem.Is(err, problem.KindNotFound) {
			return nil
		}
		is = err == nil
		return err
	})
	if err != nil || !is {
		return directory.Domain{}, false, err
	}
	if err := c.Authorize(policy.Project{}); err != nil {
		return directory.Domain{}, false, err
	}
	return dom, true, c.AuthorizeAs(action, policy.Domain{ID: id})
}

func createDomain(ctx context.Context, c *api.Call, d *directory.Directory, p attributes) (body, error) {
	if err := c.AuthorizeAs("identity:create_domain", policy.Domain{}); err != nil {
		return body{}, err
	}
	made, err := d.CreateDomain(ctx, c.Reads, directory.Domain{
		Name: p.Name.Value, Enabled: p.Enabled.Or(true), Description: p.Description.Value, Tags: store.NewSet(p.Tags.Value...),
		Options: directory.Merge(nil, p.Options.Value, true), Extra: directory.Merge(nil, p.Extra, false),
	})
	return body{showDomain(c, made)}, err
}

func (p *attributes) applyToDomain(to *directory.Domain) error {
	switch {
	case p.DomainID.Value != "" || p.ParentID.Value != "":
		return problem.Invalid("project.domain_id", "cannot be changed")
	case p.IsDomain.Set && !p.IsDomain.Value:
		return problem.Invalid("project.is_domain", "cannot be changed")
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
