package policy

import (
	"embed"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"
)

//go:embed *.cedar
var files embed.FS

// Presets. Both read the files in shared, and one more that has the preset's name.
const (
	SelfService = "self_service" // people authorise and end their own OAuth1 delegations
	Keystone    = "keystone"     // stock Keystone 30
)

var shared = []string{"catalog", "credentials", "delegated", "directory", "oauth1", "roles", "tokens", "trusts"}

// ErrUnknownAction says that no rule names an action: a mistake in an operation.
var ErrUnknownAction = errors.New("no rule names the action")

// An Engine decides by the rules of one preset. It reads a file when it is first asked about an
// action that the file names: a function that starts waits for the rules of its own operation
// only. It is safe for concurrent use.
type Engine struct {
	about map[string]func() (rules, error) // by action: reads what names it, once
}

// New finds out which files of a preset name which actions.
func New(preset string) (*Engine, error) {
	if preset != SelfService && preset != Keystone {
		return nil, fmt.Errorf("policy preset %q: must be %s or %s", preset, SelfService, Keystone)
	}
	naming := make(map[string][]func() (map[string]rules, error), 128)
	for _, name := range append(slices.Clone(shared), preset) {
		name += ".cedar"
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		read := sync.OnceValues(func() (map[string]rules, error) { return read(name, text) })
		for action := range named(text) {
			naming[action] = append(naming[action], read)
		}
	}
	e := &Engine{about: make(map[string]func() (rules, error), len(naming))}
	for action, readers := range naming {
		e.about[action] = sync.OnceValues(func() (rules, error) {
			var all rules
			for _, read := range readers {
				byAction, err := read()
				if err != nil {
					return nil, err
				}
				all = append(all, byAction[action]...)
			}
			if len(all) == 0 { // named in a comment only
				return nil, fmt.Errorf("%s: %w", action, ErrUnknownAction)
			}
			return all, nil
		})
	}
	return e, nil
}

// named are the actions that a text names, in rules or in comments.
func named(text []byte) map[string]bool {
	names := map[string]bool{}
	for i, after := range strings.Split(string(text), `Action::"`) {
		if name, _, closed := strings.Cut(after, `"`); i > 0 && closed {
			names[name] = true
		}
	}
	return names
}

// read compiles a file's rules and files each under the actions that it names, so that a
// decision evaluates only the rules that can match.
func read(name string, text []byte) (map[string]rules, error) {
	list, err := cedar.NewPolicyListFromBytes(name, text)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	byAction, plain := map[string]rules{}, named(text)
	for _, p := range list {
		at := p.Position()
		where := fmt.Sprintf("%s:%d", at.Filename, at.Line)
		actions, err := actionsOf(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		decided := *p.AST()
		decided.Action = (*ast.Policy)(cedarast.Permit()).Action // that part has then been decided
		compiled := cedar.NewPolicyFromAST(&decided)
		for _, action := range actions {
			if !plain[action] {
				return nil, fmt.Errorf("%s: the action %s must be written as it is, lest it is not found", where, action)
			}
			byAction[action] = append(byAction[action], rule{cedar.PolicyID(where), compiled})
		}
	}
	return byAction, nil
}

func actionsOf(p *cedar.Policy) ([]string, error) {
	var entities []types.EntityUID
	switch scope := p.AST().Action.(type) {
	case cedarast.ScopeTypeEq:
		entities = []types.EntityUID{scope.Entity}
	case cedarast.ScopeTypeInSet:
		entities = scope.Entities
	default:
		return nil, errors.New("a rule must name its actions one by one")
	}
	names := make([]string, 0, len(entities))
	for _, e := range entities {
		if e.Type != "Action" {
			return nil, fmt.Errorf("%s is no action", e)
		}
		names = append(names, string(e.ID))
	}
	return names, nil
}

// Ready reads the rules about an action, which Decide otherwise does when it is first asked.
func (e *Engine) Ready(action string) error {
	_, err := e.rulesAbout(action)
	return err
}

func (e *Engine) rulesAbout(action string) (rules, error) {
	about, ok := e.about[action]
	if !ok {
		return nil, fmt.Errorf("%s: %w", action, ErrUnknownAction)
	}
	return about()
}

// Allowed reports whether a caller may do something to a resource. Whatever no rule
// allows is denied, whatever a rule forbids is denied, and so is what cannot be decided.
func (e *Engine) Allowed(action string, c Caller, r Resource) bool {
	allowed, _ := e.Decide(action, c, r)
	return allowed
}

// Decide is Allowed with the reason why it could not be decided: no rule names the
// action, or a rule looks at a fact that the resource does not have. Both are mistakes in
// an operation or in a rule, never a caller's.
func (e *Engine) Decide(action string, c Caller, r Resource) (bool, error) {
	about, err := e.rulesAbout(action)
	if err != nil {
		return false, err
	}
	if c.Anonymous() {
		return false, nil
	}
	parties := parties{principal: c.entity(), resource: entity(touched, r.facts())}
	decision, why := cedar.Authorize(about, &parties, cedar.Request{Principal: acting, Resource: touched})
	if len(why.Errors) > 0 {
		first := why.Errors[0]
		return false, fmt.Errorf("%s by rule %s: %s", action, first.PolicyID, first.Message)
	}
	return decision == cedar.Allow, nil
}

// Actions lists the actions that the files name, sorted.
func (e *Engine) Actions() []string { return slices.Sorted(maps.Keys(e.about)) }

type rule struct {
	where  cedar.PolicyID // file and line
	policy *cedar.Policy
}

type rules []rule

// All gives Cedar the rules to evaluate.
func (r rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, one := range r {
			if !yield(one.where, one.policy) {
				return
			}
		}
	}
}

// The two entities of a decision. Who they are stands in their attributes; rules never
// name one, so their ids say nothing.
var (
	acting  = types.NewEntityUID("Caller", "caller")
	touched = types.NewEntityUID("Resource", "resource")
)

// parties are the entities of one decision; roles are entities of which nothing is known.
type parties struct{ principal, resource types.Entity }

// Get finds an entity for Cedar.
func (p *parties) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid.Type {
	case acting.Type:
		return p.principal, true
	case touched.Type:
		return p.resource, true
	default:
		return types.Entity{}, false
	}
}

func entity(uid types.EntityUID, f facts) types.Entity {
	return types.Entity{UID: uid, Attributes: types.NewRecord(f)}
}
