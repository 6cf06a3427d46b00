// Package cascade is the function on the table's stream that follows up what ended
// (shared/sweep). Nothing waits for it: safety is in what every request reads.
package cascade

import (
	"context"

	"mandate/shared/app"
	"mandate/shared/store"
)

// Cascade follows the change log.
type Cascade struct{ app *app.App }

// New makes a Cascade of an app's parts.
func New(a *app.App) *Cascade { return &Cascade{a} }

// Handle follows up a batch of changes and returns the positions of those that failed,
// to be given again.
func (c *Cascade) Handle(ctx context.Context, changes []store.Change) (failed []string) {
	return c.app.Sweeper.Follow(ctx, changes)
}
