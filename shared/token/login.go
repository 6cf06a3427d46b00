package token

import (
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/secret"
)

// Methods of authentication that are built.
const (
	MethodPassword = "password"
	MethodToken    = "token"
	MethodOAuth1   = "oauth1"
)

// Methods lists what is configured, as C-009 shows it.
func Methods() []string { return []string{MethodPassword, MethodToken, MethodOAuth1} }

// Login is a request for a token: who, proved how, for what.
type Login struct {
	Methods  []string       // in the order given; each has its member below
	Password PasswordProof  // with MethodPassword
	Token    secret.Text    // with MethodToken
	OAuth1   oauth1.Request // with MethodOAuth1
	Scope    Wanted
	Address  string // where the request came from, with or without a port; failures are counted by it

	// Accept has the last word on the token that would be issued: all proofs were good and
	// nothing has been written, so that a refusal costs no use of a trust. It is for an API
	// that knows less than this one (v2.0). Nil accepts everything.
	Accept func(Token) error
}

// Unusable is the private cause of an Unauthorized that all proofs were good for and only
// the wanted scope was not to be had. An API may tell such a caller more (V2-021).
type Unusable struct{ Why error }

func (u *Unusable) Error() string { return u.Why.Error() }

// Unwrap gives what was wrong with the scope.
func (u *Unusable) Unwrap() error { return u.Why }

// PasswordProof names a user, by id or by name and domain (a name decides), and her password.
type PasswordProof struct {
	UserID   string
	Name     string
	Domain   directory.DomainRef
	Password secret.Text
}

// Wanted is the scope that a login asks for.
type Wanted struct {
	Kind   WantedKind
	ID     string              // of the project, domain or trust
	Name   string              // of the project or domain; decides over ID
	Domain directory.DomainRef // of a project given by name
}

// WantedKind is how a scope was asked for.
type WantedKind int

// Kinds of wanted scope. The zero one is a request without a scope: the user's default
// project if she can use it, else none.
const (
	WantDefault WantedKind = iota
	WantUnscoped
	WantProject
	WantDomain
	WantSystem
	WantTrust
)
