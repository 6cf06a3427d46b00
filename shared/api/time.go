package api

import (
	"regexp"
	"strings"
	"time"

	"mandate/shared/problem"
)

// Time is a time in a reply: UTC in whole seconds, written in the microsecond form that
// clients expect, 2031-03-01T09:00:00.000000Z (common.md section 5).
type Time time.Time

const timeLayout = "2006-01-02T15:04:05.000000Z"

// AppendText writes the wire form; encoding/json/v2 calls it.
func (t Time) AppendText(b []byte) ([]byte, error) {
	return time.Time(t).UTC().Truncate(time.Second).AppendFormat(b, timeLayout), nil
}

// MarshalText is AppendText for encoders that do not know it.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// String is the wire form.
func (t Time) String() string { b, _ := t.AppendText(nil); return string(b) }

var inputTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$`)

// ParseTime reads a time that a caller gave for an attribute: a missing Z means UTC, the
// fraction is optional. Anything else, an offset and a date alone among it, is a problem
// of kind Invalid (common.md section 5; TR-020 to TR-022).
func ParseTime(attribute, text string) (time.Time, error) {
	if inputTime.MatchString(text) {
		if t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z")); err == nil {
			return t, nil
		}
	}
	return time.Time{}, problem.Invalid(attribute, "must be a time such as 2031-03-01T09:00:00Z")
}
