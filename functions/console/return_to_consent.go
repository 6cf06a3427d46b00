package console

import (
	"context"

	"mandate/shared/api"
)

// returnToConsent is for who asks for the address of a decision: it is shown once, and the
// request is looked at where it always is.
func returnToConsent(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "ReturnToConsent", Open: true}, func(_ context.Context, c *api.Call) (api.HTML, error) {
		return c.SeeOther(home(c) + destination(toConsent(c.Request.PathValue("request_token_id")))), nil
	})
}
