// Package reconcile is the function that is run by the clock. Every few minutes it takes
// jobs further whose time has come, or whose step was lost; every night it looks through the
// whole table for what a lost change left behind (shared/sweep). It goes on where the run
// before stopped.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mandate/shared/app"
)

// Input says what a run is for.
type Input struct {
	// Begin begins to look through the table. Every run goes on with what was begun.
	Begin bool `json:"begin"`
}

// For is how long a run goes on looking through the table: less than the time between two,
// and than a function's time-out.
const For = 4 * time.Minute

// Reconcile is the function.
type Reconcile struct{ app *app.App }

// New makes a Reconcile of an app's parts.
func New(a *app.App) *Reconcile { return &Reconcile{a} }

// Invoke handles one run.
func (r *Reconcile) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in Input
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	until := r.app.Now().Add(For)
	var begun error
	if in.Begin {
		begun = r.app.Sweeper.Begin(ctx)
	}
	_, due := r.app.Sweeper.Due(ctx)
	_, reconciled := r.app.Sweeper.Reconcile(ctx, until)
	return []byte("{}"), errors.Join(begun, due, reconciled)
}
