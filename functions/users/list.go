package users

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type listIn struct {
	DomainID *string `query:"domain_id"`
	Name     *string `query:"name"`
	api.Paging
}

// list lists users: all, or with a token scoped to a domain those of that domain.
func list(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[listIn]{Name: "ListUsers", Action: "identity:list_users"},
		func(ctx context.Context, c *api.Call, in listIn) (listBody, error) {
			if err := c.Authorize(policy.DomainList{DomainID: c.Caller.ScopeDomainID}); err != nil {
				return listBody{}, err
			}
			filter, err := selection(c)
			if err != nil {
				return listBody{}, err
			}
			found, more, err := d.Users(ctx, directory.PageFor(c.Caller, in.DomainID, in.Name, in.Page),
				func(u directory.User) bool { return filter.Holds(attributesOf(u)) })
			if err != nil {
				return listBody{}, err
			}
			return showList(c, found, more), nil
		})
}

func selection(c *api.Call) (api.Filter, error) {
	return c.Filter([]string{"name", "domain_id", "description", "default_project_id",
		"idp_id", "protocol_id", "unique_id", "password_expires_at"}, []string{"enabled"})
}

func attributesOf(u directory.User) api.Attributes {
	a := api.Attributes{"name": u.Name, "domain_id": u.DomainID, "enabled": u.Enabled, "default_project_id": u.DefaultProjectID}
	if u.Description != nil {
		a["description"] = *u.Description
	}
	return a
}

func showList(c *api.Call, found []directory.User, more bool) listBody {
	b := listBody{Users: make([]shown, 0, len(found)), Collection: c.Collection("")}
	for _, u := range found {
		b.Users = append(b.Users, show(c, u))
	}
	if more {
		b.Collection = c.Collection(found[len(found)-1].ID)
	}
	return b
}

type inGroup struct {
	GroupID string `path:"group_id"`
}

// listInGroup lists the members of a group (D-104).
func listInGroup(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[inGroup]{
		Name: "ListUsersInGroup", Action: "identity:list_users_in_group",
		Reads: func(rs *store.ReadSet, in inGroup) { rs.Want(store.Group(in.GroupID), rs.Head()) },
	}, func(ctx context.Context, c *api.Call, in inGroup) (listBody, error) {
		err := c.AuthorizeFound(ctx, func() (policy.Resource, error) {
			g, err := directory.FindGroup(c.Reads, in.GroupID)
			return policy.Group{ID: g.ID, DomainID: g.DomainID}, err
		})
		if err != nil {
			return listBody{}, err
		}
		filter, err := selection(c)
		if err != nil {
			return listBody{}, err
		}
		members, err := d.Members(ctx, in.GroupID)
		if err != nil {
			return listBody{}, err
		}
		return showList(c, api.Select(filter, members, attributesOf), false), nil
	})
}
