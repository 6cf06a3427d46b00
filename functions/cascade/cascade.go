// Package cascade turns a kill, which is one write, into its consequences: token rows of
// a deleted trust or a revoked chain are marked, trusts made from a deleted one are
// deleted, each a change of its own that comes by here again (design.md section 6).
//
// Nothing waits for it. Whatever it marks or deletes carries no authority from the
// moment of the kill, because it reads the killed item; the marks are for the lists of
// revoked tokens and for whoever looks at the table. So every step may be repeated, may
// come late, and may be lost without harm.
package cascade

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// Cascade follows the change log.
type Cascade struct {
	table     store.Table
	trusts    *trust.Service
	oauth1    *oauth1.Service
	directory *directory.Directory
	now       func() time.Time
	log       *slog.Logger
}

// New makes a Cascade of an app's parts.
func New(a *app.App) *Cascade {
	return &Cascade{table: a.Table, trusts: a.Trusts, oauth1: a.OAuth1, directory: a.Directory, now: a.Now, log: a.Log}
}

// Handle follows up a batch of changes and returns the positions of those that failed,
// to be given again.
func (c *Cascade) Handle(ctx context.Context, changes []store.Change) (failed []string) {
	for _, change := range changes {
		if err := c.follow(ctx, change); err != nil {
			c.log.ErrorContext(ctx, "cascade", "position", change.Position, "item", change.Key.String(), "cause", err.Error())
			failed = append(failed, change.Position)
		}
	}
	return failed
}

// follow does what follows from one change; from most nothing does. What TTL removes
// ended long ago, and so did everything that hung on it.
func (c *Cascade) follow(ctx context.Context, change store.Change) error {
	if t, deleted := trust.WasDeleted(change); deleted {
		return errors.Join(c.markAll(ctx, store.ByTrust(t.ID)), c.trusts.Deleted(ctx, t))
	}
	if id, revoked := oauth1.WasRevoked(change); revoked {
		return c.markAll(ctx, store.ByAccess(id))
	}
	if t, revoked := token.WasRevoked(change); revoked {
		errs := []error{c.enlist(ctx, t)}
		if root, ended := chainEnded(change); ended {
			errs = append(errs, c.markAll(ctx, store.ByChain(root.Hex())))
		}
		return errors.Join(errs...)
	}
	if id, epoch, ended := directory.EndedTokens(change); ended {
		return errors.Join(c.markOfUser(ctx, id, epoch), c.oauth1.Follow(ctx, change), c.directory.Sweep(ctx, change))
	}
	return errors.Join(c.oauth1.Follow(ctx, change), c.directory.Sweep(ctx, change))
}
