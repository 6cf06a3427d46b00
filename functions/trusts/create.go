package trusts

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// create lets the caller delegate some of her roles on a project to another user; with a
// trust's own token it hands that trust on.
func create(a *app.App) api.Operation {
	return api.Op(api.Spec[createTrust]{
		Name: "CreateTrust", Action: "identity:create_trust", Status: http.StatusCreated, BodyFirst: true,
		Reads: func(rs *store.ReadSet, in createTrust) {
			g := in.Body.grant()
			trust.Want(rs, g.TrustorID, g.TrusteeID, g.ProjectID)
		},
	}, func(ctx context.Context, c *api.Call, in createTrust) (trustBody, error) {
		g := in.Body.grant()
		by := c.Caller
		err := c.Authorize(policy.Trust{TrustorID: g.TrustorID, TrusteeID: g.TrusteeID, Within: by.TrustID != ""})
		if err != nil {
			return trustBody{}, err
		}
		t, err := a.Trusts.Create(ctx, c.Reads, by, g)
		if err != nil {
			return trustBody{}, err
		}
		var roles []directory.Role
		if err := c.Settle(ctx, func() (err error) { roles, err = a.Trusts.Roles(c.Reads, t); return err }); err != nil {
			return trustBody{}, err
		}
		return show(c, t, roles), nil
	})
}

type createTrust struct {
	Body createBody `body:"json"`
}

// createBody is what a client sends. What the server owns (id, deleted_at,
// redelegated_trust_id, links, roles_links) and what nobody knows is ignored inside the
// trust. Divergence: Keystone stores some of it and breaks on it later.
type createBody struct {
	Trust  newTrust       `json:"trust"`
	Others jsontext.Value `json:",embed"` // none may be beside the trust (TR-018)
}

type newTrust struct {
	TrustorUserID     *string              `json:"trustor_user_id"`
	TrusteeUserID     *string              `json:"trustee_user_id"`
	ProjectID         *string              `json:"project_id"` // null and "" mean none
	Impersonation     *bool                `json:"impersonation"`
	Roles             api.Given[[]roleRef] `json:"roles"` // may be absent, but not null
	ExpiresAt         *string              `json:"expires_at"`
	RemainingUses     *int64               `json:"remaining_uses"`
	AllowRedelegation *bool                `json:"allow_redelegation"`
	RedelegationCount *int64               `json:"redelegation_count"`

	expires time.Time // ExpiresAt, once checked
}

type roleRef struct {
	ID     *string        `json:"id"`
	Name   *string        `json:"name"`
	Others jsontext.Value `json:",embed"` // none (TR-006)
}

// longestID is the longest id of a user or project that Keystone accepts in a body.
const longestID = 64

// Check holds the body against the rules of trusts.md section 1 that need nothing but the body.
func (in *createTrust) Check() error {
	if len(in.Body.Others) > 0 {
		return problem.Invalid("the body", `must have no member beside "trust"`)
	}
	t := &in.Body.Trust
	for _, f := range []struct {
		name     string
		value    *string
		required bool
	}{
		{"trust.trustor_user_id", t.TrustorUserID, true},
		{"trust.trustee_user_id", t.TrusteeUserID, true},
		{"trust.project_id", t.ProjectID, false},
	} {
		if f.required && (f.value == nil || *f.value == "") {
			return problem.Invalid(f.name, "is required")
		}
		if f.value != nil && len(*f.value) > longestID {
			return problem.Invalid(f.name, fmt.Sprintf("must have at most %d characters", longestID))
		}
	}
	if t.Impersonation == nil {
		return problem.Invalid("trust.impersonation", "must be true or false")
	}
	if t.RemainingUses != nil && *t.RemainingUses < 1 {
		return problem.Invalid("trust.remaining_uses", "must be an integer of 1 or more")
	}
	if t.RedelegationCount != nil && *t.RedelegationCount < 0 {
		return problem.Invalid("trust.redelegation_count", "must be an integer of 0 or more")
	}
	if err := t.checkRoles(); err != nil {
		return err
	}
	if t.ExpiresAt != nil {
		at, err := api.ParseTime("trust.expires_at", *t.ExpiresAt)
		if err != nil {
			return err
		}
		t.expires = at
	}
	return nil
}

func (t *newTrust) checkRoles() error {
	if t.Roles.Null {
		return problem.Invalid("trust.roles", "must be an array")
	}
	for n, r := range t.Roles.Value {
		given := r.ID
		if given == nil {
			given = r.Name
		}
		if given == nil || *given == "" || (r.ID != nil && r.Name != nil) || len(r.Others) > 0 {
			return problem.Invalid(fmt.Sprintf("trust.roles.%d", n), "must have either an id or a name")
		}
	}
	return nil
}

// grant is the body in the words of the domain.
func (b createBody) grant() trust.Grant {
	t := b.Trust
	g := trust.Grant{
		TrustorID: *t.TrustorUserID, TrusteeID: *t.TrusteeUserID, Impersonation: *t.Impersonation,
		ExpiresAt: t.expires, RemainingUses: t.RemainingUses, RedelegationCount: t.RedelegationCount,
	}
	if t.ProjectID != nil {
		g.ProjectID = *t.ProjectID
	}
	if t.AllowRedelegation != nil {
		g.AllowRedelegation = *t.AllowRedelegation
	}
	var ids []string
	for _, r := range t.Roles.Value {
		if r.ID != nil {
			ids = append(ids, *r.ID)
		} else {
			g.RoleNames = append(g.RoleNames, *r.Name)
		}
	}
	g.RoleIDs = store.NewSet(ids...)
	return g
}
