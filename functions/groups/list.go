package groups

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type listBody struct {
	Groups []shown `json:"groups"`
	api.Collection
}

type listIn struct {
	DomainID *string `query:"domain_id"`
	Name     *string `query:"name"`
	api.Paging
}

func attributesOf(g directory.Group) api.Attributes {
	return api.Attributes{"name": g.Name, "domain_id": g.DomainID, "description": g.Description}
}

func list(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListGroups", Action: "identity:list_groups"},
		func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
			if err := c.Authorize(policy.DomainList{DomainID: c.Caller.ScopeDomainID}); err != nil {
				return listBody{}, err
			}
			filter, err := c.Filter([]string{"name", "domain_id", "description"}, nil)
			if err != nil {
				return listBody{}, err
			}
			found, more, err := d.Groups(ctx, directory.PageFor(c.Caller, in.DomainID, in.Name, in.Page),
				func(g directory.Group) bool { return filter.Holds(attributesOf(g)) })
			if err != nil {
				return listBody{}, err
			}
			b := listBody{Groups: make([]shown, 0, len(found)), Collection: c.Collection("")}
			for _, g := range found {
				b.Groups = append(b.Groups, show(c, g))
			}
			if more {
				b.Collection = c.Collection(found[len(found)-1].ID)
			}
			return b, nil
		})
}

type ofUser struct {
	UserID string `path:"user_id"`
}

// membership is a group of a user; it never expires here (D-045).
type membership struct {
	shown
	ExpiresAt *string `json:"membership_expires_at"`
}

type membershipsBody struct {
	Groups []membership `json:"groups"`
	api.Collection
}

// listOfUser lists the groups that a user belongs to (D-045).
func listOfUser() api.Operation {
	return api.Op(api.Spec[ofUser]{
		Name: "ListGroupsForUser", Action: "identity:list_groups_for_user",
		Reads: func(rs *store.ReadSet, in ofUser) { rs.Want(store.User(in.UserID), rs.Head()) },
	}, func(ctx context.Context, c *api.Call, in ofUser) (membershipsBody, error) {
		var u directory.User
		err := c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
			u, err = directory.FindUser(c.Reads, in.UserID)
			return policy.User{ID: u.ID, DomainID: u.DomainID}, err
		})
		if err != nil {
			return membershipsBody{}, err
		}
		filter, err := c.Filter([]string{"name", "domain_id", "description"}, nil)
		if err != nil {
			return membershipsBody{}, err
		}
		var found []directory.Group
		err = c.Settle(ctx, func() (err error) {
			found, err = directory.GroupsOf(c.Reads, u)
			return err
		})
		if err != nil {
			return membershipsBody{}, err
		}
		b := membershipsBody{Groups: []membership{}, Collection: c.Collection("")}
		for _, g := range api.Select(filter, found, attributesOf) {
			b.Groups = append(b.Groups, membership{shown: show(c, g)})
		}
		return b, nil
	})
}
