package policy

import (
	"embed"
	"errors"
	"fmt"
	"iter"
	"slices"

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

// An Engine decides by the rules of one preset. It is safe for concurrent use.
type Engine struct {
	rules map[string]rules // by action
}

// New reads the rules of a preset.
func New(preset string) (*Engine, error) {
	if preset != SelfService && preset != Keystone {
		return nil, fmt.Errorf("policy preset %q: must be %s or %s", preset, SelfService, Keystone)
	}
	e := &Engine{rules: make(map[string]rules, 128)}
	for _, name := range append(slices.Clone(shared), preset) {
		name += ".cedar"
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		for _, p := range list {
			if err := e.add(p); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// add files a rule under the actions that it names, so that a decision evaluates only
// the rules that can match. The part about the action has then been decided.
func (e *Engine) add(p *cedar.Policy) error {
	at := p.Position()
	where := fmt.Sprintf("%s:%d", at.Filename, at.Line)
	var actions []types.EntityUID
	switch scope := p.AST().Action.(type) {
	case cedarast.ScopeTypeEq:
		actions = []types.EntityUID{scope.Entity}
	case cedarast.ScopeTypeInSet:
		actions = scope.Entities
	default:
		return fmt.Errorf("%s: a rule must name its actions one by one", where)
	}
	decided := *p.AST()
	decided.Action = (*ast.Policy)(cedarast.Permit()).Action
	compiled := cedar.NewPolicyFromAST(&decided)
	for _, action := range actions {
		if action.Type != "Action" {
			return fmt.Errorf("%s: %s is no action", where, action)
		}
		name := string(action.ID)
		e.rules[name] = append(e.rules[name], rule{cedar.PolicyID(where), compiled})
	}
	return nil
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
	about, ok := e.rules[action]
	if !ok {
		return false, fmt.Errorf("%s: %w", action, ErrUnknownAction)
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

// Actions lists the actions that have a rule, sorted.
func (e *Engine) Actions() []string {
	actions := make([]string, 0, len(e.rules))
	for name := range e.rules {
		actions = append(actions, name)
	}
	slices.Sort(actions)
	return actions
}

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
