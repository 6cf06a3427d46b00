package oauth1

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/problem"
)

// attributes are a client's words about a consumer.
type attributes struct {
	ID          jsontext.Value    `json:"id"`
	Secret      jsontext.Value    `json:"secret"`
	Links       jsontext.Value    `json:"links"` // the server's
	Description api.Given[string] `json:"description"`
	Extra       directory.Extra   `json:",embed"`
}

func (a attributes) check() error {
	if utf8.RuneCountInString(a.Description.Value) > oauth1.MaxDescription {
		return problem.Invalid("consumer.description", fmt.Sprintf("must not be longer than %d characters", oauth1.MaxDescription))
	}
	return nil
}

type createConsumerIn struct {
	Body struct {
		Consumer api.Given[attributes] `json:"consumer"`
	} `body:"json"`
}

// Check wants an object where there is a consumer (O-004).
func (in *createConsumerIn) Check() error {
	if in.Body.Consumer.Null {
		return problem.Invalid("consumer", "must be an object")
	}
	return in.Body.Consumer.Value.check()
}

// createConsumer keeps a new consumer. Id and secret are made here, whatever the client sends.
func createConsumer(a *app.App) api.Operation {
	return api.Op(api.Spec[createConsumerIn]{Name: "CreateConsumer", Action: "identity:create_consumer", Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, in createConsumerIn) (consumerBody, error) {
			if err := c.Authorize(policy.Any{}); err != nil {
				return consumerBody{}, err
			}
			want := in.Body.Consumer.Value
			made, text, err := a.OAuth1.CreateConsumer(ctx, oauth1.Consumer{
				Description: want.Description.Ptr(), Extra: oauth1.Extra(nil, want.Extra),
			})
			if err != nil {
				return consumerBody{}, err
			}
			shown := showConsumer(c, made)
			shown.Secret = text.Reveal()
			return consumerBody{shown}, nil
		})
}
