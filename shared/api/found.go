package api

import (
	"context"

	"mandate/shared/policy"
	"mandate/shared/problem"
)

// AuthorizeFound finds what the operation touches and authorises it. The pass returns the
// resource, or NotFound with an empty one. Policy is asked either way, and before
// existence is revealed: of something that is not there only those learn it who would be
// let to anything of its kind (D-010).
func (c *Call) AuthorizeFound(ctx context.Context, find func() (policy.Resource, error)) error {
	return c.AuthorizeFoundAs(ctx, func() (string, policy.Resource, error) {
		r, err := find()
		return c.op.Action, r, err
	})
}

// AuthorizeFoundAs is AuthorizeFound for operations that stand for several of Keystone's
// actions: which one it is may depend on what is found.
func (c *Call) AuthorizeFoundAs(ctx context.Context, find func() (action string, r policy.Resource, err error)) error {
	var action string
	var resource policy.Resource
	err := c.Settle(ctx, func() (err error) {
		action, resource, err = find()
		return err
	})
	missing := problem.Is(err, problem.KindNotFound)
	if err != nil && !missing {
		return err
	}
	if denied := c.AuthorizeAs(action, resource); denied != nil && (!missing || problem.Is(denied, problem.KindForbidden)) {
		return denied
	}
	return err
}
