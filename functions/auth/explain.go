package auth

import (
	"context"
	"slices"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/token"
)

// validatedBody is what a validation shows. Divergence: Keystone explains nothing.
type validatedBody struct {
	Token   shownToken   `json:"token"`
	Explain *explanation `json:"explain,omitzero"` // with ?explain=1
}

// explanation is the evidence for an answer (docs/explain.md). With a 404 it stands beside
// the error.
type explanation struct {
	Live       bool       `json:"live"`
	KilledBy   *killer    `json:"killed_by,omitzero"`
	Evidence   []evidence `json:"evidence"`
	ReadUnits  float64    `json:"read_units"`  // of the whole request, the caller's own token included
	RoundTrips int        `json:"round_trips"` // … likewise
}

type killer struct {
	Kind   string           `json:"kind"`
	ID     string           `json:"id,omitzero"`
	Reason directory.Reason `json:"reason"`
}

type evidence struct {
	Kind  string           `json:"kind"`
	ID    string           `json:"id,omitzero"`
	Found bool             `json:"found"`
	Says  says             `json:"says,omitzero"`
	Kills directory.Reason `json:"kills,omitzero"`
}

type says struct {
	Enabled       *bool     `json:"enabled,omitzero"`
	EpochEqual    *bool     `json:"epoch_equal,omitzero"`
	Revoked       *bool     `json:"revoked,omitzero"`
	ChainRevoked  *bool     `json:"chain_revoked,omitzero"`
	ExpiresAt     *api.Time `json:"expires_at,omitzero"`
	RemainingUses *int64    `json:"remaining_uses,omitzero"`
	Trustor       string    `json:"trustor_user_id,omitzero"`
	Trustee       string    `json:"trustee_user_id,omitzero"`
	Roles         []string  `json:"roles,omitzero"`
	GoneRoles     []string  `json:"gone_roles,omitzero"`
	GoneGroups    []string  `json:"gone_groups,omitzero"`
}

// explained is validate with the evidence. A dead token has no subject whom policy could
// be asked about, so its evidence is for those only who may validate anybody's. Nor does
// somebody who looks at her own token learn of other people's items.
func (in validation) explained(ctx context.Context, a *app.App, c *api.Call) (validatedBody, error) {
	if *in.Explain != "1" && *in.Explain != "true" {
		return validatedBody{}, problem.Invalid("explain", "must be 1 or true")
	}
	anybody := mayValidate(c, "")
	var x token.Explanation
	err := c.Settle(ctx, func() (err error) {
		_, x, err = a.Tokens.Explain(c.Reads, in.Subject, in.grace(a))
		return err
	})
	if err != nil {
		return validatedBody{}, err
	}
	t, shown, err := in.find(ctx, a, c)
	if p, ok := problem.As(err); ok && p.Kind == problem.KindNotFound && x.Dead != nil && anybody {
		p.Explain = explain(c, x)
	}
	if err != nil {
		return validatedBody{}, err
	}
	c.Header.Set("X-Subject-Token", in.Subject.Reveal())
	return validatedBody{show(t, shown).Token, explain(c, x)}, nil
}

// mayValidate reports whether policy lets the caller see tokens of a user, "" for anybody.
func mayValidate(c *api.Call, userID string) bool {
	return c.May("identity:validate_token", policy.Token{SubjectID: userID})
}

// concerns reports whether an item is about nobody, or about somebody whose tokens the
// caller may see.
func concerns(c *api.Call, e token.Evidence) bool {
	about := slices.DeleteFunc([]string{e.Of, e.Says.Trustor, e.Says.Trustee}, func(id string) bool { return id == "" })
	return len(about) == 0 || slices.ContainsFunc(about, func(id string) bool { return mayValidate(c, id) })
}

func explain(c *api.Call, x token.Explanation) *explanation {
	cost := c.Cost()
	shown := &explanation{Live: x.Dead == nil, Evidence: []evidence{}, ReadUnits: cost.ReadUnits, RoundTrips: c.Reads.Trips()}
	for _, e := range x.Evidence {
		if !concerns(c, e) {
			continue
		}
		shown.Evidence = append(shown.Evidence, evidence{e.Kind, e.ID, e.Found, say(e.Says), e.Kills})
		if e.Kills != "" {
			shown.KilledBy = &killer{e.Kind, e.ID, e.Kills}
		}
	}
	return shown
}

func say(s token.Says) says {
	return says{
		s.Enabled, s.EpochEqual, s.Revoked, s.ChainRevoked, (*api.Time)(s.ExpiresAt), s.RemainingUses, s.Trustor, s.Trustee,
		s.Roles, s.GoneRoles, s.GoneGroups,
	}
}
