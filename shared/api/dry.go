package api

import (
	"fmt"
	"net/http"
	"slices"

	"mandate/shared/problem"
	"mandate/shared/store/dry"
)

// dryRun is the query parameter by which a caller asks what would end.
const dryRun = "dry_run"

// wouldEndBody is the answer.
type wouldEndBody struct {
	DryRun any `json:"dry_run"`
}

// dry looks whether the request only asks what would end, and then lets nothing under its
// context be written; nil otherwise. Everything else is as it would be: who may not do it
// may not ask.
func (c *Call) dry(ends bool) *dry.Run {
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		return nil
	}
	given, asked := c.Request.URL.Query()[dryRun]
	if !asked {
		return nil
	}
	switch {
	case c.decoded != nil:
	case !ends || c.server.Ends == nil:
		c.decoded = problem.Invalid(dryRun, "is not known to "+c.op.Name)
	case !slices.Equal(given, []string{"1"}):
		c.decoded = problem.Invalid(dryRun, "must be 1")
	}
	ctx, run := dry.With(c.ctx)
	c.ctx = ctx
	return run
}

func (c *Call) wouldEnd(run *dry.Run) {
	ends, err := c.server.Ends(c.ctx, run.Changes())
	if err != nil {
		c.fail(fmt.Errorf("dry run of %s: %w", c.op.Name, err))
		return
	}
	c.Status, c.Header = http.StatusOK, http.Header{}
	c.succeed(wouldEndBody{ends})
}
