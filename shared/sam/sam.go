// Package sam reads template.yaml: which functions there are, which operation each route
// serves, and which variables they get. Commands and tests use it; no function does.
package sam

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"mandate/shared/route"
)

// Template is what the rest of the house needs of template.yaml.
type Template struct {
	Functions []Function
	Variables []string // names in Globals, sorted
}

// Function is one Lambda function.
type Function struct {
	Name      string // logical id
	Area      string // last part of CodeUri: the executable
	Operation string // variable OPERATION: an operation, or an area's name for all of it
	Role      string // logical id of its role
	Timeout   time.Duration
	Routes    []route.Route
	Stream    *Stream    // how it reads the table's stream; nil when it does not
	Schedules []Schedule // when it is run without being asked, by name
	Default   bool       // serves what no route matches
}

type document struct {
	Globals struct {
		Function struct {
			Timeout     int `yaml:"Timeout"`
			Environment struct {
				Variables map[string]yaml.Node `yaml:"Variables"`
			} `yaml:"Environment"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

type properties struct {
	CodeURI     string    `yaml:"CodeUri"`
	Role        yaml.Node `yaml:"Role"`
	Timeout     int       `yaml:"Timeout"`
	Environment struct {
		Variables map[string]string `yaml:"Variables"`
	} `yaml:"Environment"`
	Events map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Events"`
}

// Parse reads a template. Intrinsic functions (!Ref, !GetAtt, !Sub) are kept as the text
// behind them: nothing here needs them resolved.
func Parse(text []byte) (*Template, error) {
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	t := &Template{}
	for name := range doc.Globals.Function.Environment.Variables {
		t.Variables = append(t.Variables, name)
	}
	slices.Sort(t.Variables)
	for name, r := range doc.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		f, err := function(name, r.Properties, doc.Globals.Function.Timeout)
		if err != nil {
			return nil, fmt.Errorf("read function %s: %w", name, err)
		}
		t.Functions = append(t.Functions, f)
	}
	slices.SortFunc(t.Functions, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	if len(t.Functions) == 0 {
		return nil, fmt.Errorf("read the template: it has no functions")
	}
	return t, nil
}

func function(name string, node yaml.Node, timeout int) (Function, error) {
	var p properties
	if err := node.Decode(&p); err != nil {
		return Function{}, err
	}
	if p.Timeout != 0 {
		timeout = p.Timeout
	}
	if timeout <= 0 {
		return Function{}, errors.New("it has no Timeout")
	}
	f := Function{
		Name: name, Area: p.CodeURI[strings.LastIndex(p.CodeURI, "/")+1:], Operation: p.Environment.Variables["OPERATION"],
		Role: strings.TrimSuffix(p.Role.Value, ".Arn"), Timeout: time.Duration(timeout) * time.Second,
	}
	for event, e := range p.Events {
		switch e.Type {
		case "HttpApi", "Api":
			var at struct {
				Method string `yaml:"Method"`
				Path   string `yaml:"Path"`
			}
			if err := e.Properties.Decode(&at); err != nil {
				return f, fmt.Errorf("event %s: %w", event, err)
			}
			if at.Path == "$default" || at.Path == proxy {
				f.Default = true
				continue
			}
			if at.Method == "ANY" { // of a REST API, whose proxy path leaves out the root
				continue
			}
			operation, _, _ := strings.Cut(event, "Via")
			f.Routes = append(f.Routes, route.Route{Method: at.Method, Path: at.Path, Operation: operation, Function: name})
		case "DynamoDB":
			stream, err := streamFrom(e.Properties)
			if err != nil {
				return f, fmt.Errorf("event %s: %w", event, err)
			}
			if f.Stream != nil {
				return f, fmt.Errorf("event %s: one function reads the stream twice", event)
			}
			f.Stream = stream
		case "Schedule":
			s, err := scheduleFrom(event, e.Properties)
			if err != nil {
				return f, fmt.Errorf("event %s: %w", event, err)
			}
			f.Schedules = append(f.Schedules, s)
		}
	}
	slices.SortFunc(f.Routes, byPath)
	slices.SortFunc(f.Schedules, func(a, b Schedule) int { return strings.Compare(a.Name, b.Name) })
	return f, nil
}

// Routes lists all routes by path and method.
func (t *Template) Routes() []route.Route {
	var all []route.Route
	for _, f := range t.Functions {
		all = append(all, f.Routes...)
	}
	slices.SortFunc(all, byPath)
	return all
}

func byPath(a, b route.Route) int {
	if n := strings.Compare(a.Path, b.Path); n != 0 {
		return n
	}
	return strings.Compare(a.Method, b.Method)
}

// Find returns the function with a name.
func (t *Template) Find(name string) (Function, bool) {
	n := slices.IndexFunc(t.Functions, func(f Function) bool { return f.Name == name })
	if n < 0 {
		return Function{}, false
	}
	return t.Functions[n], true
}
