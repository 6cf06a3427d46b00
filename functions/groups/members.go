package groups

import (
	"cmp"
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type member struct {
	GroupID string `path:"group_id"`
	UserID  string `path:"user_id"`
}

func wantMember(rs *store.ReadSet, in member) {
	rs.Want(store.Group(in.GroupID), store.User(in.UserID), rs.Head())
}

// authorize asks policy about a membership, which a rule judges by both domains.
func (in member) authorize(ctx context.Context, c *api.Call) error {
	return c.AuthorizeFound(ctx, func() (policy.Resource, error) {
		wantMember(c.Reads, in)
		u, noUser := directory.FindUser(c.Reads, in.UserID)
		g, noGroup := directory.FindGroup(c.Reads, in.GroupID)
		return policy.Membership{UserDomainID: u.DomainID, GroupDomainID: g.DomainID}, cmp.Or(noGroup, noUser)
	})
}

// addMember makes a user a member of a group (D-101, D-102).
func addMember(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[member]{Name: "AddUserToGroup", Action: "identity:add_user_to_group", Status: http.StatusNoContent, Reads: wantMember},
		func(ctx context.Context, c *api.Call, in member) (api.NoBody, error) {
			if err := in.authorize(ctx, c); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Join(ctx, c.Reads, in.GroupID, in.UserID)
		})
}

func checkMember() api.Operation {
	return api.Op(api.Spec[member]{Name: "CheckUserInGroup", Action: "identity:check_user_in_group", Status: http.StatusNoContent, Reads: wantMember},
		func(ctx context.Context, c *api.Call, in member) (api.NoBody, error) {
			if err := in.authorize(ctx, c); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, c.Settle(ctx, func() error { return directory.IsMember(c.Reads, in.GroupID, in.UserID) })
		})
}

// removeMember takes a user out of a group; her tokens end with it (D-103).
func removeMember(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[member]{Name: "RemoveUserFromGroup", Action: "identity:remove_user_from_group", Status: http.StatusNoContent, Reads: wantMember},
		func(ctx context.Context, c *api.Call, in member) (api.NoBody, error) {
			if err := in.authorize(ctx, c); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.Leave(ctx, c.Reads, in.GroupID, in.UserID)
		})
}
