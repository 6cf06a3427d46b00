package directory

import (
	"strings"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Project is a project. A domain is not one here; it has a type of its own.
type Project struct {
	ID          string
	Name        string
	DomainID    string
	DomainName  string
	ParentID    string   // a project, or the domain at the top
	Ancestors   []string // ids of the projects above it, top first, without the domain
	Enabled     bool
	Description string
	Tags        store.Set
	Options     []byte // JSON object; nil is {}
	Extra       []byte // JSON object; nil is {}
	Epoch       int64  // creation time in microseconds: tells a re-created id from the old one

	GrantedGroups store.Set // ids of groups that hold roles on it directly
}

const (
	attrParent        = "parent_id"
	attrAncestors     = "ancestors"
	attrTags          = "tags"
	attrGrantedGroups = "granted_groups"
)

func (p Project) item() store.Item {
	i := store.Item{
		store.AttrType: "project", attrID: p.ID, attrName: p.Name, attrDomain: p.DomainID, attrDomainName: p.DomainName,
		attrParent: p.ParentID, AttrEnabled: p.Enabled, attrDescription: p.Description, AttrEpoch: p.Epoch,
		attrChildren: int64(0),
	}
	setText(i, attrAncestors, strings.Join(p.Ancestors, "/"))
	setSet(i, attrTags, p.Tags)
	setBytes(i, attrOptions, p.Options)
	setBytes(i, attrExtra, p.Extra)
	setSet(i, attrGrantedGroups, p.GrantedGroups)
	return i
}

// ProjectFrom reads a project's item.
func ProjectFrom(i store.Item) Project {
	p := Project{
		ID: i.Str(attrID), Name: i.Str(attrName), DomainID: i.Str(attrDomain), DomainName: i.Str(attrDomainName),
		ParentID: i.Str(attrParent), Enabled: i.Bool(AttrEnabled), Description: i.Str(attrDescription),
		Tags: i.Set(attrTags), Options: i.Bytes(attrOptions), Extra: i.Bytes(attrExtra), Epoch: i.Int(AttrEpoch),
		GrantedGroups: i.Set(attrGrantedGroups),
	}
	if a := i.Str(attrAncestors); a != "" {
		p.Ancestors = strings.Split(a, "/")
	}
	return p
}

// FindProject is a pass: the project as it stands, enabled or not.
func FindProject(rs *store.ReadSet, id string) (Project, error) {
	if !rs.Known(store.Project(id), rs.Head()) {
		return Project{}, store.ErrPending
	}
	i, _ := rs.Get(store.Project(id))
	if i == nil {
		return Project{}, problem.NotFound("project", id)
	}
	p := ProjectFrom(i)
	if err := within(rs, p.DomainID, "project", id); err != nil {
		return Project{}, err
	}
	return p, nil
}

// Domain is a domain.
type Domain struct {
	ID            string
	Name          string
	Enabled       bool
	Description   string
	Tags          store.Set
	Options       []byte
	Extra         []byte
	GrantedGroups store.Set
}

func (d Domain) item() store.Item {
	i := store.Item{
		store.AttrType: "domain", attrID: d.ID, attrName: d.Name, AttrEnabled: d.Enabled, attrDescription: d.Description,
	}
	setSet(i, attrTags, d.Tags)
	setBytes(i, attrOptions, d.Options)
	setBytes(i, attrExtra, d.Extra)
	setSet(i, attrGrantedGroups, d.GrantedGroups)
	return i
}

// DomainFrom reads a domain's item.
func DomainFrom(i store.Item) Domain {
	return Domain{
		ID: i.Str(attrID), Name: i.Str(attrName), Enabled: i.Bool(AttrEnabled), Description: i.Str(attrDescription),
		Tags: i.Set(attrTags), Options: i.Bytes(attrOptions), Extra: i.Bytes(attrExtra), GrantedGroups: i.Set(attrGrantedGroups),
	}
}

// FindDomain is a pass: the domain as it stands, enabled or not.
func FindDomain(rs *store.ReadSet, id string) (Domain, error) {
	i, err := rs.Get(store.Domain(id))
	if err != nil {
		return Domain{}, err
	}
	if i == nil {
		return Domain{}, problem.NotFound("domain", id)
	}
	return DomainFrom(i), nil
}
