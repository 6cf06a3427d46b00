package console

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"mandate/shared/api"
	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/token"
)

// showSignIn asks who she is; who is signed in goes on to her delegations.
func showSignIn(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "ShowSignIn", Open: true}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		_, err := s.session(ctx, c, toDelegations)
		if err == nil {
			return c.SeeOther(home(c) + toDelegations), nil
		}
		wanted, ok := errors.AsType[*errSignIn](err)
		if !ok {
			return nil, err
		}
		if c.Request.URL.RawQuery == signedOut {
			wanted.notice = "You are signed out."
		}
		return s.signInPage(c, c.Header, wanted)
	})
}

// signedOut is the query by which the page says so.
const signedOut = "signed-out"

type signInView struct {
	frame
	Notice, Error string
	To            string
	Name, Domain  string
}

// signInPage is the form; a browser that has no key for it yet is given one.
func (s *site) signInPage(c *api.Call, h http.Header, e *errSignIn) (api.HTML, error) {
	key, set := formKey(c)
	if set != "" {
		h.Add("Set-Cookie", set)
	}
	v := signInView{frame: s.frame(c, "Sign in"), To: e.to, Name: e.name, Domain: e.domain}
	v.Proof = mac(key, "sign in")
	if c.Request.Method == http.MethodPost {
		v.Error = e.notice
	} else {
		v.Notice = e.notice
	}
	if v.Domain == "" {
		v.Domain = "Default"
	}
	return render("sign-in", v)
}

// signIn opens a session by the login that /v3/auth/tokens has, its limits included.
func signIn(s *site) api.Operation {
	return s.page(api.PageSpec{Name: "SignIn", Open: true}, func(ctx context.Context, c *api.Call) (api.HTML, error) {
		form, err := c.Form()
		if err != nil {
			return nil, err
		}
		e := &errSignIn{to: destination(form.Get("to")), name: form.Get("name"), domain: form.Get("domain")}
		key, set := formKey(c)
		if set != "" || !genuine(form.Get("proof"), key, "sign in") {
			return nil, e.because(forged(errors.New("the form's proof is not of this browser")),
				"This form was too old, or your browser kept no cookie for it. Please sign in again.")
		}
		if e.name == "" || form.Get("password") == "" {
			return nil, e.because(problem.Invalid("name and password", "must be given"), "Enter your user name and your password.")
		}
		t, text, err := s.Tokens.Issue(ctx, c.Reads, e.login(form, c.Request.RemoteAddr))
		if p, ok := problem.As(err); ok {
			return nil, e.because(p, e.refused(p))
		}
		if err != nil {
			return nil, err
		}
		c.Caller = t.Caller()
		sealed, err := s.seal(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("seal a session: %w", err)
		}
		c.Header.Add("Set-Cookie", cookie(c, sessionCookie, sealed))
		c.Header.Add("Set-Cookie", cookie(c, formCookie, ""))
		return c.SeeOther(home(c) + e.to), nil
	})
}

// login is the request for the session's token.
func (e *errSignIn) login(form url.Values, address string) token.Login {
	domain := directory.DomainRef{Name: e.domain}
	if e.domain == "" {
		domain = directory.DomainRef{ID: "default"}
	}
	return token.Login{
		Methods:  []string{token.MethodPassword},
		Password: token.PasswordProof{Name: e.name, Domain: domain, Password: secret.New(form.Get("password"))},
		Scope:    token.Wanted{Kind: token.WantUnscoped},
		Address:  address,
	}
}

func (e *errSignIn) because(err error, notice string) error {
	p, ok := problem.As(err)
	if !ok {
		return err
	}
	e.problem, e.notice = p, notice
	return e
}

// refused says what to do, and to whoever may be guessing no more than that.
func (e *errSignIn) refused(p *problem.Error) string {
	if p.Kind == problem.KindTooMany {
		return fmt.Sprintf("Too many attempts. Please try again in %.0f s.", math.Ceil(p.RetryAfter.Seconds()))
	}
	return "That did not work. Check user name, domain and password. After several failures an account may be locked for a while."
}

var consentPath = regexp.MustCompile(`^` + strings.TrimSuffix(toConsent(""), "/") + `/[0-9a-f]{32}$`)

// destination is where a form wants to go on to, if that is a page of ours.
func destination(to string) string {
	if consentPath.MatchString(to) {
		return to
	}
	return toDelegations
}
