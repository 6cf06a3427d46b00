package preauthentications

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/problem"
	"mandate/shared/store"
	"mandate/shared/trust"
)

// others are members that nobody knows. There may be none (PA-007, PA-034).
type others = map[string]jsontext.Value

// attributes are what a creator may set, in a POST and in a PATCH alike.
type attributes struct {
	TrusteeUserID     api.Given[string]    `json:"trustee_user_id"`
	ProjectID         api.Given[string]    `json:"project_id"`
	Roles             api.Given[[]roleRef] `json:"roles"`
	Impersonation     api.Given[bool]      `json:"impersonation"`
	ExpiresAt         api.Given[string]    `json:"expires_at"`
	RemainingUses     api.Given[int64]     `json:"remaining_uses"`
	AllowRedelegation api.Given[bool]      `json:"allow_redelegation"`
	RedelegationCount api.Given[int64]     `json:"redelegation_count"`
	Description       api.Given[string]    `json:"description"`
	Others            others               `json:",embed"`

	expires time.Time // ExpiresAt, once checked
}

type roleRef struct {
	ID     *string `json:"id"`
	Name   *string `json:"name"`
	Others others  `json:",embed"`
}

const (
	object = "preauthentication"

	longestID          = 64  // of a user or project, as for trusts
	longestDescription = 255 // characters
)

func invalid(attribute, must string) error { return problem.Invalid(object+"."+attribute, must) }

// check holds what is given against the rules that need nothing else.
func (w *attributes) check() error {
	for name := range w.Others {
		return invalid(name, "cannot be set")
	}
	for _, f := range []struct {
		name  string
		value api.Given[string]
	}{{"trustee_user_id", w.TrusteeUserID}, {"project_id", w.ProjectID}} {
		switch {
		case !f.value.Set:
		case f.value.Value == "": // null too
			return invalid(f.name, "is required")
		case len(f.value.Value) > longestID:
			return invalid(f.name, fmt.Sprintf("must have at most %d characters", longestID))
		}
	}
	switch {
	case w.Impersonation.Null:
		return invalid("impersonation", "must be true or false")
	case w.RemainingUses.Set && !w.RemainingUses.Null && w.RemainingUses.Value < 1:
		return invalid("remaining_uses", "must be an integer of 1 or more")
	case w.RedelegationCount.Value < 0:
		return invalid("redelegation_count", "must be an integer of 0 or more")
	case utf8.RuneCountInString(w.Description.Value) > longestDescription:
		return invalid("description", fmt.Sprintf("must have at most %d characters", longestDescription))
	}
	if err := w.checkRoles(); err != nil {
		return err
	}
	if !w.ExpiresAt.Set || w.ExpiresAt.Null {
		return nil
	}
	at, err := api.ParseTime(object+".expires_at", w.ExpiresAt.Value)
	w.expires = at
	return err
}

func (w *attributes) checkRoles() error {
	if w.Roles.Set && len(w.Roles.Value) == 0 { // null too
		return invalid("roles", "must name at least one role")
	}
	for n, r := range w.Roles.Value {
		given := r.ID
		if given == nil {
			given = r.Name
		}
		if given == nil || *given == "" || (r.ID != nil && r.Name != nil) || len(r.Others) > 0 {
			return invalid(fmt.Sprintf("roles.%d", n), "must have either an id or a name")
		}
	}
	return nil
}

// replaces reports whether anything is given that the trust has.
func (w *attributes) replaces() bool {
	rest := *w
	rest.Description = api.Given[string]{}
	return !api.Empty(rest)
}

// over lays what is given over what there was (section 3): the grant of the new trust.
// Of the uses what is left is carried over, and a number of generations that may follow
// as long as it is not said that none may.
func (w *attributes) over(old trust.Trust) trust.Grant {
	g := trust.Grant{
		In: object, TrustorID: old.TrustorID, TrusteeID: w.TrusteeUserID.Or(old.TrusteeID), ProjectID: w.ProjectID.Or(old.ProjectID),
		Impersonation: w.Impersonation.Or(old.Impersonation), RoleIDs: old.RoleIDs,
		ExpiresAt: old.ExpiresAt, RemainingUses: old.RemainingUses,
		AllowRedelegation: old.RedelegationCount > 0,
	}
	if w.Roles.Set {
		var ids []string
		for _, r := range w.Roles.Value {
			if r.ID != nil {
				ids = append(ids, *r.ID)
			} else {
				g.RoleNames = append(g.RoleNames, *r.Name)
			}
		}
		g.RoleIDs = store.NewSet(ids...)
	}
	if w.ExpiresAt.Set {
		g.ExpiresAt = w.expires
	}
	if w.RemainingUses.Set {
		g.RemainingUses = w.RemainingUses.Ptr()
	}
	if w.AllowRedelegation.Set { // null is false
		g.AllowRedelegation = w.AllowRedelegation.Value
	}
	switch {
	case w.RedelegationCount.Set:
		g.RedelegationCount = w.RedelegationCount.Ptr()
	case old.RedelegationCount > 0:
		g.RedelegationCount = &old.RedelegationCount
	}
	return g
}
