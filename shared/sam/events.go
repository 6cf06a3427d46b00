package sam

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Stream is an event source mapping on the table's stream, by Lambda's meanings and
// defaults.
type Stream struct {
	FromStart bool          // StartingPosition: TRIM_HORIZON, or what is written from now on (LATEST)
	Batch     int           // BatchSize: records at once, at most; 100
	Window    time.Duration // MaximumBatchingWindowInSeconds: how long a batch may wait to become full; 0
	Bisect    bool          // BisectBatchOnFunctionError: halve a batch that fails as a whole
	Retries   int           // MaximumRetryAttempts: -1, the default, for ever
	MaxAge    time.Duration // MaximumRecordAgeInSeconds: 0, the default, for ever
	Partial   bool          // FunctionResponseTypes has ReportBatchItemFailures
	Failures  bool          // it has a destination for what was given up
	Filter    Filter        // FilterCriteria: which records it is given; all when empty
}

func streamFrom(node yaml.Node) (*Stream, error) {
	p := struct {
		StartingPosition               string    `yaml:"StartingPosition"`
		BatchSize                      int       `yaml:"BatchSize"`
		MaximumBatchingWindowInSeconds int       `yaml:"MaximumBatchingWindowInSeconds"`
		BisectBatchOnFunctionError     bool      `yaml:"BisectBatchOnFunctionError"`
		MaximumRetryAttempts           int       `yaml:"MaximumRetryAttempts"`
		MaximumRecordAgeInSeconds      int       `yaml:"MaximumRecordAgeInSeconds"`
		FunctionResponseTypes          []string  `yaml:"FunctionResponseTypes"`
		DestinationConfig              yaml.Node `yaml:"DestinationConfig"`
		ParallelizationFactor          int       `yaml:"ParallelizationFactor"`
		FilterCriteria                 yaml.Node `yaml:"FilterCriteria"`
	}{BatchSize: 100, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1, ParallelizationFactor: 1}
	if err := node.Decode(&p); err != nil {
		return nil, err
	}
	s := &Stream{
		FromStart: p.StartingPosition == "TRIM_HORIZON", Batch: p.BatchSize, Window: time.Duration(p.MaximumBatchingWindowInSeconds) * time.Second,
		Bisect: p.BisectBatchOnFunctionError, Retries: p.MaximumRetryAttempts,
		MaxAge:   time.Duration(max(p.MaximumRecordAgeInSeconds, 0)) * time.Second,
		Failures: !p.DestinationConfig.IsZero(),
	}
	for _, t := range p.FunctionResponseTypes {
		if t != "ReportBatchItemFailures" {
			return nil, fmt.Errorf("FunctionResponseTypes: there is no %s", t)
		}
		s.Partial = true
	}
	switch {
	case !s.FromStart && p.StartingPosition != "LATEST":
		return nil, fmt.Errorf("StartingPosition is %q, not TRIM_HORIZON or LATEST", p.StartingPosition)
	case s.Batch < 1 || s.Batch > 10_000:
		return nil, fmt.Errorf("BatchSize is %d, not 1 to 10000", s.Batch)
	case s.Window < 0 || s.Window > 5*time.Minute:
		return nil, fmt.Errorf("MaximumBatchingWindowInSeconds is %s, not 0 to 300", s.Window)
	case s.Retries < -1 || s.Retries > 10_000:
		return nil, fmt.Errorf("MaximumRetryAttempts is %d, not -1 to 10000", s.Retries)
	case p.ParallelizationFactor != 1:
		return nil, fmt.Errorf("ParallelizationFactor is not followed by the local server")
	}
	var err error
	if s.Filter, err = filterFrom(p.FilterCriteria); err != nil {
		return nil, fmt.Errorf("FilterCriteria: %w", err)
	}
	return s, nil
}

// Schedule is a time at which a function is run.
type Schedule struct {
	Name  string        // of the event
	Every time.Duration // from one run to the next
	At    time.Duration // since midnight UTC of the first one of a day; for a daily one only
	Input string        // what the function is given: JSON
}

// scheduleFrom reads the two forms that we use: rate(n minutes|hours|days), and
// cron(M H * * ? *), which is once a day.
func scheduleFrom(name string, node yaml.Node) (Schedule, error) {
	var p struct {
		Schedule string `yaml:"Schedule"`
		Input    string `yaml:"Input"`
	}
	if err := node.Decode(&p); err != nil {
		return Schedule{}, err
	}
	s := Schedule{Name: name, Input: p.Input}
	kind, rest, _ := strings.Cut(strings.TrimSuffix(p.Schedule, ")"), "(")
	fields := strings.Fields(rest)
	switch {
	case kind == "rate" && len(fields) == 2:
		n, err := strconv.Atoi(fields[0])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(fields[1], "s")]
		if s.Every = time.Duration(n) * unit; err == nil && s.Every > 0 {
			return s, nil
		}
	case kind == "cron" && len(fields) == 6 && strings.Join(fields[2:], " ") == "* * ? *":
		minute, err := strconv.Atoi(fields[0])
		hour, err2 := strconv.Atoi(fields[1])
		if err == nil && err2 == nil && minute >= 0 && minute < 60 && hour >= 0 && hour < 24 {
			s.Every, s.At = 24*time.Hour, time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute
			return s, nil
		}
	}
	return Schedule{}, fmt.Errorf("schedule %q is neither rate(n minutes) nor cron(M H * * ? *)", p.Schedule)
}
