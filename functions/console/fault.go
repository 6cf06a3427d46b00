package console

import (
	"errors"
	"net/http"

	"mandate/shared/api"
	"mandate/shared/problem"
)

// trouble is a problem that people are told about in words of their own: what it is, and
// what they can do.
type trouble struct {
	problem *problem.Error
	heading string
	advice  string
	again   string // where it can be tried again, below home; "": nowhere
	in      session
}

func (t *trouble) Error() string { return t.problem.Error() }
func (t *trouble) Unwrap() error { return t.problem }

type faultView struct {
	frame
	Heading, Advice string
	Again           string
	Status          int
	RequestID       string
}

// fault shows what went wrong. Who is not signed in gets the form to do so.
func (s *site) fault(c *api.Call, h http.Header, f api.Fault) api.HTML {
	page, err := s.faultPage(c, h, f)
	if err != nil { // never, or no page would have been shown before
		return api.HTML(f.Title)
	}
	return page
}

func (s *site) faultPage(c *api.Call, h http.Header, f api.Fault) (api.HTML, error) {
	if wanted, ok := errors.AsType[*errSignIn](f.Err); ok {
		if f.Status == http.StatusUnauthorized && wanted.notice == "" { // the cookie is good for nothing
			h.Add("Set-Cookie", cookie(c, sessionCookie, ""))
		}
		return s.signInPage(c, h, wanted)
	}
	v := faultView{frame: s.frame(c, f.Title), Status: f.Status, RequestID: c.ID(), Heading: f.Title, Advice: f.Message}
	if t, ok := errors.AsType[*trouble](f.Err); ok {
		v.frame = t.in.within(v.frame)
		v.Heading, v.Advice, v.Again = t.heading, t.advice, t.again
	} else if f.Status == http.StatusForbidden {
		v.Heading = "This form was not accepted"
		v.Advice = "It did not come from a page of this site in your present session: perhaps you signed in again in another tab, " +
			"or another site tried to act in your name. Nothing was changed. Go back, load the page again, and repeat what you wanted to do."
	} else if f.Status >= http.StatusInternalServerError {
		v.Heading = "That did not work just now"
		v.Advice = "Nothing may have been changed. Please try again; if it stays like this, tell whoever runs this service the number below."
	}
	v.Title = v.Heading
	return render("fault", v)
}
