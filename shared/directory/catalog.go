package directory

import (
	"context"
	"fmt"

	"mandate/shared/store"
)

// Service is a service of the catalog.
type Service struct {
	ID, Type, Name string
	Enabled        bool
	Description    *string
	Extra          []byte
}

// Endpoint is where a service is reached.
type Endpoint struct {
	ID, ServiceID, Interface, URL string
	RegionID                      string // "" for none
	Enabled                       bool
	Name                          string
	Extra                         []byte
}

// Region groups endpoints.
type Region struct {
	ID, Description, ParentID string
	Extra                     []byte
}

const (
	attrKind      = "kind"
	attrService   = "service_id"
	attrInterface = "interface"
	attrURL       = "url"
	attrRegion    = "region_id"
)

func (s Service) item() store.Item {
	i := store.Item{store.AttrType: "service", attrID: s.ID, attrKind: s.Type, attrName: s.Name, AttrEnabled: s.Enabled}
	setOptional(i, attrDescription, s.Description)
	setBytes(i, attrExtra, s.Extra)
	return i
}

func (e Endpoint) item() store.Item {
	i := store.Item{
		store.AttrType: "endpoint", attrID: e.ID, attrService: e.ServiceID, attrInterface: e.Interface,
		attrURL: e.URL, AttrEnabled: e.Enabled,
	}
	setText(i, attrRegion, e.RegionID)
	setText(i, attrName, e.Name)
	setBytes(i, attrExtra, e.Extra)
	return i
}

func (r Region) item() store.Item {
	i := store.Item{store.AttrType: "region", attrID: r.ID, attrDescription: r.Description}
	setText(i, attrParent, r.ParentID)
	setBytes(i, attrExtra, r.Extra)
	return i
}

// Catalog is all services, endpoints and regions at one version. It is shared and must
// not be changed.
type Catalog struct {
	Version   int64
	Services  map[string]Service
	Endpoints map[string]Endpoint
	Regions   map[string]Region

	shown []CatalogService // what tokens show of it, made once a version (catalog_shown.go)
}

// Catalog is a pass: the catalog, at least as new as the head that the read set saw.
func (g *Registry) Catalog(rs *store.ReadSet) (*Catalog, error) {
	head, err := ReadHead(rs)
	if err != nil {
		return nil, err
	}
	if c := g.catalog.Load(); c.Version >= head.Catalog {
		return c, nil
	}
	rs.WantLoad("catalog", func(ctx context.Context) error {
		fresh := &Catalog{
			Version: head.Catalog, Services: map[string]Service{}, Endpoints: map[string]Endpoint{}, Regions: map[string]Region{},
		}
		err := along(ctx, g.table, store.Partition(store.Service("")), func(e store.Entry) error {
			fresh.add(e.Item)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read catalog: %w", err)
		}
		if err := fresh.prepare(); err != nil {
			return err
		}
		replaceIfNewer(&g.catalog, fresh, func(c *Catalog) int64 { return c.Version })
		return nil
	})
	return nil, store.ErrPending
}

func (c *Catalog) add(i store.Item) {
	switch id := i.Str(attrID); i.Str(store.AttrType) {
	case "service":
		c.Services[id] = serviceFrom(i)
	case "endpoint":
		c.Endpoints[id] = endpointFrom(i)
	case "region":
		c.Regions[id] = regionFrom(i)
	}
}

func serviceFrom(i store.Item) Service {
	return Service{
		ID: i.Str(attrID), Type: i.Str(attrKind), Name: i.Str(attrName), Enabled: i.Bool(AttrEnabled),
		Description: optional(i, attrDescription), Extra: i.Bytes(attrExtra),
	}
}

func endpointFrom(i store.Item) Endpoint {
	return Endpoint{
		ID: i.Str(attrID), ServiceID: i.Str(attrService), Interface: i.Str(attrInterface), URL: i.Str(attrURL),
		RegionID: i.Str(attrRegion), Enabled: i.Bool(AttrEnabled), Name: i.Str(attrName), Extra: i.Bytes(attrExtra),
	}
}

func regionFrom(i store.Item) Region {
	return Region{
		ID: i.Str(attrID), Description: i.Str(attrDescription), ParentID: i.Str(attrParent), Extra: i.Bytes(attrExtra),
	}
}
