package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"mandate/shared/problem"
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
	problem.KindTooLarge:         {http.StatusRequestEntityTooLarge, "Request Entity Too Large"},
	problem.KindUnsupportedMedia: {http.StatusUnsupportedMediaType, "Unsupported Media Type"},
	problem.KindTooMany:          {http.StatusTooManyRequests, "Too Many Requests"},
	problem.KindUnavailable:      {http.StatusServiceUnavailable, "Service Unavailable"},
}

// Fail answers any handler's error in the common envelope; operations get it for free.
// What is not a problem is a 500 that says nothing; its text goes to the log.
func Fail(w http.ResponseWriter, r *http.Request, base string, err error) int {
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrContended) {
		err = problem.Unavailable(err)
	}
	code, title, message := http.StatusInternalServerError, "Internal Server Error",
		"An unexpected error prevented the server from fulfilling your request."
	var extra map[string]any
	if p, ok := problem.As(err); ok {
		s := statuses[p.Kind]
		code, title, message, extra = s.code, s.title, p.Message, p.Extra
		if p.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
		}
		if len(p.Allow) > 0 {
			w.Header().Set("Allow", strings.Join(p.Allow, ", "))
		}
	}
	if code == http.StatusUnauthorized {
		uri := base
		if !strings.HasPrefix(r.URL.Path, "/v2.0") {
			uri += "/v3"
		}
		w.Header().Set("WWW-Authenticate", `Keystone uri="`+uri+`"`)
	}
	body := map[string]any{"code": code, "title": title, "message": message}
	for k, v := range extra {
		body[k] = v
	}
	write(w, r, code, map[string]any{"error": body})
	return code
}

func (c *Call) fail(err error) {
	c.event.err = err
	c.event.status = Fail(c.w, c.Request, c.Base, err)
}

func (c *Call) succeed(status int, out any) {
	c.event.status = status
	if _, none := out.(NoBody); none {
		c.w.WriteHeader(status)
		return
	}
	if err := write(c.w, c.Request, status, out); err != nil {
		c.fail(err)
	}
}

// write encodes a body. HEAD gets the headers of GET, Content-Length included (C-010).
func write(w http.ResponseWriter, r *http.Request, status int, out any) error {
	body, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return err
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client went away: nothing to be done about it
	}
	return nil
}
