package main

import (
	"context"
	"errors"
	"log/slog"

	"mandate/functions/rotate"
	"mandate/shared/app"
)

// rotateCommand is what the function rotate does, for tables that are not served from here,
// and for a service that is stopped.
type rotateCommand struct {
	place
	Begin    bool `help:"Begin a rotation although none is due: the key may have leaked."`
	Restored bool `help:"The table is a restored backup: end all tokens, so that none that was revoked since comes back to life."`
}

// Help is shown below the flags.
func (*rotateCommand) Help() string {
	return `Makes the steps that are due, and says when there is more to do. The service must be stopped
meanwhile, unless the table is in DynamoDB.

Examples:
  $ mandate rotate --begin
    a key may have leaked: begin to replace it now
  $ mandate rotate --restored --json
    a backup was put back: end all tokens; what was done as JSON`
}

// Run makes the steps that are due.
func (c *rotateCommand) Run(ctx context.Context, p *progress) error {
	s, a, err := c.tend(ctx, p, app.Parts{Existing: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.close()
	p.begin("Replacing the key", 0, "")
	done, err := rotate.Run(ctx, a, rotate.Request{Begin: c.Begin, Restored: c.Restored})
	for _, did := range done.Did {
		c.say("%s.", did)
	}
	switch {
	case err != nil:
		return errors.Join(err, c.give(done))
	case done.Next == "":
		c.say("Nothing more to do until a rotation is begun.")
	default:
		c.say("More to do at %s.", done.Next)
	}
	return c.give(done)
}
