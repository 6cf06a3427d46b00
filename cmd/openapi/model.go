package main

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// The parts of OpenAPI 3.1 that are used here, in the order in which people read them.

type document struct {
	OpenAPI    string            `yaml:"openapi"`
	Info       info              `yaml:"info"`
	Servers    []server          `yaml:"servers"`
	Security   []security        `yaml:"security"`
	Tags       []tag             `yaml:"tags"`
	Paths      ordered[pathItem] `yaml:"paths"`
	Components components        `yaml:"components"`
}

type info struct {
	Title       string `yaml:"title"`
	Version     string `yaml:"version"`
	Description string `yaml:"description"`
	License     struct {
		Name       string `yaml:"name"`
		Identifier string `yaml:"identifier"`
	} `yaml:"license"`
}

type server struct {
	URL         string `yaml:"url"`
	Description string `yaml:"description"`
}

type security map[string][]string

type tag struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description,omitempty"`
}

// pathItem is the operations of a path by method in lower case, and its parameters.
type pathItem struct {
	Parameters []parameter `yaml:"parameters,omitempty"`
	Get        *operation  `yaml:"get,omitempty"`
	Head       *operation  `yaml:"head,omitempty"`
	Post       *operation  `yaml:"post,omitempty"`
	Put        *operation  `yaml:"put,omitempty"`
	Patch      *operation  `yaml:"patch,omitempty"`
	Delete     *operation  `yaml:"delete,omitempty"`
}

type operation struct {
	ID          string             `yaml:"operationId"`
	Tags        []string           `yaml:"tags"`
	Summary     string             `yaml:"summary,omitempty"`
	Description string             `yaml:"description,omitempty"`
	Security    *[]security        `yaml:"security,omitempty"`
	Parameters  []parameter        `yaml:"parameters,omitempty"`
	RequestBody *requestBody       `yaml:"requestBody,omitempty"`
	Responses   ordered[*response] `yaml:"responses"`
}

type parameter struct {
	Name        string  `yaml:"name"`
	In          string  `yaml:"in"`
	Description string  `yaml:"description,omitempty"`
	Required    bool    `yaml:"required,omitempty"`
	Schema      *schema `yaml:"schema"`
}

type requestBody struct {
	Required bool           `yaml:"required,omitempty"`
	Content  ordered[media] `yaml:"content"`
}

type media struct {
	Schema   *schema          `yaml:"schema,omitempty"`
	Examples ordered[example] `yaml:"examples,omitempty"`
}

type example struct {
	Value yaml.Node `yaml:"value"`
}

type response struct {
	Ref         string          `yaml:"$ref,omitempty"`
	Description string          `yaml:"description,omitempty"`
	Headers     ordered[header] `yaml:"headers,omitempty"`
	Content     ordered[media]  `yaml:"content,omitempty"`
}

type header struct {
	Ref         string  `yaml:"$ref,omitempty"`
	Description string  `yaml:"description,omitempty"`
	Schema      *schema `yaml:"schema,omitempty"`
}

type components struct {
	SecuritySchemes ordered[scheme]    `yaml:"securitySchemes"`
	Headers         ordered[header]    `yaml:"headers"`
	Responses       ordered[*response] `yaml:"responses"`
	Schemas         ordered[*schema]   `yaml:"schemas"`
}

type scheme struct {
	Type        string `yaml:"type"`
	Scheme      string `yaml:"scheme,omitempty"`
	In          string `yaml:"in,omitempty"`
	Name        string `yaml:"name,omitempty"`
	Description string `yaml:"description"`
}

// schema is JSON Schema 2020-12, as far as Go types can say it.
type schema struct {
	Ref         string           `yaml:"$ref,omitempty"`
	Type        types            `yaml:"type,omitempty"`
	Format      string           `yaml:"format,omitempty"`
	Description string           `yaml:"description,omitempty"`
	Pattern     string           `yaml:"pattern,omitempty"`
	AnyOf       []*schema        `yaml:"anyOf,omitempty"`
	Items       *schema          `yaml:"items,omitempty"`
	Properties  ordered[*schema] `yaml:"properties,omitempty"`
	Required    []string         `yaml:"required,omitempty,flow"`
	Additional  any              `yaml:"additionalProperties,omitempty"` // *schema, or false
	ReadOnly    bool             `yaml:"readOnly,omitempty"`
}

// types is one type, or several.
type types []string

// MarshalYAML writes one type as a word.
func (t types) MarshalYAML() (any, error) { //nolint:unparam // yaml.Marshaler has an error
	if len(t) == 1 {
		return t[0], nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, name := range t {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name})
	}
	return n, nil
}

// ordered is a map that is written in a fixed order.
type ordered[V any] map[string]V

// MarshalYAML writes the members sorted by name.
func (o ordered[V]) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		var key, value yaml.Node
		if err := key.Encode(name); err != nil {
			return nil, err
		}
		if err := value.Encode(o[name]); err != nil {
			return nil, err
		}
		n.Content = append(n.Content, &key, &value)
	}
	return n, nil
}
