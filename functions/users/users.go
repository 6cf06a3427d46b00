// Package users serves the users of the directory (contract/directory.md section 4):
// who exists, her password, and where she holds roles.
package users

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// Operations lists what this area serves.
func Operations(a *app.App) []api.Operation {
	d := a.Directory
	return []api.Operation{
		create(d), get(), list(d), update(d), remove(d), changePassword(a), endTokens(d),
		listInGroup(d),
	}
}

// shown is a user on the wire. Her password, and any hash of it, is not part of it.
type shown struct {
	ID                string          `json:"id"`
	Name              string          `json:"name"`
	DomainID          string          `json:"domain_id"`
	Enabled           bool            `json:"enabled"`
	Description       *string         `json:"description,omitzero"`
	DefaultProjectID  string          `json:"default_project_id,omitzero"`
	PasswordExpiresAt *string         `json:"password_expires_at"` // always null: passwords do not expire
	Options           directory.Extra `json:"options"`
	Links             api.SelfLink    `json:"links"`
	Extra             directory.Extra `json:",embed"`
}

// show writes a user.
func show(c *api.Call, u directory.User) shown {
	return shown{
		ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: u.Enabled, Description: u.Description,
		DefaultProjectID: u.DefaultProjectID, Options: directory.Fields(u.Options), Extra: directory.Fields(u.Extra),
		Links: api.SelfLink{Self: c.Link("users", u.ID)},
	}
}

type body struct {
	User shown `json:"user"`
}

type listBody struct {
	Users []shown `json:"users"`
	api.Collection
}

// attributes are a client's words about a user, for creating and for changing her.
type attributes struct {
	ID                jsontext.Value             `json:"id"`
	Links             jsontext.Value             `json:"links"`
	PasswordExpiresAt jsontext.Value             `json:"password_expires_at"`
	Name              api.Given[string]          `json:"name"`
	DomainID          api.Given[string]          `json:"domain_id"`
	Enabled           api.Given[bool]            `json:"enabled"`
	Description       api.Given[string]          `json:"description"`
	DefaultProjectID  api.Given[string]          `json:"default_project_id"`
	Password          api.Given[string]          `json:"password"`
	Options           api.Given[directory.Extra] `json:"options"`
	Extra             map[string]jsontext.Value  `json:",embed"`
}

func (u *attributes) check() error {
	if u.Name.Set {
		name, err := directory.CleanName("user.name", u.Name.Value, directory.MaxUserName)
		if err != nil {
			return err
		}
		u.Name.Value = name
	}
	if u.Enabled.Null {
		return problem.Invalid("user.enabled", "must be true or false")
	}
	return directory.CheckUserOptions("user.options", u.Options.Value)
}

func (u attributes) password() *secret.Text {
	if !u.Password.Set {
		return nil
	}
	p := secret.New(u.Password.Value)
	return &p
}

type byID struct {
	UserID string `path:"user_id"`
}

func want(rs *store.ReadSet, in byID) { rs.Want(store.User(in.UserID), rs.Head()) }

// find finds the user of the path and asks policy about her.
func find(ctx context.Context, c *api.Call, id string) (u directory.User, err error) {
	err = c.AuthorizeFound(ctx, func() (_ policy.Resource, err error) {
		u, err = directory.FindUser(c.Reads, id)
		return policy.User{ID: u.ID, DomainID: u.DomainID}, err
	})
	return u, err
}

func get() api.Operation {
	return api.Op(api.Spec[byID]{Name: "GetUser", Action: "identity:get_user", Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (body, error) {
			u, err := find(ctx, c, in.UserID)
			return body{show(c, u)}, err
		})
}

func remove(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "DeleteUser", Ends: true, Action: "identity:delete_user", Status: 204, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, err := find(ctx, c, in.UserID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.DeleteUser(ctx, c.Reads, in.UserID)
		})
}

// endTokens ends all tokens of a user that exist now (D-049).
func endTokens(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[byID]{Name: "RevokeUserTokens", Action: "identity:revoke_tokens_for_user", Status: 204, Reads: want},
		func(ctx context.Context, c *api.Call, in byID) (api.NoBody, error) {
			if _, err := find(ctx, c, in.UserID); err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, d.EndTokens(ctx, c.Reads, in.UserID)
		})
}
