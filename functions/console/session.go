package console

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/token"
)

// A session is a token like any other, without scope, obtained by password on the sign-in
// page. Its text stands in a cookie, sealed once more: so a token from elsewhere makes no
// session, and a cookie is no token. It is judged at every request, and ends with
// whatever ends a token: its expiry, signing out, a changed password, a disabled user.
type session struct {
	token token.Token
	text  secret.Text
}

// Names of cookies. Where the site is reached by https they get the prefix by which
// browsers see to it that no other host sets them.
const (
	sessionCookie = "mandate-session"
	formCookie    = "mandate-form"
	hostPrefix    = "__Host-"
)

// sealing is the associated data of sessions.
var sealing = []byte("session of the pages for people")

func secure(c *api.Call) bool { return strings.HasPrefix(c.Base, "https://") }

func cookieName(c *api.Call, name string) string {
	if secure(c) {
		return hostPrefix + name
	}
	return name
}

// cookie is a cookie that no script reads and that browsers send from pages of this site
// only; an empty value takes it away. It ends with the browser.
//
// Strict, because a form must never be sent along with somebody's session from elsewhere.
// The price is that who follows a link on another site has to sign in once more; links
// that are printed in a terminal, the usual way to the consent page, are not affected.
func cookie(c *api.Call, name, value string) string {
	k := http.Cookie{ //nolint:gosec // G124: Secure wherever the site is reached by https
		Name: cookieName(c, name), Value: value, Path: "/", HttpOnly: true, Secure: secure(c), SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		k.MaxAge = -1
	}
	return k.String()
}

// seal is a session's token as the cookie holds it.
func (s *site) seal(ctx context.Context, text secret.Text) (string, error) {
	sealed, err := s.Rings.Seal(ctx, []byte(text.Reveal()), sealing)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// errSignIn asks for the sign-in page, which then leads to a destination below home.
type errSignIn struct {
	problem *problem.Error
	to      string
	notice  string
	name    string // what had been filled in
	domain  string
}

func (e *errSignIn) Error() string { return e.problem.Error() }
func (e *errSignIn) Unwrap() error { return e.problem }

// session is who is signed in; *errSignIn when nobody is.
func (s *site) session(ctx context.Context, c *api.Call, to string) (session, error) {
	var in session
	err := c.Settle(ctx, func() (err error) { in, err = s.judge(c); return err })
	if d, dead := errors.AsType[*directory.Dead](err); dead {
		return session{}, &errSignIn{problem: problem.Unauthorized(d), to: to}
	}
	c.Caller = in.token.Caller()
	return in, err
}

// judge is a pass: the session that the request's cookie names, *directory.Dead without one.
func (s *site) judge(c *api.Call) (session, error) {
	k, err := c.Request.Cookie(cookieName(c, sessionCookie))
	if err != nil {
		return session{}, &directory.Dead{Why: "no session"}
	}
	sealed, err := base64.RawURLEncoding.DecodeString(k.Value)
	if err != nil {
		return session{}, &directory.Dead{Why: "the cookie is no session"}
	}
	ring, due, err := s.Rings.For(sealed)
	if due {
		c.Reads.WantLoad("keyset", s.Rings.Reload)
		return session{}, store.ErrPending
	}
	var plain []byte
	if err == nil {
		plain, err = ring.Open(sealed, sealing)
	}
	if errors.Is(err, secret.ErrNotSealed) || errors.Is(err, secret.ErrUnknownKey) {
		return session{}, &directory.Dead{Why: "the cookie is no session"}
	}
	if err != nil {
		return session{}, err
	}
	in := session{text: secret.New(string(plain))}
	if in.token, err = s.Tokens.Examine(c.Reads, in.text, 0); err != nil {
		return session{}, err
	}
	if in.token.Delegated() || in.token.Scope.Kind != token.Unscoped {
		return session{}, &directory.Dead{Why: "a token of another kind is no session"}
	}
	return in, nil
}

// mac is proof of having been given something by who knows the key.
func mac(key secret.Text, of string) string {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte("mandate console " + of))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func genuine(given string, key secret.Text, of string) bool {
	return !key.Empty() && hmac.Equal([]byte(given), []byte(mac(key, of)))
}

// proof is what a session's forms carry: nobody can make it who does not know the session.
func (in session) proof() string { return mac(in.text, "form") }

// form reads a form that only a page shown in this session can have sent.
func (in session) form(c *api.Call) (url.Values, error) {
	form, err := c.Form()
	if err != nil {
		return nil, err
	}
	if !genuine(form.Get("proof"), in.text, "form") {
		return nil, forged(errors.New("the form's proof is not of this session"))
	}
	return form, nil
}

func forged(cause error) error {
	return problem.ForbiddenBecause("the form is not of this session").Because(cause)
}

// formKey is what binds the sign-in form, which has no session yet, to the browser that
// was given it; set is the header that gives it one, "" when it has.
func formKey(c *api.Call) (key secret.Text, set string) {
	if k, err := c.Request.Cookie(cookieName(c, formCookie)); err == nil && len(k.Value) == 2*sha256.Size {
		return secret.New(k.Value), ""
	}
	value := rand.Text() + rand.Text() + rand.Text()
	value = value[:2*sha256.Size]
	return secret.New(value), cookie(c, formCookie, value)
}
