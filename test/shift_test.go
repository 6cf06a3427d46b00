package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate"
)

// shift is how calls go over to a new version of a function.
type shift struct {
	AutoPublishAlias     string    `yaml:"AutoPublishAlias"`
	VersionDescription   yaml.Node `yaml:"VersionDescription"`
	DeploymentPreference struct {
		Enabled              yaml.Node `yaml:"Enabled"`
		Type                 yaml.Node `yaml:"Type"`
		Alarms               yaml.Node `yaml:"Alarms"`
		PassthroughCondition bool      `yaml:"PassthroughCondition"`
	} `yaml:"DeploymentPreference"`
	LoggingConfig struct {
		LogGroup string `yaml:"LogGroup"`
	} `yaml:"LoggingConfig"`
}

// shifted are the functions that have versions.
func shifted(t *testing.T) map[string]shift {
	t.Helper()
	all := map[string]shift{}
	for name, r := range resources(t) {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		var s shift
		require.NoError(t, r.Properties.Decode(&s), name)
		if s.AutoPublishAlias != "" {
			all[name] = s
		}
	}
	return all
}

// TestNewVersionsAreShiftedTo: of what issues, judges and ends tokens, trusts and OAuth1
// tokens. What only shows them goes over at once, for a stack has no room for all of it.
func TestNewVersionsAreShiftedTo(t *testing.T) {
	all := shifted(t)
	require.NotEmpty(t, all)
	for _, f := range template(t).Functions {
		s, has := all[f.Name]
		judges := strings.HasPrefix(f.Name, "Validate") || strings.HasPrefix(f.Name, "Check")
		should := f.Operation != f.Area && len(f.Routes) > 0 && f.Area != "preauthentications" && (f.Role == "WriterRole" || judges)
		if !assert.Equal(t, should, has, f.Name) || !has {
			continue
		}
		p := s.DeploymentPreference
		assert.Equal(t, "live", s.AutoPublishAlias, f.Name)
		assert.Equal(t, []string{"Shifts", "Shift", "Gradual"}, values(p.Enabled.Content), f.Name)
		assert.Equal(t, "Shift", p.Type.Value, f.Name)
		area := strings.TrimSuffix(s.LoggingConfig.LogGroup, "Log")
		require.Len(t, p.Alarms.Content, 3, f.Name)
		assert.Equal(t, "Watched", p.Alarms.Content[0].Value, f.Name)
		assert.Equal(t, []string{area + "Fail", area + "Fault", area + "Slow"}, values(p.Alarms.Content[1].Content), "%s: what takes it back", f.Name)
		assert.Equal(t, resources(t)[f.Name].Condition != "", p.PassthroughCondition, "%s: its deployments are there when it is", f.Name)
	}
}

// TestASettingMakesAVersion: a version keeps the settings that it was published with, and SAM
// publishes another for other code, not for another value of a parameter. CloudFormation does
// when the description changes, so it has each parameter that functions are given.
func TestASettingMakesAVersion(t *testing.T) {
	var doc struct {
		Parameters map[string]yaml.Node `yaml:"Parameters"`
		Conditions map[string]yaml.Node `yaml:"Conditions"`
		Globals    yaml.Node            `yaml:"Globals"`
	}
	require.NoError(t, yaml.Unmarshal(mandate.Template, &doc))
	var given []string
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		switch n.Tag {
		case "!Ref":
			given = append(given, n.Value)
		case "!Sub":
			for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(n.Value, -1) {
				given = append(given, m[1])
			}
		case "!If":
			condition := doc.Conditions[n.Content[0].Value]
			look(&condition)
		}
		for _, c := range n.Content {
			look(c)
		}
	}
	look(&doc.Globals)
	given = slices.DeleteFunc(given, func(name string) bool {
		_, is := doc.Parameters[name]
		return !is || name == "Architecture" // which comes with other code
	})
	slices.Sort(given)
	for name, s := range shifted(t) {
		var described []string
		for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(s.VersionDescription.Value, -1) {
			described = append(described, m[1])
		}
		slices.Sort(described)
		assert.Equal(t, slices.Compact(given), described, name)
	}
}
