// Package bootstrap is the function that an operator invokes once after a deployment: what
// `mandate bootstrap` does, where nobody but the functions may unwrap the keyset. No route
// leads to it, so that whoever may invoke it is said by IAM alone.
package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
)

// request is the payload.
type request struct {
	PublicURL     string                    `json:"public_url"` // with /v3; mandatory at the first run unless PUBLIC_URL is set
	InternalURL   string                    `json:"internal_url"`
	AdminURL      string                    `json:"admin_url"`
	AdminPassword *string                   `json:"admin_password"`
	Others        map[string]jsontext.Value `json:",embed"`
}

// Reply is what there is now. It is never logged: it may hold a password.
type Reply struct {
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
	RoleID    string `json:"role_id"`
	// AdminPassword was generated in this run, and cannot be had again. It is absent when the
	// payload named one, and when the user was there before, whose password stays.
	AdminPassword string `json:"admin_password,omitempty"`
}

// New is the function. Run again it makes what is missing, and changes the password and the
// endpoints that the payload names.
func New(a *app.App) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, asked json.RawMessage) (any, error) {
		o, err := read(asked)
		if err != nil {
			return nil, err
		}
		if err := complete(ctx, a, &o); err != nil {
			return nil, err
		}
		o.KeepPassword = o.AdminPassword.Empty()
		if o.KeepPassword {
			o.AdminPassword = secret.New(rand.Text())
		}
		made, err := a.Directory.Bootstrap(ctx, o)
		if err != nil {
			return nil, err
		}
		reply := Reply{UserID: made.UserID, ProjectID: made.ProjectID, RoleID: made.RoleID}
		if o.KeepPassword && made.UserMade {
			reply.AdminPassword = o.AdminPassword.Reveal()
		}
		return reply, nil
	}
}

// read judges the payload. No error repeats a value: it may be a password in the wrong place.
func read(asked json.RawMessage) (o directory.BootstrapOptions, err error) {
	var r request
	if len(asked) > 0 && string(asked) != "null" {
		if err := api.Decode(jsontext.Value(asked), &r, ""); err != nil {
			return o, err
		}
	}
	if len(r.Others) > 0 {
		return o, problem.Invalid("the payload", "must have the members public_url, internal_url, admin_url and admin_password only")
	}
	if p := r.AdminPassword; p != nil {
		if *p == "" {
			return o, problem.Invalid("admin_password", "must not be empty; without it, one is generated")
		}
		o.AdminPassword = secret.New(*p)
	}
	for _, u := range []struct {
		name, given string
		option      *string
	}{
		{"public_url", r.PublicURL, &o.PublicURL}, {"internal_url", r.InternalURL, &o.InternalURL}, {"admin_url", r.AdminURL, &o.AdminURL},
	} {
		if u.given == "" {
			continue
		}
		if err := directory.CheckEndpointURL(u.name, u.given); err != nil {
			return o, err
		}
		if !strings.HasSuffix(u.given, "/v3") {
			return o, problem.Invalid(u.name, "must end with /v3")
		}
		*u.option = u.given
	}
	return o, nil
}

// complete takes the public endpoint from PUBLIC_URL at the first run: clients find no
// service that the catalog does not name.
func complete(ctx context.Context, a *app.App, o *directory.BootstrapOptions) error {
	if o.PublicURL != "" {
		return nil
	}
	before, err := a.Directory.Bootstrapped(ctx)
	switch {
	case err != nil || before:
		return err
	case a.Config.PublicURL == "":
		return problem.Invalid("public_url", "is required at the first run where PUBLIC_URL is not set")
	}
	o.PublicURL = a.Config.PublicURL + "/v3"
	return nil
}
