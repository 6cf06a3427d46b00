package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/policy"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
)

type subjectToken struct {
	Subject      secret.Text `header:"X-Subject-Token"`
	NoCatalog    *string     `query:"nocatalog"`
	AllowExpired *string     `query:"allow_expired"`
}

// grace is how long ago the subject may have expired.
func (in subjectToken) grace(a *app.App) time.Duration {
	if truthy(in.AllowExpired) {
		return a.Tokens.Window()
	}
	return 0
}

// reads notes all that the subject stands on, so that it comes with what the caller
// stands on; what it finds is looked at later.
func (in subjectToken) reads(a *app.App) func(*store.ReadSet, subjectToken) {
	return func(rs *store.ReadSet, in subjectToken) {
		_, _ = a.Tokens.Subject(rs, in.Subject, in.grace(a))
		_, _ = a.Registry.Catalog(rs)
	}
}

// find settles what the subject is, and whether the caller may do this to it: existence
// comes before policy (common.md section 6).
func (in subjectToken) find(ctx context.Context, a *app.App, c *api.Call) (t token.Token, shown *directory.Catalog, err error) {
	if in.Subject.Empty() {
		return t, nil, &problem.Error{Kind: problem.KindNotFound, Message: "Could not find token.", Cause: errors.New("no X-Subject-Token")}
	}
	err = c.Settle(ctx, func() error {
		if t, err = a.Tokens.Subject(c.Reads, in.Subject, in.grace(a)); err != nil {
			return err
		}
		shown, err = a.Registry.Catalog(c.Reads)
		return err
	})
	if err != nil {
		return t, nil, err
	}
	if in.NoCatalog != nil {
		shown = nil
	}
	return t, shown, c.Authorize(policy.Token{SubjectID: t.Subject.ID})
}

// validation is a subject of which the caller may ask why it is what it is. HEAD, which
// has no body, does not know the question.
type validation struct {
	subjectToken
	Explain *string `query:"explain"`
}

// validate shows the token named in X-Subject-Token.
func validate(a *app.App) api.Operation {
	reads := subjectToken{}.reads(a)
	return api.Op(api.Spec[validation]{
		Name: "ValidateToken", Action: "identity:validate_token",
		Reads: func(rs *store.ReadSet, in validation) { reads(rs, in.subjectToken) },
	}, func(ctx context.Context, c *api.Call, in validation) (validatedBody, error) {
		if in.Explain != nil {
			return in.explained(ctx, a, c)
		}
		t, shown, err := in.find(ctx, a, c)
		if err != nil {
			return validatedBody{}, err
		}
		c.Header.Set("X-Subject-Token", in.Subject.Reveal())
		return validatedBody{Token: show(t, shown).Token}, nil
	})
}

// check is validate for callers who only want to know; its policy differs (HEAD).
func check(a *app.App) api.Operation {
	return api.Op(api.Spec[subjectToken]{
		Name: "CheckToken", Action: "identity:check_token", Reads: subjectToken{}.reads(a),
	}, func(ctx context.Context, c *api.Call, in subjectToken) (tokenBody, error) {
		t, shown, err := in.find(ctx, a, c)
		if err != nil {
			return tokenBody{}, err
		}
		c.Header.Set("X-Subject-Token", in.Subject.Reveal())
		return show(t, shown), nil
	})
}

type revokedToken struct {
	Subject secret.Text `header:"X-Subject-Token"`
	Cascade *string     `query:"cascade"`
}

// revoke ends the token named in X-Subject-Token, at once and everywhere.
func revoke(a *app.App) api.Operation {
	return api.Op(api.Spec[revokedToken]{
		Name: "RevokeToken", Action: "identity:revoke_token", Status: http.StatusNoContent,
		Reads: func(rs *store.ReadSet, in revokedToken) { _, _ = a.Tokens.Subject(rs, in.Subject, 0) },
	}, func(ctx context.Context, c *api.Call, in revokedToken) (api.NoBody, error) {
		t, _, err := subjectToken{Subject: in.Subject}.find(ctx, a, c)
		if err != nil {
			return api.NoBody{}, err
		}
		return api.NoBody{}, a.Tokens.Revoke(ctx, t, falsy(in.Cascade))
	})
}
