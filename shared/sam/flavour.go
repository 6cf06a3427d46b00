package sam

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Flavour says how a template made for another place than an HTTP API in AWS differs from
// template.yaml. What it does not name stays as it is, comments included.
type Flavour struct {
	REST      bool              // a REST API instead of an HTTP API: for WAF, private endpoints and emulators
	Code      string            // folder of the executables, seen from the new template; "" leaves CodeUri as it is
	Variables map[string]string // more variables for all functions, such as those of local modes
	Latest    bool              // no versions and no shifting between them: for emulators, which have no CodeDeploy
	Only      []string          // functions to keep, with what hangs on nothing else; all of them when empty
}

// Stage is the REST API's one stage. It stands before every path that a client sends.
const Stage = "identity"

// builtIn is the folder that CodeUri names in template.yaml.
const builtIn = ".build/"

// Derive makes another flavour of a template. It refuses what it does not know how to
// translate, so that nothing the template says is lost without a word.
func Derive(text []byte, f Flavour) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("read the template: it is empty")
	}
	root := doc.Content[0]
	resources := member(root, "Resources")
	if resources == nil {
		return nil, errors.New("read the template: it has no Resources")
	}
	if f.Latest || len(f.Only) > 0 { // without all functions there are no alarms that would take a version back
		for _, r := range members(resources) {
			for _, name := range []string{"AutoPublishAlias", "VersionDescription", "DeploymentPreference"} {
				drop(member(r.value, "Properties"), name)
			}
		}
	}
	if len(f.Only) > 0 {
		if err := keepOnly(root, f.Only); err != nil {
			return nil, err
		}
	}
	if f.REST {
		if err := toREST(root, resources); err != nil {
			return nil, fmt.Errorf("make a REST API of the template: %w", err)
		}
	}
	if f.Code != "" {
		for _, r := range members(resources) {
			uri := member(member(r.value, "Properties"), "CodeUri")
			if uri == nil {
				continue
			}
			area, found := strings.CutPrefix(uri.Value, builtIn)
			if !found {
				return nil, fmt.Errorf("%s: CodeUri %q is not below %s", r.name, uri.Value, builtIn)
			}
			uri.Value = strings.TrimSuffix(f.Code, "/") + "/" + area
		}
	}
	if len(f.Variables) > 0 {
		variables := member(root, "Globals", "Function", "Environment", "Variables")
		if variables == nil {
			return nil, errors.New("the template has no variables in Globals")
		}
		names := make([]string, 0, len(f.Variables))
		for name := range f.Variables {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			set(variables, name, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.SingleQuotedStyle, Value: f.Variables[name]})
		}
	}
	var out bytes.Buffer
	out.WriteString("# Derived from template.yaml by cmd/flavour; change that one.\n")
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, fmt.Errorf("write the template: %w", err)
	}
	return out.Bytes(), nil
}

// keepOnly drops all functions but some, and every resource and output that names one that
// was dropped: alarms, permissions, the dashboard.
func keepOnly(root *yaml.Node, names []string) error {
	resources := member(root, "Resources")
	gone := map[string]bool{}
	for _, r := range members(resources) {
		if member(r.value, "Type").Value == "AWS::Serverless::Function" && !slices.Contains(names, r.name) {
			gone[r.name] = true
		}
	}
	for _, name := range names {
		if member(resources, name) == nil {
			return fmt.Errorf("the template has no function %s", name)
		}
	}
	for before := -1; before != len(gone); {
		before = len(gone)
		for _, r := range members(resources) {
			if names := references(r.value); slices.ContainsFunc(names, func(n string) bool { return gone[n] }) {
				gone[r.name] = true
			}
		}
	}
	for _, section := range []*yaml.Node{resources, member(root, "Outputs")} {
		if section == nil {
			continue
		}
		var kept []*yaml.Node
		for _, r := range members(section) {
			if !gone[r.name] && !slices.ContainsFunc(references(r.value), func(n string) bool { return gone[n] }) {
				kept = append(kept, r.key, r.value)
			}
		}
		section.Content = kept
	}
	return nil
}

// reference finds the logical ids in a !Sub.
var reference = regexp.MustCompile(`\$\{([A-Za-z0-9]+)`)

// references lists the logical ids that a part of the template names.
func references(part *yaml.Node) []string {
	var names []string
	each(part, func(n *yaml.Node) {
		switch n.Tag {
		case "!Ref", "!GetAtt":
			name, _, _ := strings.Cut(n.Value, ".")
			names = append(names, name)
		case "!Sub":
			text := n.Value
			if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
				text = n.Content[0].Value
			}
			for _, found := range reference.FindAllStringSubmatch(text, -1) {
				names = append(names, found[1])
			}
		}
	})
	for _, p := range members(part) {
		if p.name == "DependsOn" {
			each(p.value, func(n *yaml.Node) { names = append(names, n.Value) })
		}
	}
	return names
}

// toREST turns the HTTP API and every event of it into their REST counterparts.
func toREST(root, resources *yaml.Node) error {
	var apis []string
	for _, r := range members(resources) {
		switch member(r.value, "Type").Value {
		case "AWS::Serverless::HttpApi":
			apis = append(apis, r.name)
			if err := restAPI(r.value); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		case "AWS::Serverless::Function":
			if err := restEvents(member(r.value, "Properties", "Events")); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	if len(apis) != 1 {
		return fmt.Errorf("it has %d HTTP APIs instead of one", len(apis))
	}
	// The stage of a REST API stands in its address.
	each(root, func(n *yaml.Node) {
		host := "https://${" + apis[0] + "}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
		n.Value = strings.ReplaceAll(n.Value, host, host+"/"+Stage)
	})
	return nil
}

// gatewayRefusals are what a REST API answers by itself. It has a path for most routes, so
// what reaches no function there is a method that the path does not take; a path that no
// route knows goes to the fallback by {proxy+}.
const gatewayRefusals = `
MISSING_AUTHENTICATION_TOKEN:
  StatusCode: 405
  ResponseTemplates: { application/json: '{"error":{"code":405,"title":"Method Not Allowed","message":"The method is not allowed for the requested URL."}}' }
DEFAULT_4XX:
  ResponseTemplates: { application/json: '{"error":{"code":400,"title":"Bad Request","message":$context.error.messageString}}' }
DEFAULT_5XX:
  ResponseTemplates: { application/json: '{"error":{"code":500,"title":"Internal Server Error","message":"An unexpected error prevented the server from fulfilling your request."}}' }
`

// restAPI translates the API itself.
func restAPI(api *yaml.Node) error {
	member(api, "Type").Value = "AWS::Serverless::Api"
	properties := member(api, "Properties")
	for _, p := range members(properties) {
		switch p.name {
		case "FailOnWarnings", "Domain", "Tags", "Name", "Description", "DisableExecuteApiEndpoint": // the same in both
		case "StageName":
			return errors.New("a stage of its own is not translated")
		case "AccessLogSettings":
			p.key.Value = "AccessLogSetting"
			format := member(p.value, "Format")
			if format == nil {
				return errors.New("AccessLogSettings has no Format")
			}
			format.Value = strings.ReplaceAll(format.Value, "$context.routeKey", "$context.httpMethod $context.resourcePath")
		case "DefaultRouteSettings":
			if err := methodSettings(p); err != nil {
				return err
			}
		default:
			return fmt.Errorf("property %s is not translated", p.name)
		}
	}
	set(properties, "StageName", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: Stage})
	var refusals yaml.Node
	if err := yaml.Unmarshal([]byte(gatewayRefusals), &refusals); err != nil {
		return err
	}
	set(properties, "GatewayResponses", refusals.Content[0])
	return nil
}

// methodSettings turns the settings of all routes into those of all methods.
func methodSettings(p pair) error {
	for _, s := range members(p.value) {
		switch s.name {
		case "ThrottlingBurstLimit", "ThrottlingRateLimit":
		case "DetailedMetricsEnabled":
			s.key.Value = "MetricsEnabled"
		default:
			return fmt.Errorf("route setting %s is not translated", s.name)
		}
	}
	p.key.Value = "MethodSettings"
	all := *p.value
	set(&all, "ResourcePath", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "/*", Style: yaml.SingleQuotedStyle})
	set(&all, "HttpMethod", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "*", Style: yaml.SingleQuotedStyle})
	*p.value = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{&all}}
	return nil
}

// restEvents translates a function's events.
func restEvents(events *yaml.Node) error {
	for _, e := range members(events) {
		kind := member(e.value, "Type")
		if kind.Value != "HttpApi" {
			continue
		}
		kind.Value = "Api"
		properties := member(e.value, "Properties")
		for _, p := range members(properties) {
			switch p.name {
			case "Method", "Path", "TimeoutInMillis": // the same in both
			case "ApiId":
				p.key.Value = "RestApiId"
			default:
				return fmt.Errorf("event %s: property %s is not translated", e.name, p.name)
			}
		}
		path := member(properties, "Path")
		if path == nil {
			return fmt.Errorf("event %s has no Path", e.name)
		}
		if path.Value != "$default" {
			continue
		}
		// A REST API has no $default, and its {proxy+} is at least one character.
		path.Value = proxy
		top := clone(e.value)
		member(top, "Properties", "Path").Value = "/"
		set(events, e.name+"Top", top)
	}
	return nil
}

// proxy is the path of a REST API that stands for all that have no route.
const proxy = "/{proxy+}"

// pair is a member of a mapping.
type pair struct {
	name       string
	key, value *yaml.Node
}

// members lists a mapping; of anything else there are none.
func members(n *yaml.Node) []pair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var all []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, pair{n.Content[i].Value, n.Content[i], n.Content[i+1]})
	}
	return all
}

// member finds a member of nested mappings; nil when there is none.
func member(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		all := members(n)
		i := slices.IndexFunc(all, func(p pair) bool { return p.name == name })
		if i < 0 {
			return nil
		}
		n = all[i].value
	}
	return n
}

// set adds a member to a mapping, or replaces it.
func set(mapping *yaml.Node, name string, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, value)
}

// drop takes a member away, if there is one.
func drop(mapping *yaml.Node, name string) {
	if mapping == nil {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

// each visits every node.
func each(n *yaml.Node, do func(*yaml.Node)) {
	do(n)
	for _, c := range n.Content {
		each(c, do)
	}
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = clone(n.Content[i])
	}
	return &c
}
