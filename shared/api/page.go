package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"mandate/shared/problem"
)

// HTML is the Out of pages: a whole document.
type HTML []byte

const mediaHTML = "text/html; charset=utf-8"

// PageSpec says what a page for people is, apart from what it shows. Pages are for
// browsers: they are asked by links and forms, know their caller by a cookie and never by
// X-Auth-Token, and answer in HTML whatever happens.
type PageSpec struct {
	Name   string
	Action string // Keystone's policy name; "" where the page asks by other names, or none
	Open   bool   // authorises nothing, such as signing in

	// Header is what every reply has, errors included.
	Header http.Header

	// Fault shows what went wrong. It may set further headers.
	Fault func(c *Call, h http.Header, f Fault) HTML

	// Clients are the methods by which clients use the page's path. Who asks for the page
	// without accepting HTML is told that his is not one of them (O-064).
	Clients []string
}

// Fault is an error as people are told of it.
type Fault struct {
	Status  int
	Title   string // of the status
	Message string // as clients would be told
	Err     error
}

// sameSite refuses forms that a browser says come from another site, or another port of
// this one.
var sameSite = http.NewCrossOriginProtection()

// Page makes an operation of a page. A page that is not open and succeeds without having
// authorised anything becomes a 500, as with [Op].
func Page(spec PageSpec, do func(context.Context, *Call) (HTML, error)) Operation {
	o := Operation{
		Name: spec.Name, Action: spec.Action, Status: http.StatusOK, page: &spec,
		In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[HTML](),
	}
	o.serve = func(c *Call) {
		if c.client = len(spec.Clients) > 0 && !acceptsHTML(c.Request); c.client {
			c.w.Header().Set("Cache-Control", "no-store")
			c.fail(&problem.Error{
				Kind: problem.KindMethodNotAllowed, Message: "The method is not allowed for the requested URL.", Allow: spec.Clients,
			})
			return
		}
		for name, values := range spec.Header {
			c.w.Header()[name] = values
		}
		if err := sameSite.Check(c.Request); err != nil {
			c.fail(problem.ForbiddenBecause("the form is of another site").Because(err))
			return
		}
		page, err := do(c.ctx, c)
		switch {
		case err != nil:
			c.fail(err)
		case !c.authorized && !spec.Open:
			c.fail(errors.New("page succeeded without having been authorised"))
		default:
			c.succeed(page)
		}
	}
	return o
}

// SeeOther sends the browser on to another page, by GET.
func (c *Call) SeeOther(location string) HTML {
	c.Status = http.StatusSeeOther
	c.Header.Set("Location", location)
	return HTML{}
}

// Form reads the body as a browser sends a form.
func (c *Call) Form() (url.Values, error) {
	media, _, _ := strings.Cut(c.Request.Header.Get("Content-Type"), ";")
	if strings.ToLower(strings.TrimSpace(media)) != "application/x-www-form-urlencoded" {
		return nil, &problem.Error{Kind: problem.KindUnsupportedMedia, Message: "The body must be a form."}
	}
	if c.Request.ContentLength > MaxBodyBytes {
		return nil, tooLarge()
	}
	body, err := readBody(c.Request)
	if err != nil {
		return nil, problem.Invalid("the body", "could not be read").Because(err)
	}
	if len(body) > MaxBodyBytes {
		return nil, tooLarge()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, problem.Invalid("the body", "must be a form") // the parser's own words repeat what was sent
	}
	return form, nil
}

func (c *Call) failPage(err error) int {
	f := tell(c.w.Header(), c.Request, c.Base, err)
	page := c.op.page.Fault(c, c.w.Header(), Fault{f.Code, f.Title, f.Message, err})
	write(c.w, c.Request, f.Code, mediaHTML, page)
	return f.Code
}

// acceptsHTML reports whether Accept names text/html. That it accepts anything does not
// count: so do clients.
func acceptsHTML(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(header, ",") {
			media, parameters, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(media), "text/html") {
				continue
			}
			if q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q="); ok {
				if weight, err := strconv.ParseFloat(q, 64); err == nil && weight == 0 {
					return false
				}
			}
			return true
		}
	}
	return false
}
