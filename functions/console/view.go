package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"time"

	"mandate/shared/api"
	"mandate/shared/directory"
)

//go:embed pages/*.html pages/style.css
var files embed.FS

// style is the one style sheet. It stands in every page, because a browser that may load
// nothing needs no second request; the policy of the pages names its digest.
var style, styleDigest = func() (template.CSS, string) {
	text, err := files.ReadFile("pages/style.css")
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return template.CSS(text), "sha256-" + base64.StdEncoding.EncodeToString(sum[:]) //nolint:gosec // G203: our own file
}()

// pages are the templates by name, each with the layout around it.
var pages = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{"when": when, "stamp": stamp, "life": life}).
		ParseFS(files, "pages/layout.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"sign-in", "consent", "granted", "refused", "delegations", "fault"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "pages/"+name+".html"))
	}
	return all
}()

// frame is what every page shows around its own matter.
type frame struct {
	Title string
	Home  string // leads to where all paths begin
	Style template.CSS
	User  *person // who is signed in
	Proof string  // of forms (session.go)
	Now   time.Time
}

// person is a user as pages name her.
type person struct{ Name, Domain, ID string }

func personOf(u directory.User) person { return person{u.Name, u.DomainName, u.ID} }

func (s *site) frame(c *api.Call, title string) frame {
	return frame{Title: title, Home: home(c), Style: style, Now: c.Now()}
}

// within is the frame of a page that is shown in a session.
func (in session) within(f frame) frame {
	u := personOf(in.token.Subject)
	f.User, f.Proof = &u, in.proof()
	return f
}

func render(name string, view any) (api.HTML, error) {
	var b bytes.Buffer
	if err := pages[name].Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// when is a time for people, with its zone.
func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// stamp is a time for programs.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// life is a span of time in the largest unit that says it without rest.
func life(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.of; n > 0 && d%unit.of == 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}
