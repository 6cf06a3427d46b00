package api

import (
	"regexp"
	"strings"
)

var wellFormedTrace = regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`)

// TraceID is the root of the trace in a header X-Amzn-Trace-Id ("Root=1-…;Parent=…"), by
// which X-Ray and the logs of what is before us know a request; "" when there is none. What
// is not well formed is not taken into the log.
func TraceID(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if root, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok && wellFormedTrace.MatchString(root) {
			return root
		}
	}
	return ""
}
