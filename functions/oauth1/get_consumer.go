package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/store"
)

type oneConsumer struct {
	ID string `path:"consumer_id"`
}

func (oneConsumer) reads(rs *store.ReadSet, in oneConsumer) { rs.Want(store.Consumer(in.ID)) }

// getConsumer shows a consumer, without its secret.
func getConsumer(a *app.App) api.Operation {
	return api.Op(api.Spec[oneConsumer]{Name: "GetConsumer", Action: "identity:get_consumer", Reads: oneConsumer{}.reads},
		func(ctx context.Context, c *api.Call, in oneConsumer) (consumerBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return consumerBody{}, err
			}
			var found oauth1.Consumer
			err := c.Settle(ctx, func() (err error) { found, err = a.OAuth1.Consumer(c.Reads, in.ID); return err })
			return consumerBody{showConsumer(c, found)}, err
		})
}
