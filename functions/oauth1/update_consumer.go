package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
)

type updateConsumerIn struct {
	ID   string `path:"consumer_id"`
	Body struct {
		Consumer *attributes `json:"consumer"`
	} `body:"json"`
}

// Check refuses an empty change (O-016), a new secret (O-014) and another id (O-015).
func (in *updateConsumerIn) Check() error {
	to := in.Body.Consumer
	switch {
	case to == nil:
		return problem.Invalid("consumer", "must be an object")
	case api.Empty(*to):
		return problem.Invalid("consumer", "must change something")
	case to.Secret != nil:
		return problem.Invalid("consumer.secret", "cannot be changed")
	}
	if err := api.SameID("consumer.id", to.ID, in.ID); err != nil {
		return err
	}
	return to.check()
}

// updateConsumer changes what is said about a consumer.
func updateConsumer(a *app.App) api.Operation {
	return api.Op(api.Spec[updateConsumerIn]{
		Name: "UpdateConsumer", Action: "identity:update_consumer",
		Reads: func(rs *store.ReadSet, in updateConsumerIn) { rs.Want(store.Consumer(in.ID)) },
	}, func(ctx context.Context, c *api.Call, in updateConsumerIn) (consumerBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return consumerBody{}, err
		}
		to := in.Body.Consumer
		changed, err := a.OAuth1.UpdateConsumer(ctx, c.Reads, in.ID, func(of *oauth1.Consumer) {
			if to.Description.Set {
				of.Description = to.Description.Ptr()
			}
			of.Extra = oauth1.Extra(of.Extra, to.Extra)
		})
		return consumerBody{showConsumer(c, changed)}, err
	})
}
