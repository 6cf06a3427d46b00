package api

import (
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"mandate/shared/metrics"
	"mandate/shared/problem"
	"mandate/shared/store/meter"
)

// event is the one log line of a request, filled in along the way and written once at
// the end. docs/observability.md lists the names. It says the operation and never the
// path, because in v2.0 a token is in it.
type event struct {
	start  time.Time
	id     string
	global string // request id that the client sent along (C-004)
	trace  string // root of the trace that it belongs to
	action string
	status int
	err    error
	stack  string // where it panicked
	usage  *meter.Usage
}

// maxID is how long ids are at most. Tokens are longer.
const maxID = 64

var tokenLike = regexp.MustCompile(`[A-Za-z0-9_-]{65,}`)

// withoutTokens is a text that may repeat what a client sent: a problem names the
// attribute or the id that was wrong, and a token may have been put in its place.
func withoutTokens(text string) string {
	if len(text) <= maxID {
		return text
	}
	return tokenLike.ReplaceAllString(text, "[redacted]")
}

var wellFormedID = regexp.MustCompile(`^req-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`)

func globalID(r *http.Request) string {
	if id := r.Header.Get("X-Openstack-Request-Id"); wellFormedID.MatchString(id) {
		return id
	}
	return ""
}

func (c *Call) finish() {
	e := &c.event
	level := slog.LevelInfo
	if e.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !c.server.Log.Enabled(c.ctx, level) {
		return
	}
	counts := e.usage.Counts()
	attrs := append(make([]slog.Attr, 0, 16),
		slog.String("operation", c.op.Name), slog.String("request_id", e.id), slog.Int("status", e.status),
		slog.Float64(metrics.Milliseconds, float64(c.server.Now().Sub(e.start).Microseconds())/1000),
		slog.Int("trips", c.Reads.Trips()), slog.Int("calls", counts.Trips()),
		slog.Float64(metrics.ReadUnits, counts.ReadUnits), slog.Float64(metrics.WriteUnits, counts.WriteUnits),
	)
	if e.action != "" {
		attrs = append(attrs, slog.String("action", e.action))
	}
	if e.global != "" {
		attrs = append(attrs, slog.String("global_request_id", e.global))
	}
	if e.trace != "" {
		attrs = append(attrs, slog.String("trace_id", e.trace))
	}
	if !c.Caller.Anonymous() {
		attrs = append(attrs, slog.String("user_id", c.Caller.UserID), slog.String("audit_id", c.Caller.AuditID))
		if c.Caller.TrustID != "" {
			attrs = append(attrs, slog.String("trust_id", c.Caller.TrustID), slog.String("subject_id", c.Caller.SubjectID))
		}
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("cause", withoutTokens(cause(e.err))))
	}
	if e.stack != "" {
		attrs = append(attrs, slog.String("stack", withoutTokens(e.stack)))
	}
	if c.server.Area != "" {
		attrs = append(attrs, slog.String(metrics.Area, c.server.Area), metrics.Flag(metrics.Faults, e.status >= http.StatusInternalServerError),
			metrics.Flag(metrics.ColdStarts, !c.server.warm.Swap(true)), metrics.Requests.Attr(c.server.Namespace, e.start))
	}
	c.server.Log.LogAttrs(c.ctx, level, "request", attrs...)
}

// cause is an error with the private causes that problems keep to themselves.
func cause(err error) string {
	text := err.Error()
	if p, ok := problem.As(err); ok && p.Cause != nil {
		text += ": " + cause(p.Cause)
	}
	return text
}
