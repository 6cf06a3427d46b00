package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"mandate/functions/rotate"
	"mandate/shared/app"
	"mandate/shared/config"
)

// rotateCommand is what the function rotate does, for tables that are not served from here,
// and for a service that is stopped.
type rotateCommand struct {
	place
	Begin    bool `help:"Begin a rotation although none is due: the key may have leaked."`
	Restored bool `help:"The table is a restored backup: end all tokens, so that none that was revoked since comes back to life."`
}

// Run makes the steps that are due.
func (c *rotateCommand) Run() error {
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
	a, err := app.New(ctx, app.Parts{Config: settings, Table: s.table, Wrapper: s.key, Existing: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	done, err := rotate.Run(ctx, a, rotate.Request{Begin: c.Begin, Restored: c.Restored})
	for _, did := range done.Did {
		say("%s.", did)
	}
	switch {
	case err != nil:
		return err
	case done.Next == "":
		say("Nothing more to do until a rotation is begun.")
	default:
		say("More to do at %s.", done.Next)
	}
	return nil
}
