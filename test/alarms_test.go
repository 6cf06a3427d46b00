package test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate/shared/metrics"
)

// TestAlarmsAreExplained: docs/operations.md says of each alarm what it means and what to do.
func TestAlarmsAreExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	_, section, ok := regexpCut(string(page), `(?m)^\| alarm \|.*$`)
	require.True(t, ok, "no table of alarms")
	section, _, _ = regexpCut(section, `(?m)^#`)
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\x60[^|]*)\|`).FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			if name[1] != "amiss" { // a member of a line
				explained[name[1]] = true
			}
		}
	}
	alarms := map[string]bool{}
	for name, r := range resources(t) {
		if r.Type == "AWS::CloudWatch::Alarm" {
			alarms[name] = true
		}
	}
	require.NotEmpty(t, alarms)
	assert.Equal(t, alarms, explained)
}

// watched is a metric as an alarm or the dashboard names it.
type watched struct{ namespace, name, dimension, value string }

// ownNamespace is what METRICS_NAMESPACE is set to.
const ownNamespace = "AWS::StackName"

// alarmed lists the metrics of each alarm.
func alarmed(t *testing.T) map[string][]watched {
	t.Helper()
	type metric struct {
		Namespace  string `yaml:"Namespace"`
		MetricName string `yaml:"MetricName"`
		Dimensions []struct {
			Name  string `yaml:"Name"`
			Value string `yaml:"Value"`
		} `yaml:"Dimensions"`
	}
	all := map[string][]watched{}
	for name, r := range resources(t) {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		var alarm struct {
			metric  `yaml:",inline"`
			Metrics []struct {
				MetricStat struct {
					Metric metric `yaml:"Metric"`
				} `yaml:"MetricStat"`
			} `yaml:"Metrics"`
		}
		require.NoError(t, r.Properties.Decode(&alarm), name)
		list := []metric{alarm.metric}
		for _, m := range alarm.Metrics {
			list = append(list, m.MetricStat.Metric)
		}
		for _, m := range list {
			if m.MetricName == "" { // an expression over the others
				continue
			}
			require.Len(t, m.Dimensions, 1, name)
			all[name] = append(all[name], watched{m.Namespace, m.MetricName, m.Dimensions[0].Name, m.Dimensions[0].Value})
		}
		assert.NotEmpty(t, all[name], name)
		assert.LessOrEqual(t, len(all[name]), 10, "%s: an alarm compares ten metrics at most", name)
	}
	require.NotEmpty(t, all)
	return all
}

// drawn lists the metrics of the dashboard, and the alarms that it shows.
func drawn(t *testing.T) (list []watched, alarms []string) {
	t.Helper()
	r, ok := resources(t)["Dashboard"]
	require.True(t, ok)
	var properties struct {
		DashboardBody yaml.Node `yaml:"DashboardBody"`
	}
	require.NoError(t, r.Properties.Decode(&properties))
	var body struct {
		Widgets []struct {
			X, Y, Width, Height int
			Properties          struct {
				Metrics [][]any
				Alarms  []string
			}
		}
	}
	text := regexp.MustCompile(`\$\{([^}]*)\}`).ReplaceAllString(properties.DashboardBody.Value, "$1")
	require.NoError(t, json.Unmarshal([]byte(text), &body, json.MatchCaseInsensitiveNames(true)))
	for _, w := range body.Widgets {
		assert.True(t, w.Width > 0 && w.Height > 0 && w.X+w.Width <= 24, "%+v", w)
		for _, m := range w.Properties.Metrics {
			require.Len(t, m, 5, "%v", m)
			list = append(list, watched{m[0].(string), m[1].(string), m[2].(string), m[3].(string)})
		}
		for _, a := range w.Properties.Alarms {
			name, _, _ := regexpCut(a, `\.Arn$`)
			alarms = append(alarms, name)
		}
	}
	require.NotEmpty(t, list)
	return list, alarms
}

// TestWhatIsWatchedIsCounted: alarms and the dashboard name metrics that our own lines have,
// of areas that write such lines, and those of AWS that there are of what the stack has.
func TestWhatIsWatchedIsCounted(t *testing.T) {
	lines := map[string]metrics.Set{} // of each area
	for _, f := range template(t).Functions {
		switch {
		case len(f.Routes) > 0 || f.Default:
			lines[f.Area] = metrics.Requests
		case f.Stream != nil:
			lines[f.Area] = metrics.Batches
		}
	}
	theirs := map[string]map[string][]string{ // namespace, dimension, names
		"AWS/Lambda":   {"FunctionName": {"Errors", "Throttles", "Duration", "IteratorAge"}},
		"AWS/SQS":      {"QueueName": {"ApproximateNumberOfMessagesVisible"}},
		"AWS/DynamoDB": {"TableName": {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"}},
	}
	of := map[string]string{"FunctionName": "AWS::Serverless::Function", "QueueName": "AWS::SQS::Queue", "TableName": "AWS::DynamoDB::Table"}
	all, shown := drawn(t)
	var names []string
	for alarm, list := range alarmed(t) {
		names = append(names, alarm)
		all = append(all, list...)
	}
	assert.ElementsMatch(t, names, shown, "the alarms that the dashboard shows")
	there := resources(t)
	for _, m := range all {
		if m.namespace == ownNamespace {
			assert.Equal(t, metrics.Area, m.dimension, "%+v", m)
			assert.True(t, slices.ContainsFunc(lines[m.value], func(l metrics.Metric) bool { return l.Name == m.name }), "no line counts %+v", m)
			continue
		}
		assert.Contains(t, theirs[m.namespace][m.dimension], m.name, "%+v", m)
		resource, _, _ := regexpCut(m.value, `\.|RestoredAs$`)
		assert.Equal(t, of[m.dimension], there[resource].Type, "%+v", m)
	}
}

// TestEveryFaultRings: the faults of each area that answers requests are summed in one alarm,
// and drawn. So are the throttles of each function that an alarm watches.
func TestEveryFaultRings(t *testing.T) {
	rings := map[watched]int{}
	for _, list := range alarmed(t) {
		for _, m := range list {
			rings[m]++
		}
	}
	all, _ := drawn(t)
	for _, f := range template(t).Functions {
		if len(f.Routes) == 0 && !f.Default {
			continue
		}
		m := watched{ownNamespace, metrics.Faults, metrics.Area, f.Area}
		assert.Equal(t, 1, rings[m], "%+v", m)
		for _, name := range []string{metrics.Faults, metrics.Milliseconds, metrics.ReadUnits, metrics.WriteUnits} {
			assert.Contains(t, all, watched{ownNamespace, name, metrics.Area, f.Area})
		}
	}
	for m := range rings {
		if m.name == "Throttles" || m.name == "IteratorAge" {
			assert.Contains(t, all, m)
		}
	}
}
