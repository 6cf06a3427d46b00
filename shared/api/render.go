package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

var errNoToken = errors.New("no X-Auth-Token")

// statuses is the one table from kinds of problem to what goes over the wire (common.md section 1).
var statuses = map[problem.Kind]struct {
	code  int
	title string
}{
	problem.KindInvalid:          {http.StatusBadRequest, "Bad Request"},
	problem.KindUnauthorized:     {http.StatusUnauthorized, "Unauthorized"},
	problem.KindForbidden:        {http.StatusForbidden, "Forbidden"},
	problem.KindNotFound:         {http.StatusNotFound, "Not Found"},
	problem.KindMethodNotAllowed: {http.StatusMethodNotAllowed, "Method Not Allowed"},
	problem.KindConflict:         {http.StatusConflict, "Conflict"},
	problem.KindGone:             {http.StatusGone, "Gone"},
	problem.KindPrecondition:     {http.StatusPreconditionFailed, "Precondition Failed"},
	problem.KindTooLarge:         {http.StatusRequestEntityTooLarge, "Request Entity Too Large"},
	problem.KindUnsupportedMedia: {http.StatusUnsupportedMediaType, "Unsupported Media Type"},
	problem.KindTooMany:          {http.StatusTooManyRequests, "Too Many Requests"},
	problem.KindUnavailable:      {http.StatusServiceUnavailable, "Service Unavailable"},
}

// envelope is every error's body (C-001).
type envelope struct {
	Error   fault `json:"error"`
	Explain any   `json:"explain,omitzero"` // of a token that was not found, for those who asked why
}

type fault struct {
	Code    int            `json:"code"`
	Title   string         `json:"title"`
	Message string         `json:"message"`
	Extra   map[string]any `json:",embed"`
}

const unexpected = "An unexpected error prevented the server from fulfilling your request."

// Fail answers an error in the common envelope, for what answers before or beside
// operations, which get it for free; it returns the status. What is not a problem is a
// 500 that says nothing (C-015): its text is for the log.
func Fail(w http.ResponseWriter, r *http.Request, base string, err error) int {
	if w.Header().Get("X-Openstack-Request-Id") == "" {
		stamp(w.Header())
	}
	body := envelope{Error: tell(w.Header(), r, base, err)}
	if p, ok := problem.As(err); ok {
		body.Explain = p.Explain
	}
	encoded, err := json.Marshal(body, json.Deterministic(len(body.Error.Extra) > 0))
	if err != nil { // only an Extra can fail
		body.Error.Extra = nil
		encoded, _ = json.Marshal(body)
	}
	write(w, r, body.Error.Code, "application/json", encoded)
	return body.Error.Code
}

// tell is what a caller is told of an error; the headers that go with it are set.
func tell(h http.Header, r *http.Request, base string, err error) fault {
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrContended) {
		err = problem.Unavailable(err)
	}
	if errors.Is(err, secret.ErrBusy) {
		err = problem.TooMany(err) // C-018
	}
	told := fault{Code: http.StatusInternalServerError, Title: "Internal Server Error", Message: unexpected}
	if p, ok := problem.As(err); ok && statuses[p.Kind].code != 0 {
		s := statuses[p.Kind]
		told = fault{s.code, s.title, withoutTokens(p.Message), p.Extra}
		if p.RetryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
		}
		if len(p.Allow) > 0 {
			h.Set("Allow", strings.Join(p.Allow, ", "))
		}
	}
	if told.Code == http.StatusUnauthorized { // C-005, C-008
		uri := base
		if !strings.HasPrefix(r.URL.Path, "/v2.0") {
			uri += "/v3"
		}
		h.Set("WWW-Authenticate", `Keystone uri="`+uri+`"`)
	}
	told.Message = strings.ToValidUTF8(told.Message, "\uFFFD") // it may repeat what a query said
	return told
}

func (c *Call) fail(err error) {
	c.event.err = err
	if c.op.page != nil && !c.client {
		c.event.status = c.failPage(err)
		return
	}
	c.event.status = Fail(c.w, c.Request, c.Base, err)
}

// panicked turns a panic inside an operation into a 500; its stack goes to the log.
func (c *Call) panicked(with any) {
	c.event.stack = string(debug.Stack())
	c.fail(fmt.Errorf("panic: %v", with))
}

func (c *Call) succeed(out any) {
	var body []byte
	_, none := out.(NoBody)
	form, isForm := out.(Form)
	page, isPage := out.(HTML)
	switch {
	case isForm:
		body = []byte(form)
	case isPage:
		body = page
	case !none:
		var err error
		// Maps in a fixed order: the same state gives the same bytes.
		if body, err = json.Marshal(out, json.Deterministic(c.op.maps)); err != nil {
			c.fail(fmt.Errorf("encode the reply of %s: %w", c.op.Name, err))
			return
		}
	}
	c.event.status = c.Status
	h := c.w.Header()
	for name, values := range c.Header {
		h[name] = append(h[name], values...)
	}
	if none {
		c.w.WriteHeader(c.Status)
		return
	}
	media := "application/json"
	switch {
	case isForm:
		media = "application/x-www-form-urlencoded"
	case isPage:
		media = mediaHTML
	}
	if chosen := c.Header.Get("Content-Type"); chosen != "" {
		media = chosen
	}
	write(c.w, c.Request, c.Status, media, body)
}

// write sends a body. HEAD gets the headers of GET, Content-Length included (C-010).
func write(w http.ResponseWriter, r *http.Request, status int, media string, body []byte) {
	w.Header()["Content-Type"] = []string{media}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client went away: nothing to be done about it
	}
}

// hasMaps reports whether encoding a type may meet a map, whose order is then to be fixed.
func hasMaps(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hasMaps(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if hasMaps(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}
