package domains

import (
	"context"
	"slices"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
)

type listBody struct {
	Domains []shown `json:"domains"`
	api.Collection
}

type listIn struct {
	Name *string `query:"name"`
	api.Paging
}

func attributesOf(d directory.Domain) api.Attributes {
	return api.Attributes{"name": d.Name, "enabled": d.Enabled, "description": d.Description}
}

// list lists domains; with a domain-scoped token its own only.
func list(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListDomains", Action: "identity:list_domains"},
		func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
			own := c.Caller.ScopeDomainID
			if err := c.Authorize(policy.DomainList{DomainID: own}); err != nil {
				return listBody{}, err
			}
			filter, err := c.Filter([]string{"name", "description"}, []string{"enabled"})
			if err != nil {
				return listBody{}, err
			}
			found, more, err := d.Domains(ctx, directory.PageFor(c.Caller, nil, in.Name, in.Page), func(d directory.Domain) bool {
				return (own == "" || d.ID == own) && filter.Holds(attributesOf(d))
			})
			if err != nil {
				return listBody{}, err
			}
			b := showList(c, found)
			if more {
				b.Collection = c.Collection(found[len(found)-1].ID)
			}
			return b, nil
		})
}

func showList(c *api.Call, found []directory.Domain) listBody {
	b := listBody{Domains: make([]shown, 0, len(found)), Collection: c.Collection("")}
	for _, d := range found {
		b.Domains = append(b.Domains, show(c, d))
	}
	return b
}

// listOwn lists the domains to which the caller's user can scope a token (T-091).
func listOwn(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[struct{}]{Name: "GetAuthDomains", Action: "identity:get_auth_domains"},
		func(ctx context.Context, c *api.Call, _ struct{}) (listBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return listBody{}, err
			}
			filter, err := c.Filter([]string{"name", "description"}, []string{"enabled"})
			if err != nil {
				return listBody{}, err
			}
			var u directory.User
			err = c.Settle(ctx, func() (err error) {
				u, err = directory.FindUser(c.Reads, c.Caller.UserID)
				return err
			})
			if err != nil {
				return listBody{}, err
			}
			reach, err := d.Reach(ctx, c.Reads, u, directory.ReachOf{Domains: true})
			if err != nil {
				return listBody{}, err
			}
			return showList(c, api.Select(filter, usable(reach.Domains), attributesOf)), nil
		})
}

// usable leaves out disabled domains: no token is issued for them.
func usable(domains []directory.Domain) []directory.Domain {
	return slices.DeleteFunc(domains, func(d directory.Domain) bool { return !d.Enabled })
}
