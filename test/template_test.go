package test

import (
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"mandate"
	"mandate/functions"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/sam"
	"mandate/shared/secret"
	"mandate/shared/store/embedded"
)

func template(t *testing.T) *sam.Template {
	t.Helper()
	tpl, err := sam.Parse(mandate.Template)
	require.NoError(t, err)
	return tpl
}

// operations maps each operation to its area.
func operations(t *testing.T) map[string]string {
	t.Helper()
	engine, err := embedded.Open(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	settings, err := config.Read(func(string) string { return "" })
	require.NoError(t, err)
	key, err := secret.NewMasterKey()
	require.NoError(t, err)
	a, err := app.New(t.Context(), app.Parts{Config: settings, Table: engine, Wrapper: key, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	areas := map[string]string{}
	for area, list := range functions.Areas() {
		for _, o := range list(a) {
			require.Empty(t, areas[o.Name], "%s is an operation of two areas", o.Name)
			areas[o.Name] = area
		}
	}
	return areas
}

// TestTheTemplateServesEveryOperation: each by the routes of one function, whose
// executable is that of the operation's area.
func TestTheTemplateServesEveryOperation(t *testing.T) {
	areas := operations(t)
	served := map[string]string{}
	for _, f := range template(t).Functions {
		for _, r := range f.Routes {
			area, known := areas[r.Operation]
			assert.True(t, known, "route %s is for %s, which is no operation: write it, and list it in Operations of functions/%s", r.Key(), r.Operation, f.Area)
			assert.Equal(t, f.Area, area, "%s is served by the executable of another area", r.Operation)
			if before := served[r.Operation]; before != "" {
				assert.Equal(t, before, f.Name, "%s is served by two functions", r.Operation)
			}
			served[r.Operation] = f.Name
			if f.Operation != f.Area {
				assert.Equal(t, f.Operation, r.Operation, "a function of one operation has the route of another")
			}
		}
	}
	for name, area := range areas {
		assert.NotEmpty(t, served[name], "no route leads to %s of functions/%s: add one to template.yaml", name, area)
	}
}

func TestNoRouteStandsTwice(t *testing.T) {
	seen := map[string]string{}
	for _, r := range template(t).Routes() {
		key := r.Method + " " + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(r.Path, "{}")
		assert.Empty(t, seen[key], "%s stands twice", r.Key())
		seen[key] = r.Operation
	}
}

// issuing is the path whose GET makes something: HEAD would take a use of a trust (PA-059).
const issuing = "/v3/tokens/trusts/{user_id}"

// TestGETIsServedForHEAD: API Gateway has a route for HEAD or answers 404 (C-010).
func TestGETIsServedForHEAD(t *testing.T) {
	heads := map[string]bool{}
	for _, r := range template(t).Routes() {
		if r.Method == "HEAD" {
			heads[r.Path] = true
		}
	}
	for _, r := range template(t).Routes() {
		if r.Method == "GET" {
			assert.Equal(t, r.Path != issuing, heads[r.Path], "route of %s for HEAD", r.Path)
		}
	}
}

// TestEveryExecutableIsBuiltAndUsed: what CodeUri names is what `make build` writes, and
// `sam build` leaves it alone.
func TestEveryExecutableIsBuiltAndUsed(t *testing.T) {
	mains, err := filepath.Glob("../functions/*/lambda/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	var built, used []string
	for _, m := range mains {
		built = append(built, filepath.Base(filepath.Dir(filepath.Dir(m))))
	}
	for _, f := range template(t).Functions {
		used = append(used, f.Area)
	}
	slices.Sort(used)
	assert.Equal(t, built, slices.Compact(used))
	for name, r := range resources(t) {
		assert.Equal(t, r.Type == "AWS::Serverless::Function", r.Metadata.SkipBuild, name)
	}
}

// TestTheVariablesAreThoseOfTheConfiguration: Globals sets what shared/config reads, and
// nothing else; OPERATION is each function's own.
func TestTheVariablesAreThoseOfTheConfiguration(t *testing.T) {
	read := map[string]bool{}
	_, err := config.Read(func(name string) string { read[name] = true; return "" })
	require.NoError(t, err)
	assert.True(t, read["OPERATION"])
	delete(read, "OPERATION")
	assert.Equal(t, slices.Sorted(maps.Keys(read)), template(t).Variables)
	for _, f := range template(t).Functions {
		assert.NotEmpty(t, f.Operation, "%s has no OPERATION", f.Name)
	}
}

// resource is a resource of the template as it stands there.
type resource struct {
	Type       string    `yaml:"Type"`
	Condition  string    `yaml:"Condition"`
	Properties yaml.Node `yaml:"Properties"`
	Metadata   struct {
		SkipBuild bool `yaml:"SkipBuild"`
	} `yaml:"Metadata"`
}

func resources(t *testing.T) map[string]resource {
	t.Helper()
	var doc struct {
		Resources map[string]resource `yaml:"Resources"`
	}
	require.NoError(t, yaml.Unmarshal(mandate.Template, &doc))
	require.NotEmpty(t, doc.Resources)
	return doc.Resources
}

// TestTheStackHasRoom: CloudFormation takes 500 resources in a stack. SAM makes a
// permission of every route, a mapping of every stream event, a stage of the API, and of each
// function that has an alias that, a version and a group for its deployments. An HTTP API takes 300 routes and 300 integrations, of which SAM makes one per function.
func TestTheStackHasRoom(t *testing.T) {
	tpl := template(t)
	count := len(resources(t)) + 1
	for _, f := range tpl.Functions {
		count += len(f.Routes)
		if f.Default || f.Stream != nil {
			count++
		}
		count += 2 * len(f.Schedules) // a rule and its permission
	}
	count += 3*len(shifted(t)) + 2 // an application and its role
	t.Logf("%d resources, %d routes, %d functions", count, len(tpl.Routes()), len(tpl.Functions))
	assert.Less(t, count, 450)
	assert.Less(t, len(tpl.Routes()), 290)
}

// may is what a managed policy allows.
type may struct {
	PolicyDocument struct {
		Statement []struct {
			Effect   string    `yaml:"Effect"`
			Action   yaml.Node `yaml:"Action"`
			Resource yaml.Node `yaml:"Resource"`
		} `yaml:"Statement"`
	} `yaml:"PolicyDocument"`
}

// actions lists what a policy allows. It holds that each is named, and on what.
func (m may) actions(t *testing.T, policy string) []string {
	t.Helper()
	var all []string
	for _, s := range m.PolicyDocument.Statement {
		assert.Equal(t, "Allow", s.Effect, policy)
		named := []string{s.Action.Value}
		if s.Action.Kind != yaml.ScalarNode {
			require.NoError(t, s.Action.Decode(&named))
		}
		for _, a := range named {
			assert.NotContains(t, a, "*", policy)
		}
		assert.NotEmpty(t, s.Resource.Kind, policy)
		assert.Equal(t, policy == "MayTrace", s.Resource.Value == "*", "%s: traces alone are on no resource", policy)
		all = append(all, named...)
	}
	return all
}

// values are the texts of nodes.
func values(nodes []*yaml.Node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.Value)
	}
	return all
}

// TestWhatFunctionsMayDo reads the policies: no action is left open, nothing is allowed on
// everything, who only reads may change nothing, and every function has one of the roles.
func TestWhatFunctionsMayDo(t *testing.T) {
	allowed, roles, traced := map[string][]string{}, map[string][]string{}, []string{}
	for name, r := range resources(t) {
		switch r.Type {
		case "AWS::IAM::ManagedPolicy":
			var m may
			require.NoError(t, r.Properties.Decode(&m))
			allowed[name] = m.actions(t, name)
		case "AWS::IAM::Role":
			var role struct {
				ManagedPolicyArns []yaml.Node `yaml:"ManagedPolicyArns"`
				Policies          yaml.Node   `yaml:"Policies"`
			}
			require.NoError(t, r.Properties.Decode(&role))
			assert.True(t, role.Policies.IsZero(), "%s: what it may do stands in the managed policies", name)
			for _, policy := range role.ManagedPolicyArns {
				if policy.Tag == "!If" {
					assert.Equal(t, []string{"Traced", "MayTrace", "AWS::NoValue"}, values(policy.Content), name)
					traced = append(traced, name)
					continue
				}
				roles[name] = append(roles[name], policy.Value)
			}
		}
	}
	assert.Equal(t, map[string][]string{
		"ReaderRole":  {"MayLog", "MayRead"},
		"WriterRole":  {"MayLog", "MayRead", "MayWrite"},
		"StreamRole":  {"MayLog", "MayRead", "MayWrite", "MayFollow"},
		"PublishRole": {"MayLog", "MayRead", "MayWrite", "MayFollow", "MayTell"},

		"ReconcileRole": {"MayLog", "MayRead", "MayWrite", "MayPage"},
		"KeeperRole":    {"MayLog", "MayRead", "MayWrite"},
	}, roles)
	assert.ElementsMatch(t, slices.Collect(maps.Keys(roles)), traced, "every function gives traces, when it should")
	assert.ElementsMatch(t, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, allowed["MayTrace"])
	assert.ElementsMatch(t, []string{"dynamodb:BatchGetItem", "dynamodb:Query"}, allowed["MayRead"])
	for _, f := range template(t).Functions {
		assert.Contains(t, roles, f.Role, f.Name)
		assert.Equal(t, f.Stream != nil, slices.Contains(roles[f.Role], "MayFollow"), "%s: who follows the stream, and only they", f.Name)
		assert.Equal(t, f.Area == "reconcile", f.Role == "ReconcileRole", "%s: who goes through the whole table, and only they", f.Name)
	}
}

// TestNoLogOfAPIGatewayHasAPath: v2.0 puts tokens into paths, so neither the access log
// nor execution traces may write any; only what is named here is known to have none.
func TestNoLogOfAPIGatewayHasAPath(t *testing.T) {
	known := []string{
		"requestId", "routeKey", "status", "error.messageString", "integration.error",
		"identity.sourceIp", "responseLatency", "requestTime",
	}
	var apis int
	for name, r := range resources(t) {
		if r.Type != "AWS::Serverless::HttpApi" {
			continue
		}
		apis++
		var api struct {
			AccessLogSettings struct {
				Format string `yaml:"Format"`
			} `yaml:"AccessLogSettings"`
		}
		require.NoError(t, r.Properties.Decode(&api))
		used := regexp.MustCompile(`\$(context\.)?([A-Za-z.]+)`).FindAllStringSubmatch(api.AccessLogSettings.Format, -1)
		require.NotEmpty(t, used, name)
		for _, variable := range used {
			assert.Contains(t, known, variable[2], "%s: the access log writes %s", name, variable[0])
		}
	}
	assert.Equal(t, 1, apis)
	for _, word := range []string{"DataTraceEnabled", "TracingEnabled"} {
		assert.NotContains(t, string(mandate.Template), word, "traces of API Gateway have URLs in them")
	}
}

// TestTracesAreOfFunctions, which have no URL in them, and only when they are asked for:
// PassThrough gives none by itself.
func TestTracesAreOfFunctions(t *testing.T) {
	var doc struct {
		Parameters struct {
			Trace struct {
				Default string `yaml:"Default"`
			} `yaml:"Trace"`
		} `yaml:"Parameters"`
		Globals struct {
			Function struct {
				Tracing yaml.Node `yaml:"Tracing"`
			} `yaml:"Function"`
		} `yaml:"Globals"`
	}
	require.NoError(t, yaml.Unmarshal(mandate.Template, &doc))
	assert.Equal(t, "off", doc.Parameters.Trace.Default)
	assert.Equal(t, "!If", doc.Globals.Function.Tracing.Tag)
	assert.Equal(t, []string{"Traced", "Active", "PassThrough"}, values(doc.Globals.Function.Tracing.Content))
	assert.Equal(t, 1, strings.Count(string(mandate.Template), "Tracing:"), "one switch for all functions")
}

// TestTranscriptsAreOfOperations, and stand in the folder of the area that serves them.
func TestTranscriptsAreOfOperations(t *testing.T) {
	files, err := filepath.Glob("transcripts/*/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	areas := operations(t)
	for _, f := range files {
		name, _, _ := strings.Cut(filepath.Base(f), ".")
		assert.Equal(t, filepath.Base(filepath.Dir(f)), areas[name], "%s: no area of that name has the operation %s in its list", f, name)
	}
}

// TestEveryOperationHasATranscript, but for the pages, which the browser tries.
func TestEveryOperationHasATranscript(t *testing.T) {
	for name, area := range operations(t) {
		if area == "console" {
			continue
		}
		files, err := filepath.Glob(filepath.Join("transcripts", area, name+"*.txt"))
		require.NoError(t, err)
		assert.NotEmpty(t, files, "%s has no transcript: write down what it answers in test/transcripts/%s/%s.txt", name, area, name)
	}
}

// TestARestoredTableTakesThePlace of the stack's own, wherever functions are told of it or
// allowed to use it; the key opens for both, because a restored keyset names the first one.
func TestARestoredTableTakesThePlace(t *testing.T) {
	text := string(mandate.Template)
	for _, use := range regexp.MustCompile(`(?m)^.*(!Ref Table\b|Table\.Arn|Table\.StreamArn|\$\{Table\b).*$`).FindAllString(text, -1) {
		switch {
		case strings.Contains(use, "Table.StreamArn"):
			assert.Contains(t, use, "!If [Restored, !Sub '${Table.Arn}${RestoredAs}/stream/${RestoredStream}', !GetAtt Table.StreamArn]")
		case strings.Contains(use, "mandate:table"):
			assert.Contains(t, use, "StringLike: { 'kms:EncryptionContext:mandate:table': [!Ref Table, !Sub '${Table}-*'] }")
		default:
			assert.Equal(t, strings.Count(use, "Table}")+strings.Count(use, "Table.Arn"), strings.Count(use, "}${RestoredAs}"), use)
			assert.NotContains(t, use, "!Ref Table", use)
		}
	}
}
