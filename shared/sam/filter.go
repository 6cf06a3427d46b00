package sam

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"gopkg.in/yaml.v3"
)

// Filter is an event source mapping's FilterCriteria: the function is given the records
// that one of the patterns matches; all of them when there is no pattern.
type Filter []Pattern

// Pattern matches a record that meets all of its conditions.
type Pattern []Condition

// Condition is met by a record that has a field whose value is right. A record without the
// field does not meet it, whatever is asked of the value.
type Condition struct {
	Field Field
	Is    []string // the value is one of these
	Not   []string // the value is none of these; with neither list, any value is right
}

// Field is a place in a record of a table's stream.
type Field struct {
	Of        string // eventName, Keys, NewImage or OldImage
	Attribute string // of the three latter
	Type      string // of the attribute, in DynamoDB's words: S or BOOL
}

// maxPatterns is how many patterns Lambda takes of an account without a raised quota.
const maxPatterns = 5

// filterFrom reads FilterCriteria. Of the syntax of patterns it knows what template.yaml
// uses, which are strings that are equal to, anything-but strings, and exists; it refuses
// the rest, so that the local server never gives a function more or less than Lambda would.
func filterFrom(node yaml.Node) (Filter, error) {
	if node.IsZero() {
		return nil, nil
	}
	var criteria struct {
		Filters []struct {
			Pattern string `yaml:"Pattern"`
		} `yaml:"Filters"`
	}
	if err := node.Decode(&criteria); err != nil {
		return nil, err
	}
	if n := len(criteria.Filters); n == 0 || n > maxPatterns {
		return nil, fmt.Errorf("there are %d patterns, not 1 to %d", n, maxPatterns)
	}
	var f Filter
	for _, c := range criteria.Filters {
		p, err := patternFrom(c.Pattern)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", c.Pattern, err)
		}
		f = append(f, p)
	}
	return f, nil
}

func patternFrom(text string) (Pattern, error) {
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, err
	}
	return conditions(nil, fields)
}

// conditions are those of an object of a pattern and of all objects in it, by their fields.
func conditions(path []string, fields map[string]any) (Pattern, error) {
	if len(fields) == 0 {
		return nil, errors.New("an object of it is empty")
	}
	var all Pattern
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := append(slices.Clone(path), name)
		switch v := fields[name].(type) {
		case map[string]any:
			more, err := conditions(at, v)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		case []any:
			c, err := conditionFrom(at, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", strings.Join(at, "."), err)
			}
			all = append(all, c)
		default:
			return nil, fmt.Errorf("%s is neither an object nor a list", strings.Join(at, "."))
		}
	}
	return all, nil
}

var errSyntax = errors.New("only strings, or one anything-but of strings, or one exists that is true, are followed by the local server")

func conditionFrom(path []string, list []any) (c Condition, err error) {
	if c.Field, err = fieldFrom(path); err != nil {
		return c, err
	}
	if is, ok := texts(list); ok {
		c.Is = is
	} else if test, ok := only(list); !ok {
		return c, errSyntax
	} else if but, ok := test["anything-but"].([]any); ok {
		if c.Not, ok = texts(but); !ok {
			return c, errSyntax
		}
	} else if test["exists"] != true {
		return c, errSyntax
	}
	if c.Field.Type == "BOOL" && (c.Is != nil || c.Not != nil) {
		return c, errors.New("a BOOL is not a string")
	}
	return c, nil
}

// only is the one test of a list, if that is what it holds.
func only(list []any) (map[string]any, bool) {
	if len(list) != 1 {
		return nil, false
	}
	test, ok := list[0].(map[string]any)
	return test, ok && len(test) == 1
}

// texts is a list of one or more strings, if it is one.
func texts(list []any) ([]string, bool) {
	var all []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		all = append(all, text)
	}
	return all, len(all) > 0
}

func fieldFrom(path []string) (Field, error) {
	if len(path) == 1 && path[0] == "eventName" {
		return Field{Of: path[0]}, nil
	}
	if len(path) == 4 && path[0] == "dynamodb" && slices.Contains([]string{"Keys", "NewImage", "OldImage"}, path[1]) &&
		(path[3] == "S" || path[3] == "BOOL") {
		return Field{path[1], path[2], path[3]}, nil
	}
	return Field{}, errors.New("only eventName and S and BOOL of Keys, NewImage and OldImage are followed by the local server")
}
