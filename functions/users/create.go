package users

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type createIn struct {
	Body createBody `body:"json"`
}

type createBody struct {
	User   *attributes               `json:"user"`
	Others map[string]jsontext.Value `json:",embed"`
}

// Check refuses a second member beside "user" (D-035) and a user without a name.
func (in *createIn) Check() error {
	switch {
	case in.Body.User == nil:
		return problem.Invalid("user", "is required")
	case len(in.Body.Others) > 0:
		return problem.Invalid("the body", "must have the member user only")
	case !in.Body.User.Name.Set:
		return problem.Invalid("user.name", "is required")
	case in.Body.User.DomainID.Null:
		return problem.Invalid("user.domain_id", "must be a string")
	}
	return in.Body.User.check()
}

// create adds a user. Without a domain she belongs to the caller's if the token is scoped
// to one, else to the default domain, whatever the domain of the token's project (D-031).
func create(d *directory.Directory) api.Operation {
	return api.Op(api.Spec[createIn]{
		Name: "CreateUser", Action: "identity:create_user", Status: http.StatusCreated,
		Reads: func(rs *store.ReadSet, in createIn) {
			if u := in.Body.User; u.DomainID.Set {
				directory.WantNewUser(rs, u.DomainID.Value, u.Name.Value)
			}
		},
	}, func(ctx context.Context, c *api.Call, in createIn) (body, error) {
		var u attributes
		if in.Body.User != nil {
			u = *in.Body.User
		}
		domainID := u.DomainID.Or(directory.HomeDomain(c.Caller))
		if err := c.Authorize(policy.User{DomainID: domainID}); err != nil {
			return body{}, err
		}
		password := u.password()
		if u.Password.Null {
			password = nil
		}
		made, err := d.CreateUser(ctx, c.Reads, directory.User{
			Name: u.Name.Value, DomainID: domainID, Enabled: u.Enabled.Or(true), Description: u.Description.Ptr(),
			DefaultProjectID: u.DefaultProjectID.Value,
			Options:          directory.Merge(nil, u.Options.Value, true), Extra: directory.Merge(nil, u.Extra, false),
		}, password)
		return body{show(c, made)}, err
	})
}
