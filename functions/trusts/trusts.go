// Package trusts is /v3/OS-TRUST/trusts: delegations are made, shown, listed and ended
// here (contract/trusts.md). What may be delegated is decided in shared/trust.
package trusts

import (
	"context"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation {
	return []api.Operation{create(a), list(a), get(a), remove(a), listRoles(a), getRole(a)}
}

// trustBody is one trust with its roles.
type trustBody struct {
	Trust shownTrust `json:"trust"`
}

// shownTrust is a trust as clients see it (trusts.md section 1).
type shownTrust struct {
	ID                 string      `json:"id"`
	TrustorUserID      string      `json:"trustor_user_id"`
	TrusteeUserID      string      `json:"trustee_user_id"`
	ProjectID          *string     `json:"project_id"`
	Impersonation      bool        `json:"impersonation"`
	ExpiresAt          *api.Time   `json:"expires_at"`
	RemainingUses      *int64      `json:"remaining_uses"`
	DeletedAt          *api.Time   `json:"deleted_at"` // always null: a deleted trust is not shown
	RedelegatedTrustID *string     `json:"redelegated_trust_id"`
	RedelegationCount  int64       `json:"redelegation_count"`
	Roles              []shownRole `json:"roles,omitzero"`       // not in lists
	RolesLinks         *api.Links  `json:"roles_links,omitzero"` // not in lists
	Links              selfLink    `json:"links"`
}

type shownRole struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	DomainID    *string     `json:"domain_id"`
	Description *string     `json:"description"`
	Options     roleOptions `json:"options"`
	Links       selfLink    `json:"links"`
}

type roleOptions struct {
	Immutable *bool `json:"immutable,omitzero"`
}

type selfLink struct {
	Self string `json:"self"`
}

func summary(c *api.Call, t trust.Trust) shownTrust {
	s := shownTrust{
		ID: t.ID, TrustorUserID: t.TrustorID, TrusteeUserID: t.TrusteeID, ProjectID: optional(t.ProjectID),
		Impersonation: t.Impersonation, RemainingUses: t.RemainingUses, RedelegatedTrustID: optional(t.ParentID),
		RedelegationCount: t.RedelegationCount, Links: selfLink{c.Link("OS-TRUST", "trusts", t.ID)},
	}
	if !t.ExpiresAt.IsZero() {
		at := api.Time(t.ExpiresAt)
		s.ExpiresAt = &at
	}
	return s
}

func show(c *api.Call, t trust.Trust, roles []directory.Role) trustBody {
	s := summary(c, t)
	s.Roles = showRoles(c, roles)
	s.RolesLinks = &api.Links{Self: c.Link("OS-TRUST", "trusts", t.ID, "roles")}
	return trustBody{s}
}

func showRoles(c *api.Call, roles []directory.Role) []shownRole {
	shown := make([]shownRole, 0, len(roles))
	for _, r := range roles {
		shown = append(shown, shownRole{
			ID: r.ID, Name: r.Name, DomainID: optional(r.DomainID), Description: r.Description,
			Options: roleOptions{r.Immutable}, Links: selfLink{c.Link("roles", r.ID)},
		})
	}
	return shown
}

func optional(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// found is a trust that an operation is about, with the roles that it names.
type found struct {
	trust trust.Trust
	roles []directory.Role
}

// wants notes a trust for the first trip, beside what the caller's token stands on.
func wants(a *app.App, rs *store.ReadSet, id string) { _, _ = a.Trusts.Find(rs, id) }

// find settles which trust an operation is about and whether the caller may do this to
// it: what is not there is so for everybody, whoever asks (TR-062, TR-063).
func find(ctx context.Context, a *app.App, c *api.Call, id string) (f found, err error) {
	err = c.Settle(ctx, func() error {
		if f.trust, err = a.Trusts.Find(c.Reads, id); err != nil {
			return err
		}
		f.roles, err = a.Trusts.Roles(c.Reads, f.trust)
		return err
	})
	if err != nil {
		return found{}, err
	}
	t := f.trust
	return f, c.Authorize(policy.Trust{TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, Within: t.Within(c.Caller.TrustID)})
}
