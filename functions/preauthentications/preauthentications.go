// Package preauthentications is /v3/users/{user_id}/preauthentications: a user's private
// handles on what she arranged for others (contract/preauthentications.md). Whoever else
// asks, administrators among them, is told what is told of an id that never was. Tokens
// are fetched in functions/auth.
package preauthentications

import (
	"strconv"
	"strings"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation {
	return []api.Operation{create(a), list(a), get(a), update(a), remove(a)}
}

// one names a pre-authentication in the path.
type one struct {
	UserID string `path:"user_id"`
	ID     string `path:"preauthentication_id"`
}

func (in one) wants(rs *store.ReadSet) { trust.WantPreauth(rs, in.UserID, in.ID) }

// authorize lets the creator in person through to policy. To everybody else there is
// nothing, whatever roles she has and whether or not there is something (section 2).
func (in one) authorize(c *api.Call) error {
	who := c.Caller
	if who.UserID != in.UserID || who.SubjectID != in.UserID || who.Delegated() {
		return problem.NotFound("preauthentication", in.ID)
	}
	return c.Authorize(policy.Preauthentication{UserID: in.UserID})
}

// body is one pre-authentication.
type body struct {
	Preauthentication shown `json:"preauthentication"`
}

// shown is a pre-authentication as its creator sees it (section 1).
type shown struct {
	ID                string       `json:"id"`
	UserID            string       `json:"user_id"`
	TrustID           string       `json:"trust_id"`
	TrusteeUserID     string       `json:"trustee_user_id"`
	ProjectID         string       `json:"project_id"`
	Roles             []shownRole  `json:"roles"`
	Impersonation     bool         `json:"impersonation"`
	ExpiresAt         *api.Time    `json:"expires_at"`
	RemainingUses     *int64       `json:"remaining_uses"`
	AllowRedelegation bool         `json:"allow_redelegation"`
	RedelegationCount int64        `json:"redelegation_count"`
	Description       *string      `json:"description"`
	CreatedAt         api.Time     `json:"created_at"`
	UpdatedAt         *api.Time    `json:"updated_at"`
	Links             api.SelfLink `json:"links"`
}

type shownRole struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func link(c *api.Call, p trust.Preauth) string {
	return c.Link("users", p.UserID, "preauthentications", p.ID)
}

// present is a pass: how a pre-authentication looks.
func present(a *app.App, c *api.Call, p trust.Preauth) (shown, error) {
	roles, err := a.Trusts.Roles(c.Reads, p.Trust)
	if err != nil {
		return shown{}, err
	}
	t := p.Trust
	s := shown{
		ID: p.ID, UserID: p.UserID, TrustID: t.ID, TrusteeUserID: t.TrusteeID, ProjectID: t.ProjectID,
		Roles: showRoles(roles), Impersonation: t.Impersonation, RemainingUses: t.RemainingUses,
		AllowRedelegation: t.RedelegationCount > 0, RedelegationCount: t.RedelegationCount,
		Description: p.Description, CreatedAt: api.Time(p.CreatedAt), Links: api.SelfLink{Self: link(c, p)},
	}
	if !t.ExpiresAt.IsZero() {
		at := api.Time(t.ExpiresAt)
		s.ExpiresAt = &at
	}
	if !p.UpdatedAt.IsZero() {
		at := api.Time(p.UpdatedAt)
		s.UpdatedAt = &at
	}
	return s, nil
}

func showRoles(roles []directory.Role) []shownRole {
	list := make([]shownRole, 0, len(roles))
	for _, r := range roles {
		list = append(list, shownRole{r.ID, r.Name})
	}
	return list
}

// tag is the entity tag: another one after every PATCH. That uses are taken from the
// trust does not change it, or an owner could not keep others from undoing her PATCH
// while her delegate is at work.
func tag(p trust.Preauth) string { return `"` + strconv.FormatInt(p.Version, 10) + `"` }

// matches judges If-Match (RFC 9110 section 13.1.1): no header, *, or a list with the tag.
// A weak tag never matches.
func matches(c *api.Call, p trust.Preauth) error {
	given := c.Request.Header.Values("If-Match")
	if len(given) == 0 {
		return nil
	}
	for t := range strings.SplitSeq(strings.Join(given, ","), ",") {
		if t = strings.TrimSpace(t); t == "*" || t == tag(p) {
			return nil
		}
	}
	return problem.Precondition("preauthentication", p.ID)
}
