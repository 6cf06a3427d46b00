package v2

import (
	"fmt"
	"unicode/utf8"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/token"
)

// authBody is the request of IssueTokenV2 (tokens-v2.md section 1). Unknown members are ignored.
type authBody struct {
	Auth *auth `json:"auth"`
}

type auth struct {
	Token    api.Given[offered]     `json:"token"`
	Password api.Given[credentials] `json:"passwordCredentials"`

	TenantID   string `json:"tenantId"`
	TenantName string `json:"tenantName"`
	TrustID    string `json:"trust_id"`
}

type offered struct {
	ID string `json:"id"`
}

type credentials struct {
	Username string  `json:"username"`
	UserID   string  `json:"userId"`
	Password *string `json:"password"`
}

// How long members may be, in characters (V2-011). Where an id is longer than any id it is
// most likely a token in the wrong place, and nothing is to repeat it.
const (
	maxName     = 64
	maxPassword = 4096
	maxToken    = 255
)

func short(attribute, value string, most int) error {
	if utf8.RuneCountInString(value) > most {
		return problem.Invalid(attribute, fmt.Sprintf("must have at most %d characters", most))
	}
	return nil
}

// login says what is asked for, or names the attribute that is wrong. A token is looked
// at before a password.
func (b authBody) login() (token.Login, error) {
	if b.Auth == nil {
		return token.Login{}, problem.Invalid("auth", "must be an object")
	}
	l := token.Login{Accept: b.Auth.accept}
	var err error
	switch a := b.Auth; {
	case a.Token.Set:
		l.Methods = []string{token.MethodToken}
		l.Token, err = a.Token.Value.proof()
	case a.Password.Set:
		l.Methods = []string{token.MethodPassword}
		l.Password, err = a.Password.Value.proof()
	default:
		err = problem.Invalid("auth", "must have token or passwordCredentials")
	}
	if err != nil {
		return token.Login{}, err
	}
	l.Scope, err = b.Auth.scope()
	return l, err
}

func (o offered) proof() (secret.Text, error) {
	if o.ID == "" {
		return secret.Text{}, problem.Invalid("auth.token.id", "must be a token")
	}
	return secret.New(o.ID), short("auth.token.id", o.ID, maxToken)
}

func (c credentials) proof() (token.PasswordProof, error) {
	const at = "auth.passwordCredentials"
	if c.Password == nil {
		return token.PasswordProof{}, problem.Invalid(at+".password", "must be a string")
	}
	if c.Username == "" && c.UserID == "" {
		return token.PasswordProof{}, problem.Invalid(at, "must have username or userId")
	}
	if err := short(at+".username", c.Username, maxName); err != nil {
		return token.PasswordProof{}, err
	}
	if err := short(at+".userId", c.UserID, maxName); err != nil {
		return token.PasswordProof{}, err
	}
	p := token.PasswordProof{Password: secret.New(*c.Password)}
	if c.Username != "" {
		p.Name, p.Domain = c.Username, directory.DomainRef{ID: defaultDomain}
	} else {
		p.UserID = c.UserID
	}
	return p, short(at+".password", *c.Password, maxPassword)
}

// scope is what is asked for, and nothing else: v2.0 does not look at a default project.
func (a auth) scope() (token.Wanted, error) {
	for _, m := range []struct{ name, value string }{
		{"tenantId", a.TenantID}, {"tenantName", a.TenantName}, {"trust_id", a.TrustID},
	} {
		if err := short("auth."+m.name, m.value, maxName); err != nil {
			return token.Wanted{}, err
		}
	}
	switch {
	case a.TrustID != "":
		return token.Wanted{Kind: token.WantTrust, ID: a.TrustID}, nil
	case a.TenantID != "":
		return token.Wanted{Kind: token.WantProject, ID: a.TenantID}, nil
	case a.TenantName != "":
		return token.Wanted{Kind: token.WantProject, Name: a.TenantName, Domain: directory.DomainRef{ID: defaultDomain}}, nil
	default:
		return token.Wanted{Kind: token.WantUnscoped}, nil
	}
}

// accept holds a token against what v2.0 allows: it is of the default domain, and a trust
// is on the tenant that was asked for (V2-019).
func (a auth) accept(t token.Token) error {
	if err := atHome(t); err != nil {
		return err
	}
	if t.Trust != nil && !a.names(t.Project) {
		return problem.ForbiddenBecause("the trust is not on this tenant")
	}
	return nil
}

// names reports whether the tenant that was asked for is a project.
func (a auth) names(p directory.Project) bool {
	if a.TenantID != "" {
		return a.TenantID == p.ID
	}
	return a.TenantName == p.Name
}
