package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"mandate/functions"
	"mandate/shared/api"
	"mandate/shared/app"
	"mandate/shared/config"
	"mandate/shared/route"
	"mandate/shared/sam"
	"mandate/shared/secret"
	"mandate/shared/sweep"
)

const (
	byToken     = "token"
	bySignature = "signature"
	jsonType    = "application/json"
	formType    = "application/x-www-form-urlencoded"
	jsonHome    = "application/json-home"
)

// signed are the operations that are called with a signature of OAuth1 instead of a token.
var signed = []string{"CreateRequestToken", "CreateAccessToken"}

// describe is the whole description, as YAML.
func describe(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "template.yaml")) //nolint:gosec // G304: the source tree
	if err != nil {
		return nil, err
	}
	template, err := sam.Parse(text)
	if err != nil {
		return nil, err
	}
	said, err := readComments(root)
	if err != nil {
		return nil, err
	}
	examples, err := readExamples(root, template.Routes())
	if err != nil {
		return nil, err
	}
	d := &describer{said: said, examples: examples, operations: map[string]served{}, used: map[string]int{},
		schemas: schemas{components: ordered[*schema]{}}, statuses: ordered[*response]{}}
	defaults, err := config.Read(func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	for area, operations := range functions.Areas() {
		for _, o := range operations(&app.App{Config: defaults}) {
			d.operations[o.Name] = served{o, area}
		}
	}
	// Pages are for people; docs/pages.md shows them.
	routes := slices.DeleteFunc(template.Routes(), func(r route.Route) bool {
		return d.operations[r.Operation].Out == reflect.TypeFor[api.HTML]()
	})
	doc, err := d.document(routes)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("# Made by cmd/openapi from template.yaml, the operations' types and test/transcripts. Do not edit.\n")
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), e.Close()
}

// served is an operation and the area that serves it.
type served struct {
	api.Operation
	area string
}

type describer struct {
	said       comments
	examples   map[string]shown
	operations map[string]served
	used       map[string]int // how many routes an operation has so far
	schemas    schemas
	statuses   ordered[*response] // answers with the status of an error, by its name
}

func (d *describer) document(routes []route.Route) (document, error) {
	doc := document{OpenAPI: "3.1.0", Paths: ordered[pathItem]{}, Security: []security{{byToken: {}}}}
	doc.Info.Title, doc.Info.Version = "Mandate", "v3.14"
	doc.Info.Description = "The OpenStack Identity API as Mandate serves it: every route, what it takes and what it answers. " +
		"Errors have one form. Unknown members of bodies and unknown query parameters are ignored unless said otherwise. A trailing slash is not told apart."
	doc.Info.License.Name, doc.Info.License.Identifier = "Apache 2.0", "Apache-2.0"
	doc.Servers = []server{{URL: "http://127.0.0.1:5000", Description: "What `make run` serves"}}
	doc.Components.Schemas, doc.Components.Responses, doc.Components.Headers = d.schemas.components, d.statuses, headers()
	doc.Components.SecuritySchemes = ordered[scheme]{
		byToken:     {Type: "apiKey", In: "header", Name: "X-Auth-Token", Description: "A token of POST /v3/auth/tokens."},
		bySignature: {Type: "http", Scheme: "OAuth", Description: "A request signed as RFC 5849 says, with the secret of a consumer."},
	}
	d.schemas.components["error"] = envelope()
	areas := map[string]bool{}
	for _, r := range routes {
		o, known := d.operations[r.Operation]
		if !known {
			return doc, fmt.Errorf("%s: no operation %s", r.Key(), r.Operation)
		}
		areas[o.area] = true
		described, err := d.operation(r, o)
		if err != nil {
			return doc, fmt.Errorf("%s: %w", r.Key(), err)
		}
		item := doc.Paths[r.Path]
		item.Parameters = pathParameters(r.Path)
		*item.method(r.Method) = described
		doc.Paths[r.Path] = item
	}
	for area := range areas {
		doc.Tags = append(doc.Tags, tag{area, d.said.areas[area]})
	}
	slices.SortFunc(doc.Tags, func(a, b tag) int { return strings.Compare(a.Name, b.Name) })
	return doc, nil
}

// method is where the operation of a method belongs.
func (p *pathItem) method(name string) **operation {
	switch name {
	case http.MethodGet:
		return &p.Get
	case http.MethodHead:
		return &p.Head
	case http.MethodPost:
		return &p.Post
	case http.MethodPut:
		return &p.Put
	case http.MethodPatch:
		return &p.Patch
	case http.MethodDelete:
		return &p.Delete
	default:
		panic("no route has the method " + name)
	}
}

func pathParameters(path string) []parameter {
	var all []parameter
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			all = append(all, parameter{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &schema{Type: types{"string"}}})
		}
	}
	return all
}

func (d *describer) operation(r route.Route, o served) (*operation, error) {
	out := &operation{ID: d.name(r), Tags: []string{o.area}, Summary: d.said.operations[o.Name], Responses: ordered[*response]{}}
	switch {
	case slices.Contains(signed, o.Name):
		out.Security = &[]security{{bySignature: {}}}
	case o.Open:
		out.Security = &[]security{}
	}
	if o.Action != "" {
		out.Description = "Policy: `" + o.Action + "`."
	}
	s := d.examples[r.Key()]
	if err := d.request(out, o, s); err != nil {
		return nil, err
	}
	return out, d.responses(out, r, o, s)
}

// name is the operation's name; a second route of it, and HEAD, are told apart.
func (d *describer) name(r route.Route) string {
	name := r.Operation
	if r.Method == http.MethodHead {
		name += "Head"
	}
	d.used[name]++
	if n := d.used[name]; n > 1 {
		name += strconv.Itoa(n)
	}
	return name
}

func (d *describer) request(out *operation, o served, s shown) error {
	for _, f := range reflect.VisibleFields(o.In) {
		if name, ok := f.Tag.Lookup("query"); ok {
			out.Parameters = append(out.Parameters, parameter{Name: name, In: "query", Schema: &schema{Type: types{"string"}}})
		}
		if name, ok := f.Tag.Lookup("header"); ok {
			out.Parameters = append(out.Parameters, parameter{Name: name, In: "header", Schema: d.schemas.of(reflect.TypeFor[secret.Text]())})
		}
		kind, ok := f.Tag.Lookup("body")
		if !ok {
			continue
		}
		d.schemas.reading = true
		m := media{Schema: d.schemas.of(f.Type)}
		d.schemas.reading = false
		var err error
		if m.Examples, err = examples(s.requests, 3); err != nil {
			return err
		}
		out.RequestBody = &requestBody{Required: kind != "optional", Content: ordered[media]{jsonType: m}}
	}
	return nil
}

func (d *describer) responses(out *operation, r route.Route, o served, s shown) error {
	success, err := d.success(r, o, s)
	if err != nil {
		return err
	}
	for status, of := range success {
		out.Responses[strconv.Itoa(status)] = of
	}
	if o.Ends {
		out.Parameters = append(out.Parameters, parameter{
			Name: "dry_run", In: "query", Schema: &schema{Type: types{"string"}},
			Description: "1: nothing is done, and the answer is what would end. Anything else is a mistake.",
		})
		m := media{Schema: d.schemas.of(reflect.TypeFor[wouldEnd]())}
		if already := out.Responses["200"]; already != nil {
			m.Schema = &schema{AnyOf: []*schema{already.Content[jsonType].Schema, m.Schema}}
			m.Examples = already.Content[jsonType].Examples
		}
		out.Responses["200"] = &response{Description: "OK; with dry_run, what would end", Headers: common(), Content: ordered[media]{jsonType: m}}
	}
	for _, status := range mistakes(r, o, s) {
		if out.Responses[strconv.Itoa(status)], err = d.mistake(status, r.Method, s.replies[status]); err != nil {
			return err
		}
	}
	if why := explanation(o.Out); why != nil && r.Method != http.MethodHead && out.Responses["404"] != nil {
		beside := envelope()
		beside.Properties["explain"] = d.schemas.of(why)
		answer := out.Responses["404"]
		if answer.Ref != "" {
			answer = refusal(http.StatusNotFound)
		}
		m := answer.Content[jsonType]
		m.Schema = beside
		answer.Content[jsonType] = m
		out.Responses["404"] = answer
	}
	return nil
}

// explanation is the type of the member explain of an answer, which may stand beside the
// error of a 404 too; nil when there is none.
func explanation(answer reflect.Type) reflect.Type {
	if answer.Kind() != reflect.Struct {
		return nil
	}
	for i := range answer.NumField() {
		if f := answer.Field(i); f.Type.Kind() == reflect.Pointer && strings.HasPrefix(f.Tag.Get("json"), "explain,") {
			return f.Type.Elem()
		}
	}
	return nil
}

// mistake is the answer with the status of an error, and what leads to it as far as
// transcripts show it.
func (d *describer) mistake(status int, method string, of []exchange) (*response, error) {
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	d.statuses[name] = refusal(status)
	if method == http.MethodHead {
		return &response{Description: http.StatusText(status), Headers: common()}, nil
	}
	if len(of) == 0 {
		return &response{Ref: "#/components/responses/" + name}, nil
	}
	answer := refusal(status)
	answer.Description += ": " + why(of)
	m := answer.Content[jsonType]
	var err error
	m.Examples, err = examples(of, 1)
	answer.Content[jsonType] = m
	return answer, err
}

// refusal is the answer with the status of an error, wherever it is.
func refusal(status int) *response {
	answer := &response{
		Description: http.StatusText(status), Headers: common(),
		Content: ordered[media]{jsonType: {Schema: &schema{Ref: "#/components/schemas/error"}}},
	}
	switch status {
	case http.StatusUnauthorized:
		answer.Headers["WWW-Authenticate"] = header{Ref: "#/components/headers/WWW-Authenticate"}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		answer.Headers["Retry-After"] = header{Ref: "#/components/headers/Retry-After"}
	}
	return answer
}

// wouldEnd is the answer to ?dry_run=1.
type wouldEnd = struct {
	DryRun sweep.Ends `json:"dry_run"`
}

// success is what an operation answers when it did what it was asked: its status, and
// others that transcripts show.
func (d *describer) success(r route.Route, o served, s shown) (map[int]*response, error) {
	all := map[int]*response{}
	statuses := []int{o.Status}
	for status := range s.replies {
		if status < 400 && status != o.Status {
			statuses = append(statuses, status)
		}
	}
	for _, status := range statuses {
		answer := &response{Description: http.StatusText(status), Headers: common()}
		all[status] = answer
		if o.Out == reflect.TypeFor[api.NoBody]() || r.Method == http.MethodHead {
			continue
		}
		var m media
		var err error
		if m.Examples, err = examples(s.replies[status], 2); err != nil {
			return nil, err
		}
		answer.Content = ordered[media]{}
		if o.Out == reflect.TypeFor[api.Form]() {
			m.Schema = &schema{Type: types{"string"}}
			answer.Content[formType] = m
			continue
		}
		m.Schema = d.schemas.of(o.Out)
		answer.Content[jsonType] = m
		if o.area == "versions" {
			answer.Content[jsonHome] = media{Schema: m.Schema}
		}
	}
	return all, nil
}

// mistakes lists the statuses of errors that an operation can answer: those that follow
// from what it takes, and those that transcripts show.
func mistakes(r route.Route, o served, s shown) []int {
	all := []int{http.StatusServiceUnavailable}
	for status := range s.replies {
		if status >= 400 {
			all = append(all, status)
		}
	}
	body, query, names := false, false, strings.Contains(r.Path, "{")
	for _, f := range reflect.VisibleFields(o.In) {
		_, isBody := f.Tag.Lookup("body")
		parameter, isQuery := f.Tag.Lookup("query")
		body, query = body || isBody, query || isQuery
		names = names || isBody || parameter == "marker"
	}
	if body {
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if query || o.Ends {
		all = append(all, http.StatusBadRequest)
	}
	if names {
		all = append(all, http.StatusNotFound)
	}
	if o.Open && body { // a login
		all = append(all, http.StatusTooManyRequests)
	}
	if !o.Open {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		all = append(all, http.StatusConflict)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// why says what leads to a status, by the headings of the transcripts.
func why(of []exchange) string {
	var all []string
	for _, e := range of {
		if !slices.Contains(all, e.heading) {
			all = append(all, e.heading)
		}
	}
	return strings.Join(all, "; ")
}

// common are the headers of every answer.
func common() ordered[header] {
	return ordered[header]{"Vary": {Ref: "#/components/headers/Vary"}, "X-Openstack-Request-Id": {Ref: "#/components/headers/X-Openstack-Request-Id"}}
}

// headers are the headers of answers (C-002, C-003, C-005).
func headers() ordered[header] {
	text := &schema{Type: types{"string"}}
	return ordered[header]{
		"Vary":                   {Description: "Has X-Auth-Token, always.", Schema: text},
		"X-Openstack-Request-Id": {Description: "Names this request in the log.", Schema: &schema{Type: types{"string"}, Pattern: "^req-[0-9a-f-]{36}$"}},
		"WWW-Authenticate":       {Description: "Where to get a token.", Schema: text},
		"Retry-After":            {Description: "Seconds to wait.", Schema: &schema{Type: types{"integer"}}},
	}
}

// envelope is the form of all errors (C-001).
func envelope() *schema {
	return &schema{
		Type: types{"object"}, Required: []string{"error"}, Additional: false,
		Properties: ordered[*schema]{"error": {
			Type: types{"object"}, Required: []string{"code", "message", "title"},
			Properties: ordered[*schema]{
				"code":    {Type: types{"integer"}, Description: "The status, again."},
				"title":   {Type: types{"string"}},
				"message": {Type: types{"string"}, Description: "What to do about it, naming the attribute that is wrong."},
			},
		}},
	}
}
