// Package metrics is what CloudWatch makes of the log lines of functions: which of their
// numbers are metrics, under which names. The lines say it themselves, in the embedded
// metric format (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
// so that no function sends metrics and waits for it. docs/observability.md lists the names.
//
//	log.Info("request", "area", "auth", "ms", 0.4, …, metrics.Requests.Attr(namespace, now))
package metrics

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Area is the member of a line that is the only dimension: every series is paid for, and a
// series for each operation would be ten times as many. Which operation it was, the line says.
const Area = "area"

// Names of the metrics, and of the members of a line that hold their values.
const (
	Milliseconds = "ms"
	ReadUnits    = "read_units"
	WriteUnits   = "write_units"
	Faults       = "faults"      // 1 for a reply with a status of 500 or more
	ColdStarts   = "cold_starts" // 1 for the first line of a process
	Records      = "records"     // of the stream, in a batch
	Failed       = "failed"      // records of a batch that are to be given again
)

// A Set is what one kind of line has.
type Set []Metric

// A Metric is a number with its unit, in CloudWatch's words.
type Metric struct{ Name, Unit string }

// The two kinds of lines.
var (
	Requests = Set{{Milliseconds, "Milliseconds"}, {ReadUnits, "Count"}, {WriteUnits, "Count"}, {Faults, "Count"}, {ColdStarts, "Count"}}
	Batches  = Set{{Milliseconds, "Milliseconds"}, {ReadUnits, "Count"}, {WriteUnits, "Count"}, {Records, "Count"}, {Failed, "Count"}, {ColdStarts, "Count"}}
)

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    Set
}

// Attr is the member that makes a line's numbers metrics in a namespace, as of a time. Every
// deployment has a namespace of its own, or two in an account would count into one series.
func (s Set) Attr(namespace string, at time.Time) slog.Attr {
	return slog.Group("_aws", slog.Int64("Timestamp", at.UnixMilli()),
		slog.Any("CloudWatchMetrics", json.RawMessage(s.directives(namespace))))
}

func (s Set) directives(namespace string) []byte {
	text, err := json.Marshal([]directive{{namespace, [][]string{{Area}}, s}})
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// Flag is a number that counts when something is so.
func Flag(name string, so bool) slog.Attr {
	if so {
		return slog.Int(name, 1)
	}
	return slog.Int(name, 0)
}
