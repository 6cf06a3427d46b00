package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate"
)

// TestEveryFunctionLogsToAGroupThatForgets: each log group has a retention, each function
// writes to one of them, and may write to no other. Lambda would make a group of its own,
// which is kept for ever, for a function that names none.
func TestEveryFunctionLogsToAGroupThatForgets(t *testing.T) {
	type logging struct {
		LoggingConfig struct {
			LogFormat string `yaml:"LogFormat"`
			LogGroup  string `yaml:"LogGroup"`
		} `yaml:"LoggingConfig"`
	}
	var doc struct {
		Globals struct {
			Function logging `yaml:"Function"`
		} `yaml:"Globals"`
	}
	require.NoError(t, yaml.Unmarshal(mandate.Template, &doc))
	assert.Equal(t, "Text", doc.Globals.Function.LoggingConfig.LogFormat, "JSON would wrap our lines in another")

	groups, used := map[string]bool{}, map[string]bool{"AccessLog": true}
	var allowed []string
	for name, r := range resources(t) {
		switch r.Type {
		case "AWS::Logs::LogGroup":
			var group struct {
				RetentionInDays yaml.Node `yaml:"RetentionInDays"`
			}
			require.NoError(t, r.Properties.Decode(&group))
			assert.Equal(t, "LogRetention", group.RetentionInDays.Value, name)
			groups[name] = true
		case "AWS::Serverless::Function":
			var own logging
			require.NoError(t, r.Properties.Decode(&own))
			group := own.LoggingConfig.LogGroup
			if group == "" {
				group = doc.Globals.Function.LoggingConfig.LogGroup
			}
			used[group] = true
		}
		if name == "MayLog" {
			var m may
			require.NoError(t, r.Properties.Decode(&m))
			require.Len(t, m.PolicyDocument.Statement, 1)
			require.NoError(t, m.PolicyDocument.Statement[0].Resource.Decode(&allowed))
		}
	}
	assert.Equal(t, groups, used)
	for _, arn := range allowed {
		group, found := strings.CutSuffix(arn, ".Arn")
		assert.True(t, found && used[group] && group != "AccessLog", "MayLog allows %s", arn)
	}
	assert.Len(t, allowed, len(groups)-1)
}
