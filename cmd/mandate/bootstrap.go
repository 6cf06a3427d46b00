package main

import (
	"cmp"
	"context"

	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/secret"
)

// bootstrapCommand is the counterpart of keystone-manage bootstrap (contract/directory.md
// section 12): for tables that are not served from here, and for an administrator who has
// lost the password.
type bootstrapCommand struct {
	place
	AdminPassword string `env:"ADMIN_PASSWORD" required:"" help:"Password of the user admin from now on."`
	PublicURL     string `name:"public-url" help:"Public endpoint of the identity service in the catalog, with /v3."`
	InternalURL   string `name:"internal-url" help:"Its internal endpoint."`
	AdminURL      string `name:"admin-url" help:"Its admin endpoint."`
}

// localBase is where serve answers when it is told nothing else.
const localBase = "http://127.0.0.1:5000"

// Help is shown below the flags.
func (*bootstrapCommand) Help() string {
	return `The service must be stopped meanwhile, unless the table is in DynamoDB.

Examples:
  $ ADMIN_PASSWORD=new-secret mandate bootstrap
    the password of admin was lost
  $ DATA=site ADMIN_PASSWORD=secret mandate bootstrap --public-url https://id.example/v3 --json
    what will be served elsewhere; the ids as JSON`
}

// Run makes what is missing, enables the user admin and sets its password.
func (c *bootstrapCommand) Run(ctx context.Context, p *progress) error {
	s, a, err := c.tend(ctx, p, app.Parts{})
	if err != nil {
		return err
	}
	defer s.close()
	p.begin("Making what is missing", 0, "")
	before, err := a.Directory.Bootstrapped(ctx)
	if err != nil {
		return err
	}
	base := cmp.Or(a.Config.PublicURL, localBase)
	if !before && c.PublicURL == "" { // clients find no service that the catalog does not name
		c.PublicURL = base + "/v3"
	}
	if err := c.writeClientFiles(base, c.AdminPassword); err != nil {
		return err
	}
	made, err := a.Directory.Bootstrap(ctx, directory.BootstrapOptions{
		AdminPassword: secret.New(c.AdminPassword),
		PublicURL:     c.PublicURL, InternalURL: c.InternalURL, AdminURL: c.AdminURL,
	})
	if err != nil {
		return err
	}
	c.say("User admin %s, project admin %s, role admin %s.", made.UserID, made.ProjectID, made.RoleID)
	return c.give(struct {
		UserID    string   `json:"user_id"`
		ProjectID string   `json:"project_id"`
		RoleID    string   `json:"role_id"`
		Files     []string `json:"files"` // for clients
	}{made.UserID, made.ProjectID, made.RoleID, c.clientFiles()})
}
