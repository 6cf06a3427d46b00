package transcripts

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is what transcripts are replayed against.
type Server struct {
	Do   func(*http.Request) (*http.Response, error) // answers one request whose URL begins with Base
	Base string                                      // address of the service as it stands in its links, without version

	AdminName, AdminPassword, AdminProject string // an administrator, in domain Default

	Now  func() time.Time    // the server's clock
	Wait func(time.Duration) // lets so much time pass for the server

	// Keystone expects what real Keystone answers, where a transcript says that it
	// differs.
	Keystone bool
}

// leave names the members that real Keystone answers otherwise wherever they stand:
// links of a trust's roles that lead nowhere, a stray object in answers to PATCH
// (directory.md section 4).
var leave = []string{"roles_links", "extra"}

// Replay replays a file, each exchange as a subtest named by its heading. root is the
// folder of all transcripts.
func Replay(t *testing.T, s Server, root, path string) {
	t.Helper()
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	run := make([]byte, 4)
	_, _ = rand.Read(run) // never fails
	r := &replay{Server: s, bound: bindings{
		"base": s.Base, "run": hex.EncodeToString(run),
		"admin_name": s.AdminName, "admin_password": s.AdminPassword, "admin_project": s.AdminProject,
	}}
	if f.Uses != "" {
		setup, err := Read(filepath.Join(root, f.Uses))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range setup.Exchanges {
			if err := r.exchange(e); err != nil {
				t.Fatalf("%s:%d: %s: %v", setup.Path, e.Line, e.Heading, err)
			}
		}
	}
	for _, e := range f.Exchanges {
		t.Run(e.Heading, func(t *testing.T) {
			if err := r.exchange(e); err != nil {
				t.Fatalf("%s:%d: %v", path, e.Line, err)
			}
		})
	}
}

// replay is one replay of one file: a server and what was learned from it.
type replay struct {
	Server
	bound bindings
}

func (r *replay) exchange(e Exchange) error {
	if e.Wait > 0 {
		r.Wait(e.Wait)
	}
	req, err := r.request(e)
	if err != nil {
		return err
	}
	res, err := r.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", e.Method, e.Path, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: read the reply: %w", e.Method, e.Path, err)
	}
	_ = res.Body.Close() // it has been read to its end
	learned, err := r.check(e, res, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w\nreply: %d %s", e.Method, r.bound.show(e.Path), err, res.StatusCode, body)
	}
	r.bound = learned
	return nil
}

func (r *replay) request(e Exchange) (*http.Request, error) {
	r.bound = maps.Clone(r.bound)
	path, err := r.bound.fill(e.Path, r.Now())
	if err != nil {
		return nil, err
	}
	body, err := r.bound.fill(e.Body, r.Now())
	if err != nil {
		return nil, err
	}
	req := httptest.NewRequest(e.Method, r.Base+path, strings.NewReader(body))
	req.RequestURI = "" // so that a client can send it as well
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range e.Headers {
		value, err := r.bound.fill(h.Value, r.Now())
		if err != nil {
			return nil, err
		}
		if h.Name == signHeader {
			if err := r.sign(req, value); err != nil {
				return nil, err
			}
			continue
		}
		if h.Name == "Content-Type" && value == "" {
			req.Header["Content-Type"] = nil
			continue
		}
		req.Header.Set(h.Name, value)
	}
	return req, nil
}

func (r *replay) check(e Exchange, res *http.Response, body []byte) (bindings, error) {
	want, exact := e.Reply.Status, true
	if r.Keystone && e.Reply.Keystone != 0 {
		want, exact = e.Reply.Keystone, !e.Reply.Otherwise
	}
	if res.StatusCode != want {
		return nil, fmt.Errorf("status %d instead of %d", res.StatusCode, want)
	}
	if !exact {
		return r.bound, nil
	}
	if err := always(e.Method, e.Path, res, body); err != nil {
		return nil, err
	}
	b := r.bound
	var err error
	for _, h := range e.Reply.Headers {
		if b, err = matchText(h.Value, strings.Join(res.Header.Values(h.Name), ", "), b); err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
	}
	if e.Reply.Body == "" {
		if res.StatusCode < http.StatusBadRequest && len(body) > 0 {
			return nil, fmt.Errorf("a body where there should be none")
		}
		return b, nil
	}
	if strings.HasPrefix(e.Reply.Body, formBegins) {
		return matchText(e.Reply.Body, string(body), b)
	}
	wanted, err := decode([]byte(e.Reply.Body))
	if err != nil {
		return nil, fmt.Errorf("the transcript's body: %w", err)
	}
	got, err := decode(body)
	if err != nil {
		return nil, fmt.Errorf("the reply's body: %w", err)
	}
	m := matcher{}
	if r.Keystone {
		m.leave = leave
	}
	return m.match("body", wanted, got, b)
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the value")
	}
	return v, nil
}
