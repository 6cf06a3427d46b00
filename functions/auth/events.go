package auth

import (
	"context"
	"time"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/policy"
	"mandate/shared/revocation"
	"mandate/shared/store"
)

type listRevokeEvents struct {
	api.Paging
	Since   *string `query:"since"`
	Details *string `query:"details"`
	listing *revocation.Listing
}

// Check reads the time, and refuses what is none (T-116).
func (in *listRevokeEvents) Check() error {
	in.listing = &revocation.Listing{Keystone: !truthy(in.Details)}
	if in.Since != nil {
		since, err := api.ParseTime("since", *in.Since)
		if err != nil {
			return err
		}
		in.listing.Since = since
	}
	if err := in.Paging.Check(); err != nil {
		return err
	}
	in.listing.Limit, in.listing.Marker = in.Page()
	return nil
}

type eventsBody struct {
	Events []shownEvent `json:"events"`
	api.Collection
}

type shownEvent struct {
	revocation.Match
	IssuedBefore api.Time `json:"issued_before"`
	RevokedAt    api.Time `json:"revoked_at"`

	// Ours, for those who ask for details: what ended and why, by whom, when with the
	// fraction, and an id that is the same wherever the event is told.
	ID        string          `json:"id,omitzero"`
	Type      revocation.Type `json:"type,omitzero"`
	By        string          `json:"by,omitzero"`
	RequestID string          `json:"request_id,omitzero"`
	At        string          `json:"at,omitzero"`
}

// listEvents lists what ended tokens, as it happened (T-114 to T-117).
func listEvents(a *app.App) api.Operation {
	return api.Op(api.Spec[listRevokeEvents]{
		Name: "ListRevokeEvents", Action: "identity:list_revoke_events",
		Reads: func(rs *store.ReadSet, in listRevokeEvents) { _, _, _ = a.Events.List(rs, in.listing) },
	}, func(ctx context.Context, c *api.Call, in listRevokeEvents) (eventsBody, error) {
		if err := c.Authorize(policy.Any{}); err != nil {
			return eventsBody{}, err
		}
		var events []revocation.Event
		var next string
		err := c.Settle(ctx, func() (err error) { events, next, err = a.Events.List(c.Reads, in.listing); return err })
		if err != nil {
			return eventsBody{}, err
		}
		body := eventsBody{Events: make([]shownEvent, 0, len(events)), Collection: c.Collection(next)}
		for _, e := range events {
			shown := shownEvent{Match: e.Match, IssuedBefore: api.Time(e.RevokedAt), RevokedAt: api.Time(e.RevokedAt)}
			if !in.listing.Keystone {
				shown.ID, shown.Type, shown.By, shown.RequestID = e.ID, e.Type, e.By, e.RequestID
				shown.At = e.RevokedAt.Format(time.RFC3339Nano)
			}
			body.Events = append(body.Events, shown)
		}
		return body, nil
	})
}
