package catalog

import (
	"context"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

type shownRegion struct {
	ID          string          `json:"id"`
	Description string          `json:"description"`
	ParentID    *string         `json:"parent_region_id"`
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

func showRegion(c *api.Call, r directory.Region) shownRegion {
	s := shownRegion{
		ID: r.ID, Description: r.Description, Extra: directory.Fields(r.Extra),
		Links: api.SelfLink{Self: c.Link("regions", url.PathEscape(r.ID))},
	}
	if r.ParentID != "" {
		s.ParentID = &r.ParentID
	}
	return s
}

type regionBody struct {
	Region shownRegion `json:"region"`
}

type regionsBody struct {
	Regions []shownRegion `json:"regions"`
	api.Collection
}

// regionAttributes are a client's words about a region.
type regionAttributes struct {
	ID          jsontext.Value            `json:"id"`
	Links       jsontext.Value            `json:"links"`
	Description api.Given[string]         `json:"description"`
	ParentID    api.Given[string]         `json:"parent_region_id"`
	Extra       map[string]jsontext.Value `json:",embed"`
}

func (r *regionAttributes) apply(to *directory.Region) error {
	if r.Description.Set {
		to.Description = r.Description.Value
	}
	if r.ParentID.Set {
		to.ParentID = r.ParentID.Value
	}
	to.Extra = directory.Merge(to.Extra, r.Extra, false)
	return nil
}

// maxRegionID is the longest id of a region in characters (D-168).
const maxRegionID = 255

type createRegionIn struct {
	Body struct {
		Region *struct {
			ID api.Given[string] `json:"id"`
			newRegion
		} `json:"region"`
	} `body:"json"`
}

// newRegion is regionAttributes but for the id, which a client may choose.
type newRegion struct {
	Links       jsontext.Value            `json:"links"`
	Description api.Given[string]         `json:"description"`
	ParentID    api.Given[string]         `json:"parent_region_id"`
	Extra       map[string]jsontext.Value `json:",embed"`
}

func (r newRegion) region(id string) directory.Region {
	return directory.Region{
		ID: id, Description: r.Description.Value, ParentID: r.ParentID.Value, Extra: directory.Merge(nil, r.Extra, false),
	}
}

// Check judges the id that was chosen.
func (in *createRegionIn) Check() error {
	if in.Body.Region == nil {
		return problem.Invalid("region", "is required")
	}
	return checkRegionID(in.Body.Region.ID.Value)
}

func checkRegionID(id string) error {
	if utf8.RuneCountInString(id) > maxRegionID {
		return problem.Invalid("region.id", "must not be longer than 255 characters")
	}
	return nil
}

func createRegion(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createRegionIn]{Name: "CreateRegion", Action: "identity:create_region", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createRegionIn) (regionBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return regionBody{}, err
			}
			r := in.Body.Region
			made, err := d.CreateRegion(ctx, c.Reads, r.region(r.ID.Value))
			return regionBody{showRegion(c, made)}, err
		})
}

type byRegion struct {
	RegionID string `path:"region_id"`
}

type regionAtIn struct {
	RegionID string `path:"region_id"`
	Body     struct {
		Region *regionAttributes `json:"region"`
	} `body:"json"`
}

// Check refuses another id than the path's (D-169).
func (in *regionAtIn) Check() error {
	r := in.Body.Region
	if r == nil {
		return problem.Invalid("region", "is required")
	}
	if err := api.SameID("region.id", r.ID, in.RegionID); err != nil {
		return err
	}
	return checkRegionID(in.RegionID)
}

// createRegionAt is PUT: it creates a region under the path's id (D-169).
func createRegionAt(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[regionAtIn]{Name: "CreateRegionWithID", Action: "identity:create_region", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in regionAtIn) (regionBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return regionBody{}, err
			}
			r := directory.Region{ID: in.RegionID}
			if err := in.Body.Region.apply(&r); err != nil {
				return regionBody{}, err
			}
			made, err := d.CreateRegion(ctx, c.Reads, r)
			return regionBody{showRegion(c, made)}, err
		})
}

func getRegion(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byRegion]{Name: "GetRegion", Action: "identity:get_region"},
		func(ctx context.Context, c *api.Call, in byRegion) (regionBody, error) {
			r, err := find(ctx, c, g, "region", in.RegionID, regions)
			return regionBody{showRegion(c, r)}, err
		})
}

func listRegions(g *directory.Registry) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "ListRegions", Action: "identity:list_regions"},
		func(ctx context.Context, c *api.Call, _ struct{}) (regionsBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return regionsBody{}, err
			}
			filter, err := c.Filter([]string{"parent_region_id"}, nil)
			if err != nil {
				return regionsBody{}, err
			}
			all, err := settle(ctx, c, g)
			if err != nil {
				return regionsBody{}, err
			}
			b := regionsBody{Regions: []shownRegion{}, Collection: c.Collection("")}
			for _, r := range api.Select(filter, sorted(all.Regions), func(r directory.Region) api.Attributes {
				return api.Attributes{"parent_region_id": r.ParentID}
			}) {
				b.Regions = append(b.Regions, showRegion(c, r))
			}
			return b, nil
		})
}

// updateRegionIn is regionAtIn whose change must not be empty.
type updateRegionIn struct {
	RegionID string `path:"region_id"`
	Body     struct {
		Region *regionAttributes `json:"region"`
	} `body:"json"`
}

// Check refuses an empty change and another id.
func (in *updateRegionIn) Check() error {
	if in.Body.Region != nil && api.Empty(*in.Body.Region) {
		return problem.Invalid("region", "must change something")
	}
	return (*regionAtIn)(in).Check()
}

func updateRegion(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[updateRegionIn]{Name: "UpdateRegion", Action: "identity:update_region"},
		func(ctx context.Context, c *api.Call, in updateRegionIn) (regionBody, error) {
			if _, err := find(ctx, c, g, "region", in.RegionID, regions); err != nil {
				return regionBody{}, err
			}
			changed, err := d.UpdateRegion(ctx, c.Reads, in.RegionID, in.Body.Region.apply)
			return regionBody{showRegion(c, changed)}, err
		})
}

func deleteRegion(d *directory.Directory, g *directory.Registry) api.Operation {
	return api.Op(api.Spec[byRegion]{Name: "DeleteRegion", Action: "identity:delete_region", Status: http.StatusNoContent},
		func(ctx context.Context, c *api.Call, in byRegion) (api.NoBody, error) {
			if _, err := find(ctx, c, g, "region", in.RegionID, regions); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteRegion(ctx, c.Reads, in.RegionID)
		})
}
