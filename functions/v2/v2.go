// Package v2 is /v2.0: the token API of old clients, translated onto the tokens of v3
// (contract/tokens-v2.md). There is one kind of token; a token that was issued here can be
// validated and revoked there, and the other way round.
//
// v2.0 knows one domain only, the default one. Names are looked up there, answers carry
// no domain, and a token that says what v2.0 cannot say is not shown here.
//
// It also puts tokens into paths. So nothing here repeats a path: no link, no message, no
// line of a log.
package v2

import (
	"context"
	"slices"

	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
)

// Operations lists the area: nothing where v2.0 is switched off (C-054).
func Operations(a *app.App) []api.Operation {
	if !a.Config.V2 {
		return nil
	}
	return []api.Operation{issue(a), validate(a), check(a), endpoints(a), revoke(a), revoked(a), tenants(a)}
}

// defaultDomain is the id of the one domain that v2.0 knows.
const defaultDomain = "default"

// named is a request whose path names a token.
type named struct {
	Token secret.Text `path:"token_id"`
}

// reads notes all that the named token stands on, so that it comes with what the
// caller's own stands on.
func (n named) reads(a *app.App, rs *store.ReadSet) {
	_, _ = a.Tokens.Subject(rs, n.Token, 0)
	_, _ = a.Registry.Catalog(rs)
}

// find settles what the named token is. It is NotFound when it is not live, and
// Unauthorized when v2.0 cannot show it.
func (n named) find(ctx context.Context, a *app.App, c *api.Call) (t token.Token, shown *directory.Catalog, err error) {
	err = c.Settle(ctx, func() error {
		if t, err = a.Tokens.Subject(c.Reads, n.Token, 0); err != nil {
			return err
		}
		shown, err = a.Registry.Catalog(c.Reads)
		return err
	})
	if err != nil {
		return t, nil, err
	}
	return t, shown, expressible(t)
}

// foreignMethods are those of federated logins.
var foreignMethods = []string{"mapped", "openid", "saml2"}

// expressible says whether v2.0 has words for a token: for a user or a project, also of
// another domain (V2-041), and for a trust within the default domain (V2-023). It has none
// for a domain, the system, a federated login or another delegation (V2-042).
func expressible(t token.Token) error {
	switch {
	case t.Scope.Kind == token.Domain, t.Scope.Kind == token.System:
		return inexpressible("its scope")
	case t.Trust == nil && t.Delegated():
		return inexpressible("its delegation")
	case slices.ContainsFunc(t.Methods, func(m string) bool { return slices.Contains(foreignMethods, m) }):
		return inexpressible("its method")
	}
	return trustAtHome(t)
}

// trustAtHome refuses a token of a trust of which anything is outside the default domain.
func trustAtHome(t token.Token) error {
	if t.Trust == nil {
		return nil
	}
	elsewhere := t.Trust.Trustor.DomainID != defaultDomain || t.Trust.Trustee.DomainID != defaultDomain
	if elsewhere || (t.Trust.ProjectID != "" && t.Project.DomainID != defaultDomain) {
		return inexpressible("a domain of its trust")
	}
	return nil
}

func inexpressible(what string) error { return problem.Unauthorized(inexpressibleError(what)) }

// inexpressibleError is for the log: what of a token v2.0 cannot show.
type inexpressibleError string

func (e inexpressibleError) Error() string { return "v2.0 cannot express " + string(e) }
