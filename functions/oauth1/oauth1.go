// Package oauth1 is /v3/OS-OAUTH1 and the access tokens of a user: consumers are kept,
// ask for authority, are given it by users and exchange it for access tokens here
// (contract/oauth1.md). What a signature and a grant are worth is decided in shared/oauth1;
// identity tokens by method oauth1 are issued like all others, in functions/auth.
package oauth1

import (
	"net/url"
	"time"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation {
	return []api.Operation{
		createConsumer(a), listConsumers(a), getConsumer(a), updateConsumer(a), deleteConsumer(a),
		createRequestToken(a), authorize(a), createAccessToken(a),
		listAccessTokens(a), getAccessToken(a), deleteAccessToken(a), listRoles(a), getRole(a),
	}
}

// shownConsumer is a consumer as clients see it.
type shownConsumer struct {
	ID          string          `json:"id"`
	Description *string         `json:"description"`
	Secret      string          `json:"secret,omitzero"` // at its creation only
	Links       api.SelfLink    `json:"links"`
	Extra       directory.Extra `json:",embed"`
}

type consumerBody struct {
	Consumer shownConsumer `json:"consumer"`
}

func showConsumer(c *api.Call, of oauth1.Consumer) shownConsumer {
	return shownConsumer{
		ID: of.ID, Description: of.Description, Extra: directory.Fields(of.Extra),
		Links: api.SelfLink{Self: c.Link("OS-OAUTH1", "consumers", of.ID)},
	}
}

// ignored is the body of signed requests: JSON that is not looked at, or nothing.
type ignored struct{}

// credentials are a token and its secret in form text (O-022). The colons of the time
// stand as they are.
func credentials(id string, text secret.Text, end time.Time) api.Form {
	form := "oauth_token=" + url.QueryEscape(id) + "&oauth_token_secret=" + url.QueryEscape(text.Reveal())
	if !end.IsZero() {
		form += "&oauth_expires_at=" + api.Time(end).String()
	}
	return api.Form(form)
}
