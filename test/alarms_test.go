package test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
