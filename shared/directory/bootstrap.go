package directory

import (
	"context"
	"fmt"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// DefaultDomain is the id of the domain that exists from the start (D-090).
const DefaultDomain = "default"

// BootstrapOptions is what a first start needs to be told (contract/directory.md section 12).
// Names left empty are as keystone-manage chooses them.
type BootstrapOptions struct {
	AdminPassword secret.Text // mandatory
	KeepPassword  bool        // AdminPassword is for a user who is made; one who is there keeps hers
	UserName      string      // admin
	ProjectName   string      // admin
	RoleName      string      // admin
	ServiceName   string      // keystone
	RegionID      string      // RegionOne

	PublicURL, InternalURL, AdminURL string // endpoints; only those that are given are made
}

// BootstrapResult names what there is after a bootstrap.
type BootstrapResult struct {
	UserID, ProjectID, RoleID string

	UserMade bool // and not found
}

// chain is what each role of the first start implies (D-194).
var chain = []struct{ name, implies string }{
	{"reader", ""}, {"member", "reader"}, {"manager", "member"}, {"admin", "manager"}, {"service", ""},
}

// Bootstrap makes the first domain, project, user, roles, grants and catalog entries. It
// can be run again, and by several at once: what is there stays, with its ids, except
// that the user is enabled and gets the password (D-192) unless she is to keep hers, and that the endpoints get the
// URLs (D-196).
func (d *Directory) Bootstrap(ctx context.Context, o BootstrapOptions) (BootstrapResult, error) {
	if o.AdminPassword.Empty() {
		return BootstrapResult{}, problem.Invalid("admin password", "is required")
	}
	for _, v := range []struct {
		option   *string
		standard string
	}{
		{&o.UserName, "admin"}, {&o.ProjectName, "admin"}, {&o.RoleName, "admin"}, {&o.ServiceName, "keystone"}, {&o.RegionID, "RegionOne"},
	} {
		if *v.option == "" {
			*v.option = v.standard
		}
	}
	b := bootstrap{Directory: d, o: o, roles: map[string]string{}}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"roles", b.makeRoles}, {"domain", b.makeDomain}, {"project", b.makeProject}, {"user", b.makeUser},
		{"grants", b.makeGrants}, {"catalog", b.makeCatalog},
	} {
		if err := step.do(ctx); err != nil {
			return BootstrapResult{}, fmt.Errorf("bootstrap %s: %w", step.what, err)
		}
	}
	return BootstrapResult{UserID: b.userID, ProjectID: b.projectID, RoleID: b.roles[o.RoleName], UserMade: b.userMade}, nil
}

type bootstrap struct {
	*Directory
	o                 BootstrapOptions
	roles             map[string]string // ids by name
	userID, projectID string
	userMade          bool
}

// existing is the id that holds a name, "" when it is free.
func (d *Directory) existing(ctx context.Context, name store.Key) (string, error) {
	ids, err := d.claimants(ctx, []string{""}, func(string) store.Key { return name })
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// ensure makes what holds a name unless it is there; whoever loses a race for the name
// takes what the winner made.
func (d *Directory) ensure(ctx context.Context, name store.Key, create func(*store.ReadSet) (string, error)) (id string, made bool, err error) {
	if id, err = d.existing(ctx, name); err != nil || id != "" {
		return id, false, err
	}
	id, err = create(store.NewReadSet(d.table))
	if problem.Is(err, problem.KindConflict) {
		id, err = d.existing(ctx, name)
		return id, false, err
	}
	return id, true, err
}

func (b *bootstrap) makeRoles(ctx context.Context) error {
	immutable := true
	make := func(name string) error {
		id, _, err := b.ensure(ctx, store.RoleName("", name), func(rs *store.ReadSet) (string, error) {
			r, err := b.CreateRole(ctx, rs, Role{Name: name, Immutable: &immutable})
			return r.ID, err
		})
		b.roles[name] = id
		return err
	}
	for _, r := range chain {
		if err := make(r.name); err != nil {
			return err
		}
		if r.implies == "" {
			continue
		}
		err := b.Imply(ctx, store.NewReadSet(b.table), b.roles[r.name], b.roles[r.implies])
		if err != nil && !problem.Is(err, problem.KindConflict) {
			return err
		}
	}
	if _, ok := b.roles[b.o.RoleName]; ok {
		return nil
	}
	return make(b.o.RoleName)
}

func (b *bootstrap) makeDomain(ctx context.Context) error {
	_, err := b.CreateDomain(ctx, store.NewReadSet(b.table), Domain{
		ID: DefaultDomain, Name: "Default", Description: "The default domain", Enabled: true,
	})
	if problem.Is(err, problem.KindConflict) {
		return nil
	}
	return err
}

func (b *bootstrap) makeProject(ctx context.Context) (err error) {
	b.projectID, _, err = b.ensure(ctx, store.ProjectName(DefaultDomain, b.o.ProjectName), func(rs *store.ReadSet) (string, error) {
		p, err := b.CreateProject(ctx, rs, Project{
			Name: b.o.ProjectName, DomainID: DefaultDomain, Enabled: true, Description: "Bootstrap project for initializing the cloud.",
		})
		return p.ID, err
	})
	return err
}

func (b *bootstrap) makeUser(ctx context.Context) error {
	id, made, err := b.ensure(ctx, store.UserName(DefaultDomain, b.o.UserName), func(rs *store.ReadSet) (string, error) {
		u, err := b.CreateUser(ctx, rs, User{Name: b.o.UserName, DomainID: DefaultDomain, Enabled: true}, &b.o.AdminPassword)
		return u.ID, err
	})
	b.userID, b.userMade = id, made
	if err != nil || made {
		return err
	}
	password := &b.o.AdminPassword
	if b.o.KeepPassword {
		password = nil
	}
	_, err = b.UpdateUser(ctx, store.NewReadSet(b.table), id, func(u *User) error {
		u.Enabled = true
		return nil
	}, password)
	return err
}

func (b *bootstrap) makeGrants(ctx context.Context) error {
	for _, t := range []store.Target{store.OnProject(b.projectID), store.OnSystem()} {
		err := b.Grant(ctx, store.NewReadSet(b.table), store.UserActor(b.userID), t, b.roles[b.o.RoleName])
		if err != nil {
			return err
		}
	}
	return nil
}

// makeCatalog makes the region, and the service with its endpoints in one transaction
// each time, so that two at once cannot both add one: each moves the head of the
// directory from the version at which it saw what is missing.
func (b *bootstrap) makeCatalog(ctx context.Context) error {
	_, err := b.CreateRegion(ctx, store.NewReadSet(b.table), Region{ID: b.o.RegionID})
	if err != nil && !problem.Is(err, problem.KindConflict) {
		return err
	}
	rs := store.NewReadSet(b.table)
	return b.commit(ctx, rs, func() ([]store.Mutation, error) {
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		catalog, err := b.registry.Catalog(rs)
		if err != nil {
			return nil, err
		}
		m := b.missing(catalog)
		if len(m) == 0 {
			return nil, nil
		}
		return append(moveCatalog(head), m...), nil
	})
}

func (b *bootstrap) missing(catalog *Catalog) []store.Mutation {
	var m []store.Mutation
	service := Service{ID: newID(), Type: "identity", Name: b.o.ServiceName, Enabled: true}
	found := false
	for _, s := range catalog.Services {
		if s.Type == service.Type && s.Name == service.Name && (!found || s.ID < service.ID) {
			service, found = s, true
		}
	}
	if !found {
		m = append(m, store.Create(store.Service(service.ID), service.item()))
	}
	for _, want := range []struct{ iface, url string }{
		{"public", b.o.PublicURL}, {"internal", b.o.InternalURL}, {"admin", b.o.AdminURL},
	} {
		if want.url == "" {
			continue
		}
		e := Endpoint{ID: newID(), ServiceID: service.ID, Interface: want.iface, URL: want.url, RegionID: b.o.RegionID, Enabled: true}
		at, ok := catalog.endpointLike(e)
		switch {
		case !ok:
			m = append(m, store.Create(store.Endpoint(e.ID), e.item()))
		case at.URL != e.URL:
			m = append(m, store.Update(store.Endpoint(at.ID)).Set(attrURL, e.URL))
		}
	}
	return m
}

// endpointLike finds an endpoint of the same service, region and interface.
func (c *Catalog) endpointLike(e Endpoint) (Endpoint, bool) {
	for _, at := range c.Endpoints {
		if at.ServiceID == e.ServiceID && at.RegionID == e.RegionID && at.Interface == e.Interface {
			return at, true
		}
	}
	return Endpoint{}, false
}
