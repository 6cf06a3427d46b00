package oauth1

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
)

type nothing struct{}

type consumersBody struct {
	Consumers []shownConsumer `json:"consumers"`
	api.Collection
}

// listConsumers shows all consumers, which are global.
func listConsumers(a *app.App) api.Operation {
	return api.Op(api.Spec[nothing]{Name: "ListConsumers", Action: "identity:list_consumers"},
		func(ctx context.Context, c *api.Call, _ nothing) (consumersBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return consumersBody{}, err
			}
			all, err := a.OAuth1.Consumers(ctx, c.Reads)
			if err != nil {
				return consumersBody{}, err
			}
			body := consumersBody{Consumers: make([]shownConsumer, 0, len(all)), Collection: c.Collection("")}
			for _, one := range all {
				body.Consumers = append(body.Consumers, showConsumer(c, one))
			}
			return body, nil
		})
}
