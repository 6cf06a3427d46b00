package transcripts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

var requestID = regexp.MustCompile(`^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// titles are those of common.md section 1.
var titles = map[int]string{
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	409: "Conflict", 410: "Gone", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
	429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}

// always checks what holds for every reply (C-001 to C-003, C-010).
func always(method, path string, res *http.Response, body []byte) error {
	if !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "X-Auth-Token") {
		return fmt.Errorf("header Vary is %q", res.Header.Values("Vary"))
	}
	if id := res.Header.Get("X-Openstack-Request-Id"); !requestID.MatchString(id) {
		return fmt.Errorf("header x-openstack-request-id is %q", id)
	}
	if method == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("a body in the answer to HEAD")
		}
		return nil
	}
	if res.StatusCode < http.StatusBadRequest {
		return nil
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/json" {
		return fmt.Errorf("an error of type %q", kind)
	}
	var envelope map[string]struct {
		Code           int
		Title, Message string
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("an error without the envelope: %w", err)
	}
	e, ok := envelope["error"]
	if res.StatusCode == http.StatusNotFound && strings.HasPrefix(path, "/v3/auth/tokens?explain=") {
		delete(envelope, "explain") // the one member that may stand beside the error
	}
	if !ok || len(envelope) != 1 || e.Code != res.StatusCode || e.Title != titles[res.StatusCode] || e.Message == "" {
		return fmt.Errorf("an error without the common envelope")
	}
	return nil
}
