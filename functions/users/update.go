package users

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
)

type updateIn struct {
	UserID string     `path:"user_id"`
	Body   updateBody `body:"json"`
}

type updateBody struct {
	User *attributes `json:"user"`
}

// Check refuses an empty change (D-007), another id (D-012) and what cannot be changed.
func (in *updateIn) Check() error {
	u := in.Body.User
	switch {
	case u == nil:
		return problem.Invalid("user", "is required")
	case api.Empty(*u):
		return problem.Invalid("user", "must change something")
	}
	if err := api.SameID("user.id", u.ID, in.UserID); err != nil {
		return err
	}
	return u.check()
}

// update changes a user. Disabling her, and giving her another password, ends her tokens
// before this answers (D-036, D-037).
func update(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[updateIn]{
		Name: "UpdateUser", Ends: true, Action: "identity:update_user",
		Reads: func(rs *store.ReadSet, in updateIn) { rs.Want(store.User(in.UserID), rs.Head()) },
	}, func(ctx context.Context, c *api.Call, in updateIn) (body, error) {
		if _, err := find(ctx, c, in.UserID); err != nil {
			return body{}, err
		}
		u := in.Body.User
		changed, err := d.UpdateUser(ctx, c.Reads, in.UserID, u.apply, u.password())
		return body{show(c, changed)}, err
	})
}

func (u *attributes) apply(to *directory.User) error {
	if u.DomainID.Set && u.DomainID.Value != to.DomainID {
		return problem.Invalid("user.domain_id", "cannot be changed") // D-038
	}
	if u.Name.Set {
		to.Name = u.Name.Value
	}
	if u.Description.Set {
		to.Description = u.Description.Ptr()
	}
	if u.DefaultProjectID.Set {
		to.DefaultProjectID = u.DefaultProjectID.Value // null takes it away (D-041)
	}
	to.Enabled = u.Enabled.Or(to.Enabled)
	to.Options = directory.Merge(to.Options, u.Options.Value, true)
	to.Extra = directory.Merge(to.Extra, u.Extra, false)
	return nil
}

type passwordIn struct {
	UserID string       `path:"user_id"`
	Body   passwordBody `body:"json"`
}

type passwordBody struct {
	User *struct {
		Original *string `json:"original_password"`
		Password *string `json:"password"`
	} `json:"user"`
	Others map[string]jsontext.Value `json:",embed"`
}

// Check wants both passwords (D-048).
func (in *passwordIn) Check() error {
	switch u := in.Body.User; {
	case u == nil:
		return problem.Invalid("user", "is required")
	case u.Original == nil:
		return problem.Invalid("user.original_password", "is required")
	case u.Password == nil:
		return problem.Invalid("user.password", "is required")
	case *u.Password == "":
		return problem.Invalid("user.password", "must not be empty")
	}
	return nil
}

// changePassword needs no token: knowing the old password is the authority (D-047), and trying
// one is bounded and counted as a login is.
func changePassword(a *app.App) api.Operation {
	return api.Op(api.Spec[passwordIn]{Name: "ChangePassword", Status: 204, Open: true},
		func(ctx context.Context, c *api.Call, in passwordIn) (api.NoBody, error) {
			u := in.Body.User
			proof := token.PasswordProof{UserID: in.UserID, Password: secret.New(*u.Original)}
			proved, err := a.Tokens.Prove(ctx, c.Reads, proof, c.Request.RemoteAddr)
			if err != nil {
				return api.NoBody{}, err
			}
			return api.NoBody{}, a.Directory.ChangePassword(ctx, c.Reads, proved, secret.New(*u.Password))
		})
}
