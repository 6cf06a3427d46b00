package test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/metrics"
)

// TestMetricsAreListed: docs/observability.md has the names and units that functions use, and no others.
func TestMetricsAreListed(t *testing.T) {
	page, err := os.ReadFile("../docs/observability.md")
	require.NoError(t, err)
	_, section, ok := regexpCut(string(page), `(?m)^## Metrics$`)
	require.True(t, ok, "no section on metrics")
	section, _, _ = regexpCut(section, `(?m)^## `)
	assert.Contains(t, section, "`METRICS_NAMESPACE`")
	assert.Contains(t, section, "dimension `"+metrics.Area+"`")
	type listed struct{ name, unit, lines string }
	var inPage, inCode []listed
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([\\w, ]+) \\|").FindAllStringSubmatch(section, -1) {
		inPage = append(inPage, listed{row[1], row[2], row[3]})
	}
	in := map[metrics.Metric]string{}
	for _, m := range metrics.Requests {
		in[m] = "request"
	}
	for _, m := range metrics.Batches {
		if in[m] != "" {
			in[m] += ", "
		}
		in[m] += "batch"
	}
	for m, lines := range in {
		inCode = append(inCode, listed{m.Name, m.Unit, lines})
	}
	assert.ElementsMatch(t, inCode, inPage)
}

func regexpCut(text, pattern string) (before, after string, found bool) {
	at := regexp.MustCompile(pattern).FindStringIndex(text)
	if at == nil {
		return text, "", false
	}
	return text[:at[0]], text[at[1]:], true
}
