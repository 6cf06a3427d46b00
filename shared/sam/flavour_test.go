package sam_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate"
	"mandate/shared/sam"
)

func derive(t *testing.T, f sam.Flavour) (*sam.Template, string) {
	t.Helper()
	text, err := sam.Derive(mandate.Template, f)
	require.NoError(t, err)
	tpl, err := sam.Parse(text)
	require.NoError(t, err)
	return tpl, string(text)
}

func TestTheRESTFlavourIsTheSameService(t *testing.T) {
	origin, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	rest, text := derive(t, sam.Flavour{REST: true})

	assert.Equal(t, origin, rest, "functions, routes, roles, time-outs, variables, stream and fallback")
	require.NotEmpty(t, rest.Routes())
	assert.Equal(t, 1, strings.Count(strings.ReplaceAll(text, "RestApiId", ""), "ApiId: !Ref"), "the mapping of a name, which both kinds have")
	for _, of := range []string{"HttpApi", "$default", "routeKey}", "context.routeKey"} {
		assert.NotContains(t, strings.ReplaceAll(text, "RestApiId", ""), of, "left over from the HTTP API")
	}
	assert.Equal(t, 1, strings.Count(text, "'/{proxy+}'"))
	assert.Contains(t, text, "execute-api.${AWS::Region}.${AWS::URLSuffix}/"+sam.Stage, "the stage stands in the address")
}

func TestAFlavourKeepsTheRest(t *testing.T) {
	same, text := derive(t, sam.Flavour{Code: "other/amd64", Variables: map[string]string{"DYNAMODB_ENDPOINT": "http://127.0.0.1:8000"}})
	origin, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	assert.Equal(t, origin.Functions, same.Functions)
	assert.ElementsMatch(t, append(origin.Variables, "DYNAMODB_ENDPOINT"), same.Variables)
	assert.NotContains(t, text, "CodeUri: .build/")
	assert.Contains(t, text, "CodeUri: other/amd64/trusts\n")
	assert.Contains(t, text, "DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000'")
}

func TestAFlavourWithoutVersions(t *testing.T) {
	same, text := derive(t, sam.Flavour{Latest: true})
	origin, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	assert.Equal(t, origin.Functions, same.Functions)
	for _, gone := range []string{"AutoPublishAlias:", "VersionDescription:", "DeploymentPreference:"} {
		assert.Contains(t, string(mandate.Template), gone)
		assert.NotContains(t, text, gone)
	}
}

func TestAFlavourOfFewFunctions(t *testing.T) {
	text := string(mandate.Template) + "  Late:\n    Value: !GetAtt DeleteTrust.Arn\n"
	text = strings.Replace(text, "Resources:\n", "Resources:\n  Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { Of: !Sub '${CreateTrust}-x' } }\n"+
		"  Sum: { Type: 'AWS::CloudWatch::CompositeAlarm', DependsOn: Alarm }\n", 1)
	out, err := sam.Derive([]byte(text), sam.Flavour{Only: []string{"ValidateToken", "Fallback"}})
	require.NoError(t, err)
	few, err := sam.Parse(out)
	require.NoError(t, err)
	require.Len(t, few.Functions, 2)
	assert.Equal(t, "Fallback", few.Functions[0].Name)
	assert.Contains(t, string(out), "ReaderRole:")
	for _, gone := range []string{"\n  Alarm:", "\n  Sum:", "\n  Late:"} {
		assert.NotContains(t, string(out), gone, "it names a function that is gone")
	}
}

func TestDeriveRefuses(t *testing.T) {
	with := func(old, changed string) string {
		text := strings.Replace(string(mandate.Template), old, changed, 1)
		require.NotEqual(t, string(mandate.Template), text)
		return text
	}
	for name, c := range map[string]struct {
		text string
		f    sam.Flavour
		says string
	}{
		"what is not YAML":                    {"\t:", sam.Flavour{}, "read the template"},
		"nothing":                             {"", sam.Flavour{}, "empty"},
		"no resources":                        {"Globals: {}", sam.Flavour{}, "no Resources"},
		"a property that it does not know":    {with("FailOnWarnings: true", "CorsConfiguration: true"), sam.Flavour{REST: true}, "Api: property CorsConfiguration is not translated"},
		"an event's property it knows not":    {with("Method: POST,", "Method: POST, Auth: {},"), sam.Flavour{REST: true}, "property Auth is not translated"},
		"a function that is not there":        {string(mandate.Template), sam.Flavour{Only: []string{"Nobody"}}, "no function Nobody"},
		"no API":                              {with("AWS::Serverless::HttpApi", "AWS::S3::Bucket"), sam.Flavour{REST: true}, "0 HTTP APIs"},
		"executables that are somewhere else": {with("CodeUri: .build/", "CodeUri: bin/"), sam.Flavour{Code: "x"}, "not below .build/"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sam.Derive([]byte(c.text), c.f)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestDeriveTranslatesRouteSettings(t *testing.T) {
	text := strings.Replace(string(mandate.Template), "FailOnWarnings: true",
		"DefaultRouteSettings: { DetailedMetricsEnabled: true, ThrottlingRateLimit: 5 }", 1)
	out, err := sam.Derive([]byte(text), sam.Flavour{REST: true})
	require.NoError(t, err)
	assert.Contains(t, string(out), "MethodSettings:\n        - {MetricsEnabled: true, ThrottlingRateLimit: 5, ResourcePath: '/*', HttpMethod: '*'}")
}
