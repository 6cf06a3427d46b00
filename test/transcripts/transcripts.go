// Package transcripts replays exchanges with the Identity API that are written down as
// plain text: what is sent, and what must come back. One file holds one operation, its
// success first and then each refusal, and is replayed against the functions in process,
// against a running service, and against real Keystone, so that the contract stays what
// clients meet.
//
// A file is prose until its first heading. `uses: setup.txt` in it names a file that is
// replayed before, here the one that makes the users, projects and roles. Then come
// exchanges:
//
//	### TR-024 uses are counted from what was asked
//	POST /v3/OS-TRUST/trusts
//	X-Auth-Token: <token_trustor>
//
//	{"trust": {"trustor_user_id": "<trustor_id>", "remaining_uses": 3, …}}
//
//	HTTP 201
//	{"trust": {"id": "<trust_id>", "remaining_uses": 3, "expires_at": null, …}}
//
// The heading begins with the ids of the contract's rows that the exchange shows, and is
// the name of the subtest. Lines of prose may follow it, each beginning with `#`, and one
// that lets time pass first: `wait 3s`.
//
// # Requests
//
// A body is sent as application/json unless Content-Type says otherwise; `Content-Type:`
// with nothing after it sends none.
//
// A header `Sign: key secret [token secret] [name=value …]` is sent as the Authorization
// header of a request signed by OAuth1 (HMAC-SHA1), with those parameters beside its own.
//
// # Replies
//
// The status; headers that must be there, which may be left out; then the body. An error
// without a body written down must have the common envelope; any other reply without one
// must be empty. `HTTP 404 (keystone: 403)` says that real Keystone answers 403, where
// the contract says that ours differs; `(keystone: 404 otherwise)` that its status is the
// same and the rest is not. Every reply must have Vary, a request id and, if it is an
// error, the envelope (C-001 to C-003) without any of it being written down.
//
// Objects must have exactly the members written down; a member "...": "..." allows others.
// Lists are compared without regard to order, for the API promises none, except
// audit_ids; a last element "..." allows others.
//
// # Placeholders
//
// `<name>` stands for a value that is not known beforehand. Where it first stands in a
// reply it takes the value found there; from then on it is that value. Its name says what
// it looks like:
//
//	<…_id>       32 lower-case hex digits
//	<…_at>       a time in the API's form; second precision, .000000Z
//	<audit…>     22 characters of URL-safe base64
//	<token…>     a token: 1 to 255 visible characters
//	<any>        any value at all, each time
//
// In a request `<in_1h_at>` is a time one hour hence (bound when first met),
// `<fill_to_1000>` as many letters as the body needs to be 1000 bytes long. Bound from the start: `<base>`, the
// service's address; `<run>`, a random suffix that keeps the names of one replay apart
// from others'; `<admin_name>`, `<admin_password>`, `<admin_project>`.
package transcripts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// File is one transcript.
type File struct {
	Path      string
	Uses      string // file to be replayed first, relative to the root of all transcripts; "" for none
	Exchanges []Exchange
}

// Exchange is one request and the reply that it must get.
type Exchange struct {
	Heading string
	Line    int           // of the heading
	Wait    time.Duration // passes before the request is sent
	Method  string
	Path    string // with query
	Headers []Header
	Body    string
	Reply   Reply
}

// Header is a name and a value in which placeholders may stand.
type Header struct{ Name, Value string }

// Reply is what must come back.
type Reply struct {
	Status    int
	Keystone  int  // status of real Keystone where it differs, or 0
	Otherwise bool // real Keystone's headers and body differ
	Headers   []Header
	Body      string // "" if none is written down
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (/\S*)$`)
	statusLine  = regexp.MustCompile(`^HTTP (\d{3})(?: \(keystone: (\d{3})( otherwise)?\))?$`)
	headerLine  = regexp.MustCompile(`^([A-Za-z0-9-]+):(?: (.*))?$`)
)

// Read reads a transcript. It fails on whatever it does not understand: a line that
// means nothing would be an exchange that checks less than it seems to.
func Read(path string) (File, error) {
	text, err := os.ReadFile(path) //nolint:gosec // G304: the caller names a file of the source tree
	if err != nil {
		return File{}, fmt.Errorf("read transcript: %w", err)
	}
	f, err := parse(string(text))
	if err != nil {
		return File{}, fmt.Errorf("%s:%w", path, err)
	}
	f.Path = path
	return f, nil
}

// Find returns the files of all transcripts below a folder but for those that others use.
func Find(root string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.txt"))
	if err != nil {
		return nil, fmt.Errorf("find transcripts: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no transcripts below %s", root)
	}
	return paths, nil
}

// lines reads a text line by line and remembers where it is.
type lines struct {
	rest []string
	at   int // number of the line that next returns
}

func (l *lines) more() bool { return len(l.rest) > 0 }

func (l *lines) peek() string {
	if !l.more() {
		return ""
	}
	return l.rest[0]
}

func (l *lines) next() string {
	line := l.rest[0]
	l.rest, l.at = l.rest[1:], l.at+1
	return line
}

func (l *lines) skipBlank() {
	for l.more() && strings.TrimSpace(l.peek()) == "" {
		l.next()
	}
}

// until takes lines up to one that stop wants.
func (l *lines) until(stop func(string) bool) string {
	var taken []string
	for l.more() && !stop(l.peek()) {
		taken = append(taken, l.next())
	}
	return strings.TrimSpace(strings.Join(taken, "\n"))
}

func (l *lines) headers() []Header {
	var all []Header
	for l.more() {
		m := headerLine.FindStringSubmatch(l.peek())
		if m == nil {
			break
		}
		l.next()
		all = append(all, Header{m[1], m[2]})
	}
	return all
}

func heading(line string) bool { return strings.HasPrefix(line, "### ") }

func parse(text string) (File, error) {
	var f File
	l := &lines{rest: strings.Split(text, "\n"), at: 1}
	for l.more() && !heading(l.peek()) {
		if name, ok := strings.CutPrefix(l.next(), "uses: "); ok {
			f.Uses = name
		}
	}
	for l.more() {
		e, err := parseExchange(l)
		if err != nil {
			return File{}, err
		}
		f.Exchanges = append(f.Exchanges, e)
	}
	if len(f.Exchanges) == 0 {
		return File{}, fmt.Errorf("%d: no exchange", l.at)
	}
	return f, nil
}

func parseExchange(l *lines) (Exchange, error) {
	e := Exchange{Line: l.at}
	e.Heading = strings.TrimSpace(strings.TrimPrefix(l.next(), "### "))
	for l.more() {
		line := l.peek()
		if wait, ok := strings.CutPrefix(line, "wait "); ok {
			d, err := time.ParseDuration(wait)
			if err != nil {
				return e, fmt.Errorf("%d: %w", l.at, err)
			}
			e.Wait = d
		} else if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			break
		}
		l.next()
	}
	m := requestLine.FindStringSubmatch(l.peek())
	if m == nil {
		return e, fmt.Errorf("%d: %q is no request", l.at, l.peek())
	}
	l.next()
	e.Method, e.Path = m[1], m[2]
	e.Headers = l.headers()
	e.Body = l.until(func(s string) bool { return statusLine.MatchString(s) || heading(s) })
	m = statusLine.FindStringSubmatch(l.peek())
	if m == nil {
		return e, fmt.Errorf("%d: %q has no reply", e.Line, e.Heading)
	}
	l.next()
	e.Reply.Status, _ = strconv.Atoi(m[1])
	e.Reply.Keystone, _ = strconv.Atoi(m[2])
	e.Reply.Otherwise = m[3] != "" || e.Reply.Keystone != 0 && e.Reply.Keystone != e.Reply.Status
	e.Reply.Headers = l.headers()
	l.skipBlank()
	e.Reply.Body = l.until(heading)
	return e, nil
}
