// Package console is the pages for people: on one a user consents to what a program asks
// for by OAuth1, on the other she sees and takes back everything that she has granted.
// They are rendered here, hold no script and fetch nothing. What they do is what the API
// does, by the same calls of the same domain packages and asked of the same policy; of
// their own they have sessions (session.go) and forms.
package console

import (
	"context"
	"net/http"
	"strings"

	"mandate/shared/api"
	"mandate/shared/app"
)

// Operations lists the area.
func Operations(a *app.App) []api.Operation {
	s := &site{a}
	return []api.Operation{
		showSignIn(s), signIn(s), signOut(s),
		showConsent(s), returnToConsent(s), decideConsent(s),
		showDelegations(s), revokeDelegations(s),
	}
}

// site is what all pages share.
type site struct{ *app.App }

// page makes an operation of a page of this site.
func (s *site) page(spec api.PageSpec, do func(context.Context, *api.Call) (api.HTML, error)) api.Operation {
	spec.Header, spec.Fault = headers, s.fault
	return api.Page(spec, do)
}

// headers are those of every reply. The pages load nothing but the style sheet inside
// them, whose digest is named; they stand in no frame, and their forms lead here only.
// Referrers stay on this site: without any, browsers would not say where a form came from.
var headers = http.Header{
	"Content-Security-Policy": {"default-src 'none'; style-src '" + styleDigest + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	"Cache-Control":           {"no-store"},
	"Referrer-Policy":         {"same-origin"},
	"X-Content-Type-Options":  {"nosniff"},
	"X-Frame-Options":         {"DENY"},

	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
}

// home leads from the page that was asked for to where all paths begin, whatever a stage
// or a proxy puts before them. Links are relative, so that they hold under every address
// that the service has.
func home(c *api.Call) string {
	path, _, _ := strings.Cut(c.Request.RequestURI, "?")
	return strings.Repeat("../", max(strings.Count(path, "/")-1, 0))
}

// Destinations of links, below home.
const (
	toDelegations = "v3/console/delegations"
	toSignIn      = "v3/console/sign-in"
	toSignOut     = "v3/console/sign-out"
)

func toConsent(id string) string  { return "v3/OS-OAUTH1/authorize/" + id }
func toDecision(id string) string { return "v3/console/authorize/" + id }
