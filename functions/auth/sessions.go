package auth

import (
	"context"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/token"
)

type listUserTokens struct {
	UserID string `path:"user_id"`
	api.Paging

	// listing is read beside what the caller's token stands on, and used when she is known.
	listing *token.Listing
}

// Check begins the listing.
func (in *listUserTokens) Check() error {
	if err := in.Paging.Check(); err != nil {
		return err
	}
	limit, marker := in.Page()
	in.listing = token.ListOf(in.UserID, marker, limit)
	return nil
}

type sessionsBody struct {
	Tokens []session `json:"tokens"`
	api.Collection
}

// session is a token as its owner sees it in a list: what it is for, never the token.
type session struct {
	AuditID   string        `json:"audit_id"`
	AuditIDs  []string      `json:"audit_ids"`
	Methods   []string      `json:"methods"`
	IssuedAt  api.Time      `json:"issued_at"`
	ExpiresAt api.Time      `json:"expires_at"`
	Project   *shownProject `json:"project,omitempty"`
	Domain    *ref          `json:"domain,omitempty"`
	System    *shownSystem  `json:"system,omitempty"`
	Trust     *shownTrust   `json:"OS-TRUST:trust,omitempty"`
}

// aboutUser asks policy about a user's tokens, before it is told whether she is there.
func aboutUser(ctx context.Context, c *api.Call, id string) error {
	return c.AuthorizeFound(ctx, func() (policy.Resource, error) {
		u, err := directory.FindUser(c.Reads, id)
		return policy.User{ID: u.ID, DomainID: u.DomainID}, err
	})
}

// listOfUser lists the live tokens that a user got (T-125).
func listOfUser(a *app.App) api.Operation {
	return api.Op(api.Spec[listUserTokens]{
		Name: "ListUserTokens", Action: "identity:list_tokens_for_user",
		Reads: func(rs *store.ReadSet, in listUserTokens) {
			rs.Want(store.User(in.UserID), rs.Head())
			_, _, _ = a.Tokens.List(rs, in.listing)
		},
	}, func(ctx context.Context, c *api.Call, in listUserTokens) (sessionsBody, error) {
		if err := aboutUser(ctx, c, in.UserID); err != nil {
			return sessionsBody{}, err
		}
		var live []token.Token
		var next string
		err := c.Settle(ctx, func() (err error) { live, next, err = a.Tokens.List(c.Reads, in.listing); return err })
		if err != nil {
			return sessionsBody{}, err
		}
		body := sessionsBody{Tokens: make([]session, 0, len(live)), Collection: c.Collection(next)}
		for _, t := range live {
			s := show(t, nil).Token
			body.Tokens = append(body.Tokens, session{
				AuditID: t.Audit.String(), AuditIDs: s.AuditIDs, Methods: s.Methods, IssuedAt: s.IssuedAt, ExpiresAt: s.ExpiresAt,
				Project: s.Project, Domain: s.Domain, System: s.System, Trust: s.Trust,
			})
		}
		return body, nil
	})
}

type namedToken struct {
	UserID  string `path:"user_id"`
	AuditID string `path:"audit_id"`
}

// revokeOfUser ends one of a user's tokens, as its own revocation would: with its chain,
// if it is the root of one (T-126).
func revokeOfUser(a *app.App) api.Operation {
	return api.Op(api.Spec[namedToken]{
		Name: "RevokeUserToken", Action: "identity:revoke_token_for_user", Status: http.StatusNoContent,
		Reads: func(rs *store.ReadSet, in namedToken) {
			rs.Want(store.User(in.UserID), rs.Head())
			_, _ = a.Tokens.Named(rs, in.UserID, in.AuditID)
		},
	}, func(ctx context.Context, c *api.Call, in namedToken) (api.NoBody, error) {
		if err := aboutUser(ctx, c, in.UserID); err != nil {
			return api.NoBody{}, err
		}
		var t token.Token
		err := c.Settle(ctx, func() (err error) { t, err = a.Tokens.Named(c.Reads, in.UserID, in.AuditID); return err })
		if err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.Tokens.Revoke(ctx, t, false)
	})
}
