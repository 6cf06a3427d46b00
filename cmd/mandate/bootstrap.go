package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"mandate/shared/app"
	"mandate/shared/config"
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

// Run makes what is missing, enables the user admin and sets its password.
func (c *bootstrapCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.memory() {
		return errors.New("DATA=memory keeps nothing; name a folder, or a DynamoDB with DYNAMODB_ENDPOINT=")
	}
	settings, err := config.Read(os.Getenv)
	if err != nil {
		return err
	}
	s, err := c.openStorage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: settings.LogLevel}))
	a, err := app.New(ctx, app.Parts{Config: settings, Table: s.table, Wrapper: s.key, Log: log})
	if err != nil {
		return err
	}
	before, err := a.Directory.Bootstrapped(ctx)
	if err != nil {
		return err
	}
	base := cmp.Or(settings.PublicURL, localBase)
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
	say("User admin %s, project admin %s, role admin %s.", made.UserID, made.ProjectID, made.RoleID)
	return nil
}
