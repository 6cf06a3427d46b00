package auth

import (
	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/token"
)

// tokenBody is a token as it is shown: at issue and at every validation alike, with the
// names and roles of now (tokens-v3.md section 4). It has no other members (T-084).
type tokenBody struct {
	Token shownToken `json:"token"`
}

type shownToken struct {
	Methods   []string                    `json:"methods"`
	User      shownUser                   `json:"user"`
	AuditIDs  []string                    `json:"audit_ids"`
	ExpiresAt api.Time                    `json:"expires_at"`
	IssuedAt  api.Time                    `json:"issued_at"`
	Project   *shownProject               `json:"project,omitempty"`
	IsDomain  *bool                       `json:"is_domain,omitempty"`
	Domain    *ref                        `json:"domain,omitempty"`
	System    *shownSystem                `json:"system,omitempty"`
	Roles     []ref                       `json:"roles,omitzero"`
	Catalog   *[]directory.CatalogService `json:"catalog,omitempty"`
	Trust     *shownTrust                 `json:"OS-TRUST:trust,omitempty"`
	OAuth1    *shownAccess                `json:"OS-OAUTH1,omitempty"`
}

type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type shownUser struct {
	ID                string  `json:"id"`
	Name              string  `json:"name"`
	Domain            ref     `json:"domain"`
	PasswordExpiresAt *string `json:"password_expires_at"` // always null: passwords do not expire
}

type shownProject struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain ref    `json:"domain"`
}

type shownSystem struct {
	All bool `json:"all"`
}

type shownTrust struct {
	ID            string `json:"id"`
	Impersonation bool   `json:"impersonation"`
	Trustor       idOnly `json:"trustor_user"`
	Trustee       idOnly `json:"trustee_user"`

	// Of redelegated trusts only. Divergence: Keystone leaves both out.
	RedelegatedTrustID *string `json:"redelegated_trust_id,omitempty"`
	RedelegationCount  *int64  `json:"redelegation_count,omitempty"`
}

// shownAccess is what a token by OAuth1 was obtained with.
type shownAccess struct {
	AccessTokenID string `json:"access_token_id"`
	ConsumerID    string `json:"consumer_id"`
}

type idOnly struct {
	ID string `json:"id"`
}

// show renders a token; c is nil where the catalog is not wanted.
func show(t token.Token, c *directory.Catalog) tokenBody {
	s := shownToken{
		Methods: t.Methods, AuditIDs: t.AuditIDs(), ExpiresAt: api.Time(t.ExpiresAt), IssuedAt: api.Time(t.IssuedAt),
		User: shownUser{ID: t.User.ID, Name: t.User.Name, Domain: ref{t.User.DomainID, t.User.DomainName}},
	}
	switch t.Scope.Kind {
	case token.Project:
		s.Project = &shownProject{t.Project.ID, t.Project.Name, ref{t.Project.DomainID, t.Project.DomainName}}
		if t.Trust == nil {
			s.IsDomain = new(bool)
		}
	case token.Domain:
		s.Domain = &ref{t.Domain.ID, t.Domain.Name}
	case token.System:
		s.System = &shownSystem{All: true}
	case token.Unscoped:
	}
	if t.Scope.Kind != token.Unscoped {
		s.Roles = make([]ref, 0, len(t.Roles))
		for _, r := range t.Roles {
			s.Roles = append(s.Roles, ref{r.ID, r.Name})
		}
		if c != nil {
			services := c.Rendered(t.Project.ID, t.User.ID)
			s.Catalog = &services
		}
	}
	if t.Trust != nil {
		s.Trust = &shownTrust{
			ID: t.Trust.ID, Impersonation: t.Trust.Impersonation,
			Trustor: idOnly{t.Trust.TrustorID}, Trustee: idOnly{t.Trust.TrusteeID},
		}
		if t.Trust.ParentID != "" {
			s.Trust.RedelegatedTrustID, s.Trust.RedelegationCount = &t.Trust.ParentID, &t.Trust.RedelegationCount
		}
	}
	if t.Access != nil {
		s.OAuth1 = &shownAccess{t.Access.ID, t.Access.ConsumerID}
	}
	return tokenBody{s}
}
