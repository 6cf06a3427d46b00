package auth

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/token"
)

// authBody is the request of IssueToken (tokens-v3.md section 1). What depends on the
// listed methods is decoded when they are known; unknown members are ignored (C-038).
type authBody struct {
	Auth *struct {
		Identity *struct {
			Methods []string                  `json:"methods"`
			Members map[string]jsontext.Value `json:",embed"`
		} `json:"identity"`
		Scope jsontext.Value `json:"scope"`
	} `json:"auth"`
}

type domainRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (d *domainRef) given() bool { return d != nil && (d.ID != "" || d.Name != "") }

func (d *domainRef) ref() directory.DomainRef {
	if d == nil {
		return directory.DomainRef{}
	}
	return directory.DomainRef{ID: d.ID, Name: d.Name}
}

func invalid(attribute, must string) error { return problem.Invalid(attribute, must) }

// login says what is asked for, or names the attribute that is wrong.
func (b authBody) login() (token.Login, error) {
	var l token.Login
	switch {
	case b.Auth == nil:
		return l, invalid("auth", "must be an object")
	case b.Auth.Identity == nil:
		return l, invalid("auth.identity", "must be an object")
	case b.Auth.Identity.Methods == nil:
		return l, invalid("auth.identity.methods", "must be an array of strings")
	}
	identity := b.Auth.Identity
	for _, method := range identity.Methods { // presence is checked before support (T-010)
		if _, ok := identity.Members[method]; !ok {
			return l, invalid("auth.identity."+method, "must be given, because methods names it")
		}
	}
	for _, method := range identity.Methods {
		if slices.Contains(l.Methods, method) {
			continue
		}
		var err error
		switch method {
		case token.MethodPassword:
			l.Password, err = passwordProof(identity.Members[method])
		case token.MethodToken:
			l.Token, err = tokenProof(identity.Members[method])
		case token.MethodOAuth1:
			// Its proof stands in the Authorization header; the member says nothing.
		default:
			return l, notConfigured(method)
		}
		if err != nil {
			return l, err
		}
		l.Methods = append(l.Methods, method)
	}
	if len(l.Methods) == 0 {
		return l, notConfigured("")
	}
	var err error
	l.Scope, err = wanted(b.Auth.Scope)
	return l, err
}

// notConfigured lists the methods that are (C-009).
func notConfigured(method string) error {
	p := problem.Unauthorized(nil)
	p.Extra = map[string]any{"identity": map[string]any{"methods": token.Methods()}}
	if method != "" {
		p.Cause = invalid("auth.identity.methods", "names a method that is not configured: "+method)
	}
	return p
}

func passwordProof(raw jsontext.Value) (token.PasswordProof, error) {
	const at = "auth.identity.password"
	var in struct {
		User *struct {
			ID       *string        `json:"id"`
			Name     *string        `json:"name"`
			Domain   *domainRef     `json:"domain"`
			Password jsontext.Value `json:"password"`
		} `json:"user"`
	}
	var p token.PasswordProof
	if err := api.Decode(raw, &in, at); err != nil {
		return p, err
	}
	u := in.User
	switch {
	case u == nil:
		return p, invalid(at+".user", "must be an object")
	case u.Name != nil && *u.Name == "", u.Name == nil && (u.ID == nil || *u.ID == ""):
		return p, invalid(at+".user", "must have an id, or a name and a domain")
	case u.Name != nil && !u.Domain.given():
		return p, invalid(at+".user.domain", "must have an id or a name")
	}
	if u.Name != nil {
		p.Name, p.Domain = *u.Name, u.Domain.ref()
	} else {
		p.UserID = *u.ID
	}
	if u.Password == nil {
		return p, nil // no password is a wrong one (T-005)
	}
	var password *string
	if err := api.Decode(u.Password, &password, at+".user.password"); err != nil {
		return p, err
	}
	if password == nil {
		return p, invalid(at+".user.password", "must be a string")
	}
	p.Password = secret.New(*password)
	return p, nil
}

func tokenProof(raw jsontext.Value) (secret.Text, error) {
	var in struct {
		ID *string `json:"id"`
	}
	if err := api.Decode(raw, &in, "auth.identity.token"); err != nil {
		return secret.Text{}, err
	}
	if in.ID == nil || *in.ID == "" {
		return secret.Text{}, invalid("auth.identity.token.id", "must be a token")
	}
	return secret.New(*in.ID), nil
}

// wanted reads the scope: absent, "unscoped", or an object with exactly one kind.
func wanted(raw jsontext.Value) (token.Wanted, error) {
	const at = "auth.scope"
	switch raw.Kind() {
	case 0:
		return token.Wanted{Kind: token.WantDefault}, nil
	case '"':
		if string(raw) == `"unscoped"` {
			return token.Wanted{Kind: token.WantUnscoped}, nil
		}
		return token.Wanted{}, invalid(at, `must be an object or the string "unscoped"`)
	case '{':
	default:
		return token.Wanted{}, invalid(at, "must be an object")
	}
	var in struct {
		Project *struct {
			ID     *string    `json:"id"`
			Name   *string    `json:"name"`
			Domain *domainRef `json:"domain"`
		} `json:"project"`
		Domain *domainRef `json:"domain"`
		System *struct {
			All *bool `json:"all"`
		} `json:"system"`
		Trust *struct {
			ID *string `json:"id"`
		} `json:"OS-TRUST:trust"`
		Unscoped *struct{} `json:"unscoped"`
	}
	if err := api.Decode(raw, &in, at); err != nil {
		return token.Wanted{}, err
	}
	kinds := 0
	for _, given := range []bool{in.Project != nil, in.Domain != nil, in.System != nil, in.Trust != nil, in.Unscoped != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		return token.Wanted{}, invalid(at, "must have exactly one of project, domain, system, OS-TRUST:trust and unscoped")
	}
	switch {
	case in.Project != nil:
		p := in.Project
		switch {
		case p.Name != nil && *p.Name != "":
			if !p.Domain.given() {
				return token.Wanted{}, invalid(at+".project.domain", "must have an id or a name")
			}
			return token.Wanted{Kind: token.WantProject, Name: *p.Name, Domain: p.Domain.ref()}, nil
		case p.ID != nil && *p.ID != "":
			return token.Wanted{Kind: token.WantProject, ID: *p.ID}, nil
		}
		return token.Wanted{}, invalid(at+".project", "must have an id, or a name and a domain")
	case in.Domain != nil:
		if !in.Domain.given() {
			return token.Wanted{}, invalid(at+".domain", "must have an id or a name")
		}
		return token.Wanted{Kind: token.WantDomain, ID: in.Domain.ID, Name: in.Domain.Name}, nil
	case in.System != nil:
		// Divergence: Keystone ignores the value; a false request must not yield power (T-023).
		if in.System.All == nil || !*in.System.All {
			return token.Wanted{}, invalid(at+".system.all", "must be true")
		}
		return token.Wanted{Kind: token.WantSystem}, nil
	case in.Trust != nil:
		if in.Trust.ID == nil || *in.Trust.ID == "" {
			return token.Wanted{}, invalid(at+".OS-TRUST:trust.id", "must be the id of a trust")
		}
		return token.Wanted{Kind: token.WantTrust, ID: *in.Trust.ID}, nil
	default:
		return token.Wanted{Kind: token.WantUnscoped}, nil
	}
}
