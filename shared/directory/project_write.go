package directory

import (
	"context"
	"fmt"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// attrChildren counts the projects directly below a project, so that it cannot be
// deleted while one is being created under it.
const attrChildren = "children"

// WantNewProject notes what CreateProject will look at.
func WantNewProject(rs *store.ReadSet, domainID, parentID, name string) {
	rs.Want(store.Domain(domainID), rs.Head(), store.ProjectName(domainID, name))
	if parentID != "" && parentID != domainID {
		rs.Want(store.Project(parentID))
	}
}

// parent is where a project hangs: another project, or the domain at the top.
func (p Project) parent() store.Target {
	if p.ParentID == p.DomainID {
		return store.OnDomain(p.DomainID)
	}
	return store.OnProject(p.ParentID)
}

// CreateProject adds a project under its parent; without one, at the top of its domain.
// Invalid when domain or parent are not there or do not belong together (D-062),
// Conflict when the name is taken in the domain, Forbidden below a disabled parent or
// too deep (D-067).
func (d *Directory) CreateProject(ctx context.Context, rs *store.ReadSet, p Project) (Project, error) {
	p.ID, p.Epoch = newID(), d.epoch()
	if p.ParentID == "" {
		p.ParentID = p.DomainID
	}
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) { return newProject(rs, &p, true) })
	return p, err
}

// newProject is a pass: the write that adds a project under its id and parent, which must
// be enabled when the caller wants it live.
func newProject(rs *store.ReadSet, p *Project, live bool) ([]store.Mutation, error) {
	WantNewProject(rs, p.DomainID, p.ParentID, p.Name)
	dom, err := FindDomain(rs, p.DomainID)
	if problem.Is(err, problem.KindNotFound) {
		return nil, problem.Invalid("project.domain_id", "must be the id of a domain").Because(err)
	}
	if err != nil {
		return nil, err
	}
	name := store.ProjectName(p.DomainID, p.Name)
	if err := free(rs, name, p.ID, "project"); err != nil {
		return nil, err
	}
	p.DomainName = dom.Name
	m := []store.Mutation{claim(name, p.ID), under(dom)}
	if p.ParentID != p.DomainID {
		above, err := parentOf(rs, *p, live)
		if err != nil {
			return nil, err
		}
		p.Ancestors = append(slices.Clone(above.Ancestors), above.ID)
		count := store.Update(store.Project(above.ID)).Add(attrChildren, 1)
		if live {
			count = count.Where(store.Equals(AttrEnabled, true))
		}
		m = append(m, count)
	}
	return append(m, store.Create(store.Project(p.ID), p.item()),
		store.Create(store.Child(p.parent(), p.ID), store.Item{store.AttrType: "child", attrID: p.ID})), nil
}

// parentOf is a pass: the project under which a new one may be created.
func parentOf(rs *store.ReadSet, p Project, live bool) (Project, error) {
	above, err := FindProject(rs, p.ParentID)
	switch {
	case problem.Is(err, problem.KindNotFound):
		return above, problem.Invalid("project.parent_id", "must be the id of a project").Because(err)
	case err != nil:
		return above, err
	case above.DomainID != p.DomainID:
		return above, problem.Invalid("project.parent_id", "must be a project of the same domain")
	case live && !above.Enabled:
		return above, problem.ForbiddenBecause("the parent project " + above.ID + " is disabled")
	case len(above.Ancestors)+2 > MaxDepth:
		return above, problem.ForbiddenBecause(fmt.Sprintf("projects can be nested %d deep", MaxDepth))
	}
	return above, nil
}

// UpdateProject changes a project. Disabling it ends its tokens for as long as it is
// disabled (D-072). Forbidden when immutable, when disabled above enabled children or
// enabled below a disabled parent (D-069).
func (d *Directory) UpdateProject(ctx context.Context, rs *store.ReadSet, id string, edit func(*Project) error) (Project, error) {
	var after Project
	var children []Project // loaded once, when needed
	loaded := false
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		before, err := FindProject(rs, id)
		if err != nil {
			return nil, err
		}
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		if err := forbidImmutable("project", id, Immutable(before.Options), Immutable(after.Options)); err != nil {
			return nil, err
		}
		var m []store.Mutation
		c := changes(store.Project(id))
		if after.Name != before.Name {
			name := store.ProjectName(before.DomainID, after.Name)
			if err := free(rs, name, id, "project"); err != nil {
				return nil, err
			}
			c.set(attrName, after.Name)
			c.where(store.Equals(attrName, before.Name))
			m = append(m, release(store.ProjectName(before.DomainID, before.Name), id), claim(name, id))
		}
		c.keep(attrDescription, before.Description, after.Description)
		c.flag(AttrEnabled, before.Enabled, after.Enabled)
		c.blob(attrOptions, before.Options, after.Options)
		c.blob(attrExtra, before.Extra, after.Extra)
		if !slices.Equal(before.Tags, after.Tags) {
			c.set(attrTags, after.Tags)
		}
		switch {
		case before.Enabled && !after.Enabled:
			if !loaded {
				rs.WantLoad("children", func(ctx context.Context) (err error) {
					children, err = d.Children(ctx, store.OnProject(id))
					loaded = err == nil
					return err
				})
				return nil, store.ErrPending
			}
			if slices.ContainsFunc(children, func(p Project) bool { return p.Enabled }) {
				return nil, problem.ForbiddenBecause("project " + id + " has enabled projects below it")
			}
		case !before.Enabled && after.Enabled && before.ParentID != before.DomainID:
			above, err := rs.Get(store.Project(before.ParentID))
			if err != nil {
				return nil, err
			}
			if !above.Bool(AttrEnabled) {
				return nil, problem.ForbiddenBecause("the parent project " + before.ParentID + " is disabled")
			}
			m = append(m, store.Check(store.Project(before.ParentID)).Where(store.Equals(AttrEnabled, true)))
		}
		return append(m, c.mutations()...), nil
	})
	return after, err
}

// Tag adds a tag to a project, or takes it away when on is false (D-075); NotFound for
// taking away a tag that is not there.
func (d *Directory) Tag(ctx context.Context, rs *store.ReadSet, id, tag string, on bool) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		p, err := FindProject(rs, id)
		if err != nil {
			return nil, err
		}
		m := store.Update(store.Project(id))
		switch {
		case on && p.Tags.Has(tag):
			return nil, nil
		case on && len(p.Tags) >= MaxTags:
			return nil, problem.Invalid("tags", fmt.Sprintf("must not hold more than %d tags", MaxTags))
		case on:
			return []store.Mutation{m.Insert(attrTags, tag).Where(tagsAre(p))}, nil
		case !p.Tags.Has(tag):
			return nil, problem.NotFound("project tag", tag)
		default:
			return []store.Mutation{m.Take(attrTags, tag).Where(store.Contains(attrTags, tag))}, nil
		}
	})
}

func tagsAre(p Project) store.Condition {
	if len(p.Tags) == 0 {
		return store.Absent(attrTags)
	}
	return store.Equals(attrTags, p.Tags)
}

// DeleteProject removes a project. Forbidden while projects hang below it (D-068) or it
// is immutable. Its tokens, grants and trusts are dead by its absence.
func (d *Directory) DeleteProject(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		p, err := FindProject(rs, id)
		if err != nil {
			return nil, err
		}
		if err := forbidImmutable("project", id, Immutable(p.Options), true); err != nil {
			return nil, err
		}
		i, err := rs.Get(store.Project(id))
		if err != nil {
			return nil, err
		}
		if i.Int(attrChildren) > 0 {
			return nil, problem.ForbiddenBecause("project " + id + " has projects below it")
		}
		return removeProject(p), nil
	})
}

func removeProject(p Project) []store.Mutation {
	m := []store.Mutation{
		store.Delete(store.Project(p.ID)).Where(store.Equals(attrChildren, int64(0)), store.Equals(attrName, p.Name)),
		release(store.ProjectName(p.DomainID, p.Name), p.ID),
		store.Delete(store.Child(p.parent(), p.ID)),
	}
	if p.ParentID != p.DomainID {
		m = append(m, store.Update(store.Project(p.ParentID)).Add(attrChildren, -1))
	}
	return m
}

// Children lists the projects directly below a project or domain.
func (d *Directory) Children(ctx context.Context, parent store.Target) ([]Project, error) {
	var keys []store.Key
	err := along(ctx, d.table, store.Prefixed(store.Child(parent, "")), func(e store.Entry) error {
		keys = append(keys, store.Project(e.Item.Str(attrID)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list children of %s: %w", parent.ID, err)
	}
	items, err := d.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	projects := make([]Project, 0, len(items))
	for _, k := range keys {
		if i, ok := items[k]; ok {
			projects = append(projects, ProjectFrom(i))
		}
	}
	return projects, nil
}

// Subtree lists all projects below a project or domain, parents before children.
func (d *Directory) Subtree(ctx context.Context, top store.Target) ([]Project, error) {
	var all []Project
	level := []store.Target{top}
	for len(level) > 0 {
		var next []store.Target
		for _, t := range level {
			below, err := d.Children(ctx, t)
			if err != nil {
				return nil, err
			}
			for _, p := range below {
				all = append(all, p)
				next = append(next, store.OnProject(p.ID))
			}
		}
		level = next
	}
	return all, nil
}
