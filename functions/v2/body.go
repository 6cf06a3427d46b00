package v2

import (
	"cmp"
	"slices"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/secret"
	"mandate/shared/token"
)

// accessBody is a token as v2.0 shows it (tokens-v2.md section 1).
type accessBody struct {
	Access access `json:"access"`
}

type access struct {
	Token    shownToken     `json:"token"`
	User     shownUser      `json:"user"`
	Catalog  []shownService `json:"serviceCatalog"`
	Metadata metadata       `json:"metadata"`
	Trust    *shownTrust    `json:"trust,omitzero"`
}

type shownToken struct {
	ID       string   `json:"id"`
	IssuedAt api.Time `json:"issued_at"`
	Expires  api.Time `json:"expires"`
	AuditIDs []string `json:"audit_ids"`
	Tenant   *tenant  `json:"tenant,omitzero"`
}

// tenant is what a project was called.
type tenant struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
}

type shownUser struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Username   string      `json:"username"`
	Roles      []shownRole `json:"roles"`
	RolesLinks []string    `json:"roles_links"`
}

type shownRole struct {
	Name string `json:"name"`
}

type metadata struct {
	Roles   []string `json:"roles"` // ids, in the order of user.roles
	IsAdmin int      `json:"is_admin"`
}

type shownTrust struct {
	ID            string `json:"id"`
	Impersonation bool   `json:"impersonation"`
	TrustorUserID string `json:"trustor_user_id"`
	TrusteeUserID string `json:"trustee_user_id"`
}

type shownService struct {
	Type           string     `json:"type"`
	Name           string     `json:"name"`
	Endpoints      []endpoint `json:"endpoints"`
	EndpointsLinks []string   `json:"endpoints_links"`
}

// endpoint is where a service is reached in a region; an interface that is not there has
// no member.
type endpoint struct {
	ID          string  `json:"id"`
	Region      *string `json:"region"`
	PublicURL   string  `json:"publicURL,omitzero"`
	InternalURL string  `json:"internalURL,omitzero"`
	AdminURL    string  `json:"adminURL,omitzero"`
}

// show renders a token with the names and roles of now.
func show(t token.Token, text secret.Text, c *directory.Catalog) accessBody {
	b := access{
		Token: shownToken{
			ID: text.Reveal(), IssuedAt: api.Time(t.IssuedAt), Expires: api.Time(t.ExpiresAt), AuditIDs: t.AuditIDs(),
		},
		User: shownUser{
			ID: t.User.ID, Name: t.User.Name, Username: t.User.Name,
			Roles: make([]shownRole, 0, len(t.Roles)), RolesLinks: []string{},
		},
		Catalog:  services(t, c),
		Metadata: metadata{Roles: make([]string, 0, len(t.Roles))},
	}
	if t.Scope.Kind == token.Project {
		shown := showTenant(t.Project)
		b.Token.Tenant = &shown
	}
	for _, r := range t.Roles {
		b.User.Roles = append(b.User.Roles, shownRole{r.Name})
		b.Metadata.Roles = append(b.Metadata.Roles, r.ID)
	}
	if t.Trust != nil {
		b.Trust = &shownTrust{t.Trust.ID, t.Trust.Impersonation, t.Trust.TrustorID, t.Trust.TrusteeID}
	}
	return accessBody{b}
}

func showTenant(p directory.Project) tenant { return tenant{p.ID, p.Name, p.Description, p.Enabled} }

// services is the catalog of a token for a project, else empty: a service for each type
// with an endpoint for each region. Where several services have one type, or several
// endpoints one interface in a region, the first by id stays.
func services(t token.Token, c *directory.Catalog) []shownService {
	shown := []shownService{}
	if t.Scope.Kind != token.Project {
		return shown
	}
	for _, s := range c.Rendered(t.Project.ID, t.User.ID) {
		if len(s.Endpoints) == 0 {
			continue
		}
		at := slices.IndexFunc(shown, func(have shownService) bool { return have.Type == s.Type })
		if at < 0 {
			at = len(shown)
			shown = append(shown, shownService{Type: s.Type, Name: s.Name, EndpointsLinks: []string{}})
		}
		for _, e := range s.Endpoints {
			shown[at].add(e)
		}
	}
	return shown
}

func (s *shownService) add(e directory.CatalogEndpoint) {
	region := func(r *string) string {
		if r == nil {
			return ""
		}
		return *r
	}
	at := slices.IndexFunc(s.Endpoints, func(have endpoint) bool { return region(have.Region) == region(e.Region) })
	if at < 0 {
		at = len(s.Endpoints)
		s.Endpoints = append(s.Endpoints, endpoint{ID: e.ID, Region: e.Region})
	}
	to := &s.Endpoints[at]
	switch e.Interface {
	case "public":
		to.PublicURL = cmp.Or(to.PublicURL, e.URL)
	case "internal":
		to.InternalURL = cmp.Or(to.InternalURL, e.URL)
	case "admin":
		to.AdminURL = cmp.Or(to.AdminURL, e.URL)
	}
}
