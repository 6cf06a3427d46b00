package directory

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"mandate/shared/problem"
	"mandate/shared/store"
)

// Interfaces are the kinds of audience an endpoint can be for.
var Interfaces = []string{"public", "internal", "admin"}

var placeholder = regexp.MustCompile(`[$%]\(([^()]*)\)s`)

// known are the names that may be filled into an endpoint's URL (D-165).
var known = map[string]bool{"project_id": true, "tenant_id": true, "user_id": true, "compute_host": true, "public_endpoint": true}

// CheckEndpointURL judges an endpoint's URL with its placeholders $(name)s and %(name)s.
func CheckEndpointURL(attribute, raw string) error {
	for _, m := range placeholder.FindAllStringSubmatch(raw, -1) {
		if !known[m[1]] {
			return problem.Invalid(attribute, "must not hold the placeholder "+m[1])
		}
	}
	plain := placeholder.ReplaceAllString(raw, "x")
	if strings.ContainsAny(plain, "$()") || strings.Contains(strings.ReplaceAll(plain, "%%", ""), "%(") {
		return problem.Invalid(attribute, "must hold placeholders as $(name)s only")
	}
	u, err := url.Parse(plain)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return problem.Invalid(attribute, "must be a URL with scheme and host")
	}
	return nil
}

// catalogItem is a pass: an item of the catalog as the table has it, and the head that a change moves.
func catalogItem(rs *store.ReadSet, k store.Key, kind, id string) (store.Item, Head, error) {
	if !rs.Known(k, rs.Head()) {
		return nil, Head{}, store.ErrPending
	}
	head, err := ReadHead(rs)
	if err != nil {
		return nil, head, err
	}
	i, err := rs.Get(k)
	if err == nil && i == nil {
		err = problem.NotFound(kind, id)
	}
	return i, head, err
}

func moveCatalog(head Head) []store.Mutation {
	return MoveHead(head, func(m store.Mutation) store.Mutation { return m.Set(attrCatalog, head.Catalog+1) })
}

// CreateService adds a service; several may share type and name (D-160).
func (d *Directory) CreateService(ctx context.Context, rs *store.ReadSet, s Service) (Service, error) {
	s.ID = newID()
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		return append(moveCatalog(head), store.Create(store.Service(s.ID), s.item())), nil
	})
	return s, err
}

// UpdateService changes a service.
func (d *Directory) UpdateService(ctx context.Context, rs *store.ReadSet, id string, edit func(*Service) error) (Service, error) {
	var after Service
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		i, head, err := catalogItem(rs, store.Service(id), "service", id)
		if err != nil {
			return nil, err
		}
		before := serviceFrom(i)
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		c := changes(store.Service(id))
		c.keep(attrKind, before.Type, after.Type)
		c.keep(attrName, before.Name, after.Name)
		c.flag(AttrEnabled, before.Enabled, after.Enabled)
		c.optional(attrDescription, before.Description, after.Description)
		c.blob(attrExtra, before.Extra, after.Extra)
		return c.with(moveCatalog(head)), nil
	})
	return after, err
}

// DeleteService removes a service with its endpoints (D-163).
func (d *Directory) DeleteService(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		_, head, err := catalogItem(rs, store.Service(id), "service", id)
		if err != nil {
			return nil, err
		}
		catalog, err := d.registry.Catalog(rs)
		if err != nil {
			return nil, err
		}
		m := append(moveCatalog(head), store.Delete(store.Service(id)))
		for _, e := range catalog.Endpoints {
			// More than fit into the write stay without a service, and are shown nowhere.
			if e.ServiceID == id && len(m) < store.MaxMutations {
				m = append(m, store.Delete(store.Endpoint(e.ID)))
			}
		}
		return m, nil
	})
}

// findEndpointParts is a pass: the checks of a write that needs an endpoint's parts; Invalid unless service and region of an endpoint are there
// (D-166, D-166b). makeRegion says that a region may be created for it.
func findEndpointParts(rs *store.ReadSet, e Endpoint, makeRegion bool) ([]store.Mutation, error) {
	keys := []store.Key{store.Service(e.ServiceID)}
	if e.RegionID != "" {
		keys = append(keys, store.Region(e.RegionID))
	}
	if !rs.Known(keys...) {
		return nil, store.ErrPending
	}
	if i, _ := rs.Get(keys[0]); i == nil {
		return nil, problem.Invalid("endpoint.service_id", "must be the id of a service")
	}
	m := []store.Mutation{store.Check(keys[0])}
	if e.RegionID == "" {
		return m, nil
	}
	switch i, _ := rs.Get(keys[1]); {
	case i != nil:
		m = append(m, store.Check(keys[1]))
	case makeRegion:
		m = append(m, store.Create(keys[1], Region{ID: e.RegionID}.item()))
	default:
		return nil, problem.Invalid("endpoint.region_id", "must be the id of a region")
	}
	return m, nil
}

// CreateEndpoint adds an endpoint. With makeRegion a region that is not there is created,
// as the old attribute "region" asks for.
func (d *Directory) CreateEndpoint(ctx context.Context, rs *store.ReadSet, e Endpoint, makeRegion bool) (Endpoint, error) {
	e.ID = newID()
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		parts, err := findEndpointParts(rs, e, makeRegion)
		if err != nil {
			return nil, err
		}
		head, err := ReadHead(rs)
		if err != nil {
			return nil, err
		}
		return append(append(moveCatalog(head), parts...), store.Create(store.Endpoint(e.ID), e.item())), nil
	})
	return e, err
}

// UpdateEndpoint changes an endpoint.
func (d *Directory) UpdateEndpoint(ctx context.Context, rs *store.ReadSet, id string, edit func(*Endpoint) error, makeRegion bool) (Endpoint, error) {
	var after Endpoint
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		i, head, err := catalogItem(rs, store.Endpoint(id), "endpoint", id)
		if err != nil {
			return nil, err
		}
		before := endpointFrom(i)
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		parts, err := findEndpointParts(rs, after, makeRegion)
		if err != nil {
			return nil, err
		}
		c := changes(store.Endpoint(id))
		c.keep(attrService, before.ServiceID, after.ServiceID)
		c.keep(attrInterface, before.Interface, after.Interface)
		c.keep(attrURL, before.URL, after.URL)
		c.text(attrRegion, before.RegionID, after.RegionID)
		c.text(attrName, before.Name, after.Name)
		c.flag(AttrEnabled, before.Enabled, after.Enabled)
		c.blob(attrExtra, before.Extra, after.Extra)
		return c.with(append(moveCatalog(head), parts...)), nil
	})
	return after, err
}

// DeleteEndpoint removes an endpoint.
func (d *Directory) DeleteEndpoint(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.removeCatalogItem(ctx, rs, store.Endpoint(id), "endpoint", id, nil)
}

func (d *Directory) removeCatalogItem(ctx context.Context, rs *store.ReadSet, k store.Key, kind, id string, judge func(*Catalog) error) error {
	return d.commit(ctx, rs, func() ([]store.Mutation, error) {
		_, head, err := catalogItem(rs, k, kind, id)
		if err != nil {
			return nil, err
		}
		if judge != nil {
			catalog, err := d.registry.Catalog(rs)
			if err != nil {
				return nil, err
			}
			if err := judge(catalog); err != nil {
				return nil, err
			}
		}
		return append(moveCatalog(head), store.Delete(k)), nil
	})
}

// CreateRegion adds a region under its own id, or a new one when that is empty (D-168).
// Conflict when the id is taken, NotFound when its parent is not there (D-170).
func (d *Directory) CreateRegion(ctx context.Context, rs *store.ReadSet, r Region) (Region, error) {
	if r.ID == "" {
		r.ID = newID()
	}
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		_, head, err := catalogItem(rs, store.Region(r.ID), "region", r.ID)
		if err == nil {
			return nil, problem.Conflict("region", "the id "+r.ID+" is taken")
		}
		if !problem.Is(err, problem.KindNotFound) {
			return nil, err
		}
		m := append(moveCatalog(head), store.Create(store.Region(r.ID), r.item()))
		if r.ParentID == "" {
			return m, nil
		}
		if _, _, err := catalogItem(rs, store.Region(r.ParentID), "region", r.ParentID); err != nil {
			return nil, err
		}
		return append(m, store.Check(store.Region(r.ParentID))), nil
	})
	return r, err
}

// UpdateRegion changes a region; Invalid when it would come to stand below itself.
func (d *Directory) UpdateRegion(ctx context.Context, rs *store.ReadSet, id string, edit func(*Region) error) (Region, error) {
	var after Region
	err := d.commit(ctx, rs, func() ([]store.Mutation, error) {
		i, head, err := catalogItem(rs, store.Region(id), "region", id)
		if err != nil {
			return nil, err
		}
		before := regionFrom(i)
		after = before
		if err := edit(&after); err != nil {
			return nil, err
		}
		m := moveCatalog(head)
		if after.ParentID != before.ParentID && after.ParentID != "" {
			catalog, err := d.registry.Catalog(rs)
			if err != nil {
				return nil, err
			}
			if err := catalog.judgeParent(id, after.ParentID); err != nil {
				return nil, err
			}
			m = append(m, store.Check(store.Region(after.ParentID)))
		}
		c := changes(store.Region(id))
		c.keep(attrDescription, before.Description, after.Description)
		c.text(attrParent, before.ParentID, after.ParentID)
		c.blob(attrExtra, before.Extra, after.Extra)
		return c.with(m), nil
	})
	return after, err
}

// judgeParent finds unknown parents and loops (D-170). The write that follows moves the
// head from the version this catalog belongs to, so no loop is closed from two sides.
func (c *Catalog) judgeParent(id, parent string) error {
	for at := parent; at != ""; {
		if at == id {
			return problem.Invalid("region.parent_region_id", "must not make the region its own ancestor")
		}
		r, ok := c.Regions[at]
		if !ok {
			return problem.NotFound("region", at)
		}
		at = r.ParentID
	}
	return nil
}

// DeleteRegion removes a region; Forbidden while endpoints or regions hang on it.
func (d *Directory) DeleteRegion(ctx context.Context, rs *store.ReadSet, id string) error {
	return d.removeCatalogItem(ctx, rs, store.Region(id), "region", id, func(c *Catalog) error {
		for _, e := range c.Endpoints {
			if e.RegionID == id {
				return problem.ForbiddenBecause("region " + id + " has endpoints")
			}
		}
		for _, r := range c.Regions {
			if r.ParentID == id {
				return problem.ForbiddenBecause("region " + id + " has regions below it")
			}
		}
		return nil
	})
}
