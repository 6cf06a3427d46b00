package policy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
)

func TestNew(t *testing.T) {
	t.Run("refuses another preset", func(t *testing.T) {
		for _, name := range []string{"", "oauth1", "../self_service", "Keystone"} {
			_, err := policy.New(name)
			assert.ErrorContains(t, err, "self_service")
		}
	})
	t.Run("presets name the same actions", func(t *testing.T) {
		assert.Equal(t, engine(t, policy.SelfService).Actions(), engine(t, policy.Keystone).Actions())
	})
}

// TestRulesOfEveryAction reads the files on its own and looks whether the engine, which reads one
// only when an action is asked about, has every rule about every action.
func TestRulesOfEveryAction(t *testing.T) {
	found := 0
	for preset, other := range map[string]string{policy.SelfService: policy.Keystone, policy.Keystone: policy.SelfService} {
		want := map[string][]string{}
		names, err := filepath.Glob("*.cedar")
		require.NoError(t, err)
		for _, name := range names {
			if name == other+".cedar" {
				continue
			}
			text, err := os.ReadFile(name) //nolint:gosec // G304: our own rules
			require.NoError(t, err)
			list, err := cedar.NewPolicyListFromBytes(name, text)
			require.NoError(t, err)
			for _, rule := range list {
				var parsed struct {
					Action struct {
						Entity   struct{ ID string }
						Entities []struct{ ID string }
					}
				}
				text, err := rule.MarshalJSON()
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(text, &parsed))
				for _, action := range append(parsed.Action.Entities, parsed.Action.Entity) {
					if action.ID != "" {
						want[action.ID] = append(want[action.ID], fmt.Sprintf("%s:%d", name, rule.Position().Line))
						found++
					}
				}
			}
		}
		for action, rules := range want {
			assert.ElementsMatch(t, rules, engine(t, preset).Rules(t, action), "%s, preset %s", action, preset)
		}
		assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), engine(t, preset).Actions())
	}
	require.Greater(t, found, 300)
}

func TestRefusedRules(t *testing.T) {
	for text, says := range map[string]string{
		`permit (principal, action, resource)`:                                          "parse x.cedar",
		`permit (principal, action, resource);`:                                         "x.cedar:1: a rule must name its actions one by one",
		`forbid (principal, action in Action::"identity:create_trust", resource);`:      "one by one",
		`forbid (principal, action == Deed::"identity:create_trust", resource);`:        "is no action",
		`forbid (principal, action == Action::"identity:create\u{5f}trust", resource);`: "identity:create_trust must be written as it is",
		`forbid (principal, action in [Action :: "identity:create_trust"], resource);`:  "as it is",
		`forbid (principal, action == Action::"a", resource) when { context.b ++ };`:    "parse x.cedar",
	} {
		_, err := policy.ReadRules("x.cedar", []byte(text))
		assert.ErrorContains(t, err, says, text)
	}
}

func TestDecide(t *testing.T) {
	e := engine(t, policy.SelfService)
	t.Run("denies an action without a rule and says so", func(t *testing.T) {
		allowed, err := e.Decide("identity:make_coffee", onSystem("admin"), policy.Any{})
		require.ErrorIs(t, err, policy.ErrUnknownAction)
		assert.False(t, allowed)
		assert.False(t, e.Allowed("", onSystem("admin"), policy.Any{}))
	})
	t.Run("denies what a rule cannot judge and names the rule", func(t *testing.T) {
		// The resource has no trustor, so that one rule cannot be evaluated; that the
		// caller is admin does not help.
		allowed, err := e.Decide("identity:delete_trust", onProject("admin"), policy.Any{})
		require.ErrorContains(t, err, "trusts.cedar:")
		assert.False(t, allowed)
	})
	t.Run("denies a domain token that names no domain", func(t *testing.T) {
		c := onDomain("manager")
		c.ScopeDomainID = ""
		assert.False(t, e.Allowed("identity:create_user", c, policy.User{}))
	})
	t.Run("allows nobody anything", func(t *testing.T) {
		for _, action := range e.Actions() {
			for _, r := range resources("") {
				assert.False(t, e.Allowed(action, policy.Caller{}, r), "%s on %T", action, r)
				assert.False(t, e.Allowed(action, policy.Caller{Methods: []string{"password"}, Scope: policy.SystemScoped, Roles: implied["admin"]}, r), action)
			}
		}
	})
}

// open are the actions that ask for no more than a live token.
var open = []string{
	"identity:get_auth_catalog", "identity:get_auth_domains", "identity:get_auth_projects", "identity:get_auth_system",
	"identity:list_regions", "identity:get_region", "identity:list_credentials", "identity:fetch_preauthenticated_token",
}

// TestPlainCallerReachesNothingOfOthers asks every action about every resource that
// belongs to somebody else, or to nobody, so that a rule that is too wide shows even
// where no table thinks of it.
func TestPlainCallerReachesNothingOfOthers(t *testing.T) {
	e := engine(t, policy.SelfService)
	asked := 0
	for _, action := range e.Actions() {
		for _, domain := range []string{"", "e"} {
			for _, r := range resources(domain) {
				for _, c := range []policy.Caller{unscoped(), onProject("manager"), onDomain("manager"), impersonating("member"), byOAuth1("manager")} {
					allowed, err := e.Decide(action, c, r)
					asked++
					if err != nil || !allowed || action == "identity:authorize_request_token" {
						continue
					}
					if c.Scope == policy.DomainScoped && (action == "identity:list_roles" || action == "identity:get_role") {
						continue
					}
					assert.Contains(t, open, action, "%T in domain %q by a %s token with %v", r, domain, c.Scope, c.Methods)
				}
			}
		}
	}
	assert.Greater(t, asked, 10_000)
}

// resources is one of every type, none of it the caller's.
func resources(domain string) []policy.Resource {
	return []policy.Resource{
		policy.Any{}, policy.Domain{ID: domain}, policy.User{ID: "other", DomainID: domain}, policy.User{},
		policy.Project{ID: "q", DomainID: domain}, policy.Project{}, policy.Group{ID: "g", DomainID: domain},
		policy.Role{Name: "admin", DomainID: domain}, policy.DomainList{DomainID: domain},
		policy.Grant{Role: "reader", ActorDomain: domain, TargetDomain: domain}, policy.Grant{Role: "reader", System: true},
		policy.Membership{GroupDomainID: domain, UserDomainID: domain}, policy.Credential{UserID: "other"}, policy.Credential{},
		policy.Token{SubjectID: "other"}, policy.Token{},
		policy.Trust{TrustorID: "other", TrusteeID: "third"}, policy.Trust{}, policy.TrustList{TrustorID: "other"}, policy.TrustList{},
	}
}

func TestDelegated(t *testing.T) {
	for _, c := range []struct {
		name   string
		caller policy.Caller
		want   bool
	}{
		{"password", onProject("member"), false},
		{"password and token", policy.Caller{Methods: []string{"password", "token"}}, false},
		{"trust", delegate("member"), true},
		{"oauth1", byOAuth1("member"), true},
		{"oauth1 after token", policy.Caller{Methods: []string{"oauth1", "token"}}, true},
		{"application credential", policy.Caller{Methods: []string{"application_credential"}}, true},
		{"invented later", policy.Caller{Methods: []string{"retina"}}, true},
		{"no methods", policy.Caller{}, true},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, c.caller.Delegated()) })
	}
	t.Run("a trust token fetched by another delegation manages no trusts", func(t *testing.T) {
		c := impersonating("admin")
		c.Methods = []string{"oauth1"}
		assert.False(t, engine(t, policy.SelfService).Allowed("identity:get_trust", c, given))
	})
}
