package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
)

// Callers are user "me" of domain "d", whose project is "p" of domain "d".

var implied = map[string][]string{
	"admin":   {"admin", "manager", "member", "reader"},
	"manager": {"manager", "member", "reader"},
	"member":  {"member", "reader"},
	"reader":  {"reader"},
	"service": {"service"},
}

func unscoped() policy.Caller {
	return policy.Caller{UserID: "me", DomainID: "d", SubjectID: "me", Methods: []string{"password"}}
}

func onProject(role string) policy.Caller {
	c := unscoped()
	c.Scope, c.ProjectID, c.ProjectDomainID, c.Roles = policy.ProjectScoped, "p", "d", implied[role]
	return c
}

func onDomain(role string) policy.Caller {
	c := unscoped()
	c.Scope, c.ScopeDomainID, c.Roles = policy.DomainScoped, "d", implied[role]
	return c
}

func onSystem(role string) policy.Caller {
	c := unscoped()
	c.Scope, c.Roles = policy.SystemScoped, implied[role]
	return c
}

// impersonating is somebody else's token of a trust that "me" made.
func impersonating(role string) policy.Caller {
	c := onProject(role)
	c.SubjectID, c.TrustID, c.TrustorID, c.TrusteeID, c.Impersonation = "other", "t", "me", "other", true
	return c
}

// delegate is a token of "me" from a trust that another made.
func delegate(role string) policy.Caller {
	c := onProject(role)
	c.TrustID, c.TrustorID, c.TrusteeID = "t", "other", "me"
	return c
}

func byOAuth1(role string) policy.Caller {
	c := onProject(role)
	c.Methods = []string{"oauth1"}
	return c
}

type decision struct {
	name     string
	action   string
	caller   policy.Caller
	resource policy.Resource
	allowed  bool
}

const (
	yes = true
	no  = false
)

func engine(t *testing.T, preset string) *policy.Engine {
	t.Helper()
	e, err := policy.New(preset)
	require.NoError(t, err)
	return e
}

func run(t *testing.T, presets []string, decisions []decision) {
	t.Helper()
	for _, preset := range presets {
		e := engine(t, preset)
		for _, d := range decisions {
			t.Run(preset+"/"+d.name, func(t *testing.T) {
				allowed, err := e.Decide("identity:"+d.action, d.caller, d.resource)
				require.NoError(t, err)
				assert.Equal(t, d.allowed, allowed)
				assert.Equal(t, d.allowed, e.Allowed("identity:"+d.action, d.caller, d.resource))
			})
		}
	}
}

var both = []string{policy.SelfService, policy.Keystone}

var (
	mine   = policy.Token{SubjectID: "me"}
	others = policy.Token{SubjectID: "other"}

	given    = policy.Trust{TrustorID: "me", TrusteeID: "other"}
	received = policy.Trust{TrustorID: "other", TrusteeID: "me"}
	foreign  = policy.Trust{TrustorID: "other", TrusteeID: "third"}

	myself   = policy.User{ID: "me", DomainID: "d"}
	neighbor = policy.User{ID: "other", DomainID: "d"}
	stranger = policy.User{ID: "third", DomainID: "e"}
	ghost    = policy.User{ID: "nobody"}
)

func TestTokens(t *testing.T) {
	run(t, both, []decision{
		{"C-070_reader_on_system_validates", "validate_token", onSystem("reader"), others, yes},
		{"C-070_member_on_system_validates", "validate_token", onSystem("member"), others, yes},
		{"C-070_manager_on_system_validates", "validate_token", onSystem("manager"), others, yes},
		{"C-070_admin_on_system_validates", "validate_token", onSystem("admin"), others, yes},
		{"C-070_reader_on_system_checks", "check_token", onSystem("reader"), others, yes},
		{"C-070_service_on_system_checks", "check_token", onSystem("service"), others, no},
		{"C-071_reader_on_project", "validate_token", onProject("reader"), others, no},
		{"C-071_manager_on_project", "validate_token", onProject("manager"), others, no},
		{"C-071_reader_on_domain", "validate_token", onDomain("reader"), others, no},
		{"C-071_manager_on_domain", "validate_token", onDomain("manager"), others, no},
		{"C-072_admin_on_project", "validate_token", onProject("admin"), others, yes},
		{"C-073_service_on_project", "validate_token", onProject("service"), others, yes},
		{"C-073_service_does_not_check", "check_token", onProject("service"), others, no},
		{"C-073_service_does_not_revoke", "revoke_token", onProject("service"), others, no},
		{"C-074_admin_on_system_revokes", "revoke_token", onSystem("admin"), others, yes},
		{"C-074_admin_on_domain_revokes", "revoke_token", onDomain("admin"), others, yes},
		{"C-074_admin_on_project_revokes", "revoke_token", onProject("admin"), others, yes},
		{"C-074_reader_on_system_does_not", "revoke_token", onSystem("reader"), others, no},
		{"T-060_subject", "validate_token", unscoped(), mine, yes},
		{"T-061_subject_checks", "check_token", unscoped(), mine, yes},
		{"T-066_member", "validate_token", onProject("member"), others, no},
		{"T-072_subject_revokes", "revoke_token", unscoped(), mine, yes},
		{"T-074_member_revokes", "revoke_token", onProject("member"), others, no},
		{"trust_token_is_the_subjects_who_authenticated", "validate_token", impersonating("member"), others, no},
		{"O-126_oauth1_token_validates_itself", "validate_token", byOAuth1("member"), mine, yes},
		{"O-126_oauth1_token_revokes_itself", "revoke_token", byOAuth1("member"), mine, yes},
		{"C-076_reader_on_system", "list_revoke_events", onSystem("reader"), policy.Any{}, no},
		{"C-077_service_on_project", "list_revoke_events", onProject("service"), policy.Any{}, yes},
		{"C-077_service_on_system", "list_revoke_events", onSystem("service"), policy.Any{}, yes},
		{"C-077_admin_on_project", "list_revoke_events", onProject("admin"), policy.Any{}, yes},
		{"C-077_admin_on_system", "list_revoke_events", onSystem("admin"), policy.Any{}, yes},
		{"C-077_admin_on_domain", "list_revoke_events", onDomain("admin"), policy.Any{}, no},
		{"C-077_service_on_domain", "list_revoke_events", onDomain("service"), policy.Any{}, no},
		{"T-118_admin_on_domain", "revocation_list", onDomain("admin"), policy.Any{}, yes},
		{"T-118_service", "revocation_list", onProject("service"), policy.Any{}, yes},
		{"T-118_reader_on_system", "revocation_list", onSystem("reader"), policy.Any{}, no},
		{"T-120_herself_unscoped", "revoke_tokens_for_user", unscoped(), myself, yes},
		{"T-120_admin", "revoke_tokens_for_user", onProject("admin"), neighbor, yes},
		{"T-122_another", "revoke_tokens_for_user", onProject("member"), neighbor, no},
		{"T-122_reader_on_system", "revoke_tokens_for_user", onSystem("reader"), neighbor, no},
		{"T-126_admin", "revoke_token_for_user", onProject("admin"), neighbor, yes},
		{"C-072_admin_on_project_checks", "check_token", onProject("admin"), others, yes},
		{"T-123_unknown_user_plain_caller", "revoke_tokens_for_user", onProject("member"), ghost, no},
		{"T-124_impersonating_trust_token", "revoke_tokens_for_user", impersonating("member"), myself, no},
		{"T-124_oauth1_token", "revoke_tokens_for_user", byOAuth1("member"), myself, no},
		{"T-124_trust_token_with_admin", "revoke_tokens_for_user", delegate("admin"), neighbor, no},
		{"T-125_herself", "list_tokens_for_user", onProject("reader"), myself, yes},
		{"T-125_admin", "list_tokens_for_user", onSystem("admin"), neighbor, yes},
		{"T-126_herself", "revoke_token_for_user", onDomain("reader"), myself, yes},
		{"T-127_another", "list_tokens_for_user", onProject("manager"), neighbor, no},
		{"T-127_delegated", "list_tokens_for_user", impersonating("member"), myself, no},
		{"T-127_delegated_revokes", "revoke_token_for_user", byOAuth1("admin"), myself, no},
		{"T-090_unscoped", "get_auth_projects", unscoped(), policy.Any{}, yes},
		{"T-091_domain", "get_auth_domains", onDomain("reader"), policy.Any{}, yes},
		{"T-092_oauth1", "get_auth_system", byOAuth1("reader"), policy.Any{}, yes},
		{"T-094_trust", "get_auth_catalog", impersonating("reader"), policy.Any{}, yes},
		{"V2-030_admin", "validate_token_v2", onDomain("admin"), policy.Any{}, yes},
		{"V2-030_service", "validate_token_v2", onProject("service"), policy.Any{}, yes},
		{"V2-030_member", "validate_token_v2", onProject("member"), policy.Any{}, no},
		{"V2-031_admin", "check_token_v2", onProject("admin"), policy.Any{}, yes},
		{"V2-031_service", "check_token_v2", onProject("service"), policy.Any{}, yes},
		{"V2_service_does_not_revoke", "revoke_token_v2", onProject("service"), policy.Any{}, no},
		{"V2_admin_revokes", "revoke_token_v2", onProject("admin"), policy.Any{}, yes},
		{"V2_admin_lists_endpoints", "list_token_endpoints_v2", onSystem("admin"), policy.Any{}, yes},
	})
}

func TestTrusts(t *testing.T) {
	run(t, both, []decision{
		{"TR-001_trustor", "create_trust", onProject("member"), given, yes},
		{"TR-009_unscoped_counts_as_project", "create_trust", unscoped(), given, yes},
		{"TR-016_for_another", "create_trust", onProject("member"), received, no},
		{"TR-016_admin_for_another", "create_trust", onProject("admin"), received, no},
		{"domain_token_creates", "create_trust", onDomain("admin"), given, no},
		{"system_token_creates", "create_trust", onSystem("admin"), given, no},
		{"TR-046_redelegates_as_trustor", "create_trust", impersonating("member"), given, yes},
		{"TR-056_redelegates_as_trustee", "create_trust", delegate("member"), given, yes},
		{"TR-030_oauth1_creates", "create_trust", byOAuth1("member"), given, no},
		{"O-121_oauth1_lists", "list_trusts_for_trustor", byOAuth1("member"), policy.TrustList{TrustorID: "me"}, no},
		{"O-121_oauth1_deletes", "delete_trust", byOAuth1("member"), given, no},
		{"TR-030_oauth1_admin_lists_all", "list_trusts", byOAuth1("admin"), policy.TrustList{}, no},
		{"O-121_oauth1_lists_as_trustee", "list_trusts_for_trustee", byOAuth1("member"), policy.TrustList{TrusteeID: "me"}, no},
		{"TR-030_oauth1_reads", "get_trust", byOAuth1("member"), given, no},
		{"TR-030_oauth1_reads_roles", "list_roles_for_trust", byOAuth1("member"), given, no},
		{"TR-030_oauth1_reads_a_role", "get_role_for_trust", byOAuth1("member"), given, no},

		{"TR-060_trustor", "get_trust", onProject("member"), given, yes},
		{"TR-060_trustee", "get_trust", onProject("member"), received, yes},
		{"TR-060_admin", "get_trust", onProject("admin"), foreign, yes},
		{"TR-060_reader_on_system", "get_trust", onSystem("reader"), foreign, yes},
		{"TR-060_trustor_with_domain_token", "get_trust", onDomain("member"), given, no},
		{"TR-061_other", "get_trust", onProject("member"), foreign, no},
		{"TR-061_reader_on_project", "get_trust", onProject("reader"), foreign, no},
		{"TR-066_trustee_reads_roles", "list_roles_for_trust", unscoped(), received, yes},
		{"TR-066_other_reads_roles", "list_roles_for_trust", onProject("manager"), foreign, no},
		{"TR-067_trustor_reads_a_role", "get_role_for_trust", onProject("reader"), given, yes},
		{"TR-067_other_reads_a_role", "get_role_for_trust", onProject("manager"), foreign, no},
		{"TR-070_trustor", "list_trusts_for_trustor", onProject("member"), policy.TrustList{TrustorID: "me"}, yes},
		{"TR-071_trustee", "list_trusts_for_trustee", unscoped(), policy.TrustList{TrusteeID: "me"}, yes},
		{"TR-072_another_trustor", "list_trusts_for_trustor", onProject("member"), policy.TrustList{TrustorID: "other"}, no},
		{"TR-072_another_trustee", "list_trusts_for_trustee", onProject("manager"), policy.TrustList{TrusteeID: "other"}, no},
		{"TR-072_trustor_is_not_trustee", "list_trusts_for_trustee", onProject("member"), policy.TrustList{TrustorID: "me", TrusteeID: "other"}, no},
		{"TR-073_plain_caller", "list_trusts", onProject("member"), policy.TrustList{}, no},
		{"TR-073_unscoped_caller", "list_trusts", unscoped(), policy.TrustList{}, no},
		{"TR-074_admin", "list_trusts", onProject("admin"), policy.TrustList{}, yes},
		{"TR-074_admin_by_trustee", "list_trusts_for_trustee", onProject("admin"), policy.TrustList{TrusteeID: "other"}, yes},
		{"C-078_reader_on_project", "list_trusts", onProject("reader"), policy.TrustList{}, no},
		{"C-078_manager_on_project", "list_trusts", onProject("manager"), policy.TrustList{}, no},
		{"C-078_reader_on_domain", "list_trusts", onDomain("reader"), policy.TrustList{}, no},
		{"C-078_manager_on_domain", "list_trusts", onDomain("manager"), policy.TrustList{}, no},
		{"C-078_scope_type_refuses_admin_too", "list_trusts", onDomain("admin"), policy.TrustList{}, no},
		{"C-079_reader_on_system", "list_trusts", onSystem("reader"), policy.TrustList{}, yes},
		{"C-079_service_on_system", "list_trusts", onSystem("service"), policy.TrustList{}, no},
		{"TR-060_service_on_system", "get_trust", onSystem("service"), foreign, no},
		{"TR-072_reader_on_system", "list_trusts_for_trustor", onSystem("reader"), policy.TrustList{TrustorID: "other"}, yes},
		{"TR-072_reader_on_system_by_trustee", "list_trusts_for_trustee", onSystem("reader"), policy.TrustList{TrusteeID: "other"}, yes},
		{"TR-072_admin_by_trustor", "list_trusts_for_trustor", onProject("admin"), policy.TrustList{TrustorID: "other"}, yes},
		{"TR-066_admin_reads_roles", "list_roles_for_trust", onProject("admin"), foreign, yes},
		{"TR-067_admin_reads_a_role", "get_role_for_trust", onProject("admin"), foreign, yes},
		{"TR-066_reader_on_system_reads_roles", "list_roles_for_trust", onSystem("reader"), foreign, yes},
		{"TR-067_reader_on_system_reads_a_role", "get_role_for_trust", onSystem("reader"), foreign, yes},
		{"TR-066_trustor_reads_roles", "list_roles_for_trust", onProject("member"), given, yes},
		{"TR-067_trustee_reads_a_role", "get_role_for_trust", onProject("member"), received, yes},
		{"C-079_member_on_system", "list_trusts", onSystem("member"), policy.TrustList{}, yes},
		{"C-079_manager_on_system", "list_trusts", onSystem("manager"), policy.TrustList{}, yes},
		{"TR-076_trustor", "delete_trust", onProject("member"), given, yes},
		{"TR-076_admin", "delete_trust", onProject("admin"), foreign, yes},
		{"TR-077_trustee", "delete_trust", onProject("member"), received, no},
		{"TR-077_other", "delete_trust", onProject("member"), foreign, no},
		{"TR-077_reader_on_system", "delete_trust", onSystem("reader"), foreign, no},
		{"TR-077a_another_trust_of_the_trustor", "delete_trust", impersonating("member"), given, no},
		{"TR-077a_another_trust_with_admin_delegated", "delete_trust", delegate("admin"), foreign, no},
		{"TR-077a_own_trust", "delete_trust", impersonating("member"), policy.Trust{TrustorID: "me", TrusteeID: "other", Within: true}, yes},
		{"TR-077a_own_trust_as_trustee", "delete_trust", delegate("member"), policy.Trust{TrustorID: "other", TrusteeID: "me", Within: true}, no},
		{"TR-114_own_trust", "get_trust", delegate("member"), received, yes},
		{"TR-114_own_trust_roles", "list_roles_for_trust", impersonating("member"), given, yes},
		{"TR-115_impersonating", "list_trusts_for_trustor", impersonating("member"), policy.TrustList{TrustorID: "me"}, yes},

		{"PA-001_creator", "create_preauthentication", onProject("member"), myself, yes},
		{"PA-001_creator_unscoped", "create_preauthentication", unscoped(), myself, yes},
		{"PA-009_admin_for_another", "create_preauthentication", onProject("admin"), neighbor, no},
		{"PA-010_domain_token", "create_preauthentication", onDomain("member"), myself, no},
		{"PA-010_system_token", "create_preauthentication", onSystem("admin"), myself, no},
		{"PA-020_creator", "list_preauthentications", onProject("reader"), myself, yes},
		{"PA-023_creator", "get_preauthentication", onProject("reader"), myself, yes},
		{"PA-023_impersonating", "get_preauthentication", impersonating("member"), myself, no},
		{"PA-001_impersonating", "create_preauthentication", impersonating("member"), myself, no},
		{"PA-020_impersonating", "list_preauthentications", impersonating("member"), myself, no},
		{"PA-030_oauth1", "update_preauthentication", byOAuth1("member"), myself, no},
		{"PA-030_creator", "update_preauthentication", unscoped(), myself, yes},
		{"PA-040_creator", "delete_preauthentication", unscoped(), myself, yes},
		{"PA-040_oauth1", "delete_preauthentication", byOAuth1("member"), myself, no},
		{"PA-050_delegate", "fetch_preauthenticated_token", unscoped(), policy.Any{}, yes},
		{"PA-050_delegated", "fetch_preauthenticated_token", delegate("member"), policy.Any{}, no},
	})
}

func TestOAuth1(t *testing.T) {
	run(t, both, []decision{
		{"O-001_admin", "create_consumer", onProject("admin"), policy.Any{}, yes},
		{"O-001_system_admin", "update_consumer", onSystem("admin"), policy.Any{}, yes},
		{"O-001_domain_admin", "delete_consumer", onDomain("admin"), policy.Any{}, no},
		{"O-008_member", "create_consumer", onProject("member"), policy.Any{}, no},
		{"O-019_reader_on_system_lists", "list_consumers", onSystem("reader"), policy.Any{}, yes},
		{"O-019_reader_on_system_shows", "get_consumer", onSystem("reader"), policy.Any{}, yes},
		{"O-019_admin_lists", "list_consumers", onProject("admin"), policy.Any{}, yes},
		{"O-019_admin_shows", "get_consumer", onProject("admin"), policy.Any{}, yes},
		{"O-019_service_on_system_lists", "list_consumers", onSystem("service"), policy.Any{}, no},
		{"O-019_reader_on_system_creates", "create_consumer", onSystem("reader"), policy.Any{}, no},
		{"O-126_oauth1_token_with_admin", "create_consumer", byOAuth1("admin"), policy.Any{}, yes},
		{"O-050_admin", "authorize_request_token", onProject("admin"), policy.Any{}, yes},
		{"O-061_system_admin", "authorize_request_token", onSystem("admin"), policy.Any{}, no},
		{"O-061_domain_admin", "authorize_request_token", onDomain("admin"), policy.Any{}, no},
		{"O-061_unscoped", "authorize_request_token", unscoped(), policy.Any{}, no},
		{"O-059_trust_token", "authorize_request_token", impersonating("admin"), policy.Any{}, no},
		{"O-059_oauth1_token", "authorize_request_token", byOAuth1("admin"), policy.Any{}, no},
		{"O-122_oauth1_token", "authorize_request_token", byOAuth1("member"), policy.Any{}, no},
		{"O-123_oauth1_token_lists", "list_access_tokens", byOAuth1("admin"), myself, no},
		{"O-123_trust_token_shows", "get_access_token", impersonating("admin"), myself, no},
		{"O-123_oauth1_token_reads_roles", "list_access_token_roles", byOAuth1("admin"), myself, no},
		{"O-123_oauth1_token_reads_a_role", "get_access_token_role", byOAuth1("admin"), myself, no},
		{"TR-112_trust_token_deletes", "delete_access_token", delegate("admin"), myself, no},
		{"O-130_admin_for_another", "list_access_tokens", onProject("admin"), neighbor, yes},
		{"O-132_admin_for_another", "get_access_token", onProject("admin"), neighbor, yes},
		{"O-134_admin_for_another", "list_access_token_roles", onProject("admin"), neighbor, yes},
		{"O-135_admin_for_another", "get_access_token_role", onProject("admin"), neighbor, yes},
		{"O-136_admin_for_another", "delete_access_token", onProject("admin"), neighbor, yes},
		{"O-130_system_admin", "list_access_tokens", onSystem("admin"), neighbor, no},
		{"O-139_another_reads", "get_access_token", onProject("member"), neighbor, no},
		{"O-139_another_deletes", "delete_access_token", onProject("manager"), neighbor, no},
	})
	own := func(allowed bool) []decision {
		return []decision{
			{"O-060_member", "authorize_request_token", onProject("member"), policy.Any{}, allowed},
			{"O-130_own", "list_access_tokens", onProject("member"), myself, allowed},
			{"O-132_own", "get_access_token", onProject("member"), myself, allowed},
			{"O-134_own", "list_access_token_roles", onProject("member"), myself, allowed},
			{"O-135_own", "get_access_token_role", onProject("member"), myself, allowed},
			{"O-136_own", "delete_access_token", onProject("member"), myself, allowed},
		}
	}
	run(t, []string{policy.SelfService}, own(yes))
	run(t, []string{policy.Keystone}, own(no))
}

func TestCredentials(t *testing.T) {
	me, other := policy.Credential{UserID: "me"}, policy.Credential{UserID: "other"}
	run(t, both, []decision{
		{"D-180_own", "create_credential", onProject("member"), me, yes},
		{"D-180_anothers", "create_credential", onProject("member"), other, no},
		{"D-180_admin", "create_credential", onDomain("admin"), other, yes},
		{"D-182_list", "list_credentials", onProject("member"), policy.Any{}, yes},
		{"D-182_shows_own", "get_credential", unscoped(), me, yes},
		{"D-182_hides_anothers", "get_credential", onProject("manager"), other, no},
		{"D-182_reader_on_system", "get_credential", onSystem("reader"), other, yes},
		{"D-182_service_on_system", "get_credential", onSystem("service"), other, no},
		{"D-182_admin", "get_credential", onProject("admin"), other, yes},
		{"D-183_admin_changes", "update_credential", onProject("admin"), other, yes},
		{"D-183_admin_deletes", "delete_credential", onProject("admin"), other, yes},
		{"D-183_own", "update_credential", onProject("member"), me, yes},
		{"D-183_reader_on_system", "delete_credential", onSystem("reader"), other, no},
		{"D-183_own_deleted", "delete_credential", onProject("member"), me, yes},
		{"TR-113_list", "list_credentials", impersonating("member"), policy.Any{}, yes},
		{"TR-113_shows_nothing", "get_credential", impersonating("admin"), me, no},
		{"TR-113_creates", "create_credential", impersonating("member"), me, no},
		{"TR-113_changes", "update_credential", delegate("admin"), me, no},
		{"TR-113_deletes", "delete_credential", delegate("member"), me, no},
		{"O-125_creates", "create_credential", byOAuth1("admin"), me, no},
		{"O-125_shows_nothing", "get_credential", byOAuth1("member"), me, no},
	})
}

// every asks the same question about several actions.
func every(name string, caller policy.Caller, resource policy.Resource, allowed bool, actions ...string) []decision {
	list := make([]decision, 0, len(actions))
	for _, action := range actions {
		list = append(list, decision{name + "/" + action, action, caller, resource, allowed})
	}
	return list
}

func TestDirectory(t *testing.T) {
	in, out := "d", "e"
	type kind struct {
		name        string
		read, write []string
		of          func(domain string) policy.Resource
	}
	kinds := []kind{
		{"user", []string{"get_user", "list_user_projects", "list_groups_for_user"}, []string{"create_user", "update_user", "delete_user"},
			func(d string) policy.Resource { return policy.User{ID: "other", DomainID: d} }},
		{"group", []string{"get_group", "list_users_in_group"}, []string{"create_group", "update_group", "delete_group"},
			func(d string) policy.Resource { return policy.Group{ID: "g", DomainID: d} }},
		{"project", []string{"get_project", "list_project_tags", "get_project_tag"},
			[]string{"create_project", "update_project", "delete_project", "update_project_tags", "create_project_tag", "delete_project_tags", "delete_project_tag"},
			func(d string) policy.Resource { return policy.Project{ID: "q", DomainID: d} }},
		{"list", []string{"list_users", "list_groups", "list_projects", "list_role_assignments", "list_role_assignments_for_tree"}, nil,
			func(d string) policy.Resource { return policy.DomainList{DomainID: d} }},
		{"membership", []string{"check_user_in_group"}, []string{"add_user_to_group", "remove_user_from_group"},
			func(d string) policy.Resource { return policy.Membership{GroupDomainID: d, UserDomainID: d} }},
	}
	var d []decision
	for _, k := range kinds {
		all := append(append([]string{}, k.read...), k.write...)
		d = append(d, every("D-006_admin_of_a_project/"+k.name, onProject("admin"), k.of(out), yes, all...)...)
		d = append(d, every("D-006_admin_of_the_system/"+k.name, onSystem("admin"), k.of(out), yes, all...)...)
		d = append(d, every("D-006_admin_of_what_is_not_there/"+k.name, onProject("admin"), k.of(""), yes, all...)...)
		d = append(d, every("reader_of_the_system_reads/"+k.name, onSystem("reader"), k.of(out), yes, k.read...)...)
		d = append(d, every("service_of_the_system_reads/"+k.name, onSystem("service"), k.of(in), no, all...)...)
		d = append(d, every("service_of_the_domain_reads/"+k.name, onDomain("service"), k.of(in), no, all...)...)
		d = append(d, every("reader_of_the_system_writes/"+k.name, onSystem("manager"), k.of(in), no, k.write...)...)
		d = append(d, every("reader_of_the_domain_reads/"+k.name, onDomain("reader"), k.of(in), yes, k.read...)...)
		d = append(d, every("reader_of_the_domain_elsewhere/"+k.name, onDomain("manager"), k.of(out), no, all...)...)
		d = append(d, every("member_of_the_domain_writes/"+k.name, onDomain("member"), k.of(in), no, k.write...)...)
		d = append(d, every("manager_of_the_domain_writes/"+k.name, onDomain("manager"), k.of(in), yes, k.write...)...)
		d = append(d, every("D-010_manager_of_the_domain_what_is_not_there/"+k.name, onDomain("manager"), k.of(""), no, all...)...)
		d = append(d, every("D-010_manager_of_a_project/"+k.name, onProject("manager"), k.of(in), no, all...)...)
		d = append(d, every("D-010_unscoped/"+k.name, unscoped(), k.of(in), no, all...)...)
		d = append(d, every("D-010_service/"+k.name, onProject("service"), k.of(in), no, all...)...)
	}
	run(t, both, d)

	run(t, both, []decision{
		{"D-039_herself_changes", "update_user", onProject("member"), myself, no},
		{"D-039_impersonating", "update_user", impersonating("member"), myself, no},
		{"herself_shown", "get_user", unscoped(), myself, yes},
		{"D-044_own_projects", "list_user_projects", unscoped(), myself, yes},
		{"D-044_anothers_projects", "list_user_projects", onProject("member"), neighbor, no},
		{"D-045_own_groups", "list_groups_for_user", onProject("reader"), myself, yes},
		{"D-045_anothers_groups", "list_groups_for_user", onProject("reader"), neighbor, no},
		{"stranger_shown_to_reader_of_another_domain", "get_user", onDomain("reader"), stranger, no},
		{"own_project", "get_project", onProject("reader"), policy.Project{ID: "p", DomainID: "d"}, yes},
		{"own_project_tags", "list_project_tags", onProject("reader"), policy.Project{ID: "p", DomainID: "d"}, yes},
		{"own_project_tag", "get_project_tag", onProject("service"), policy.Project{ID: "p", DomainID: "d"}, yes},
		{"own_project_changed", "update_project", onProject("manager"), policy.Project{ID: "p", DomainID: "d"}, no},
		{"membership_of_a_stranger", "add_user_to_group", onDomain("manager"), policy.Membership{GroupDomainID: "d", UserDomainID: "e"}, no},
		{"membership_in_a_strange_group", "add_user_to_group", onDomain("manager"), policy.Membership{GroupDomainID: "e", UserDomainID: "d"}, no},
		{"membership_of_a_stranger_checked", "check_user_in_group", onDomain("reader"), policy.Membership{GroupDomainID: "d", UserDomainID: "e"}, no},

		{"domains_listed_by_admin", "list_domains", onProject("admin"), policy.DomainList{}, yes},
		{"domains_listed_by_reader_of_system", "list_domains", onSystem("reader"), policy.DomainList{}, yes},
		{"domains_listed_by_reader_of_domain", "list_domains", onDomain("reader"), policy.DomainList{DomainID: "d"}, yes},
		{"domains_listed_by_service_of_domain", "list_domains", onDomain("service"), policy.DomainList{DomainID: "d"}, no},
		{"domains_listed_by_service_of_system", "list_domains", onSystem("service"), policy.DomainList{}, no},
		{"domains_listed_by_reader_of_another", "list_domains", onDomain("reader"), policy.DomainList{DomainID: "e"}, no},
		{"D-010_domains_listed_by_member", "list_domains", onProject("member"), policy.DomainList{DomainID: "d"}, no},
		{"domain_shown_to_its_token", "get_domain", onDomain("service"), policy.Domain{ID: "d"}, yes},
		{"domain_shown_to_its_projects_token", "get_domain", onProject("reader"), policy.Domain{ID: "d"}, yes},
		{"domain_shown_to_reader_of_system", "get_domain", onSystem("reader"), policy.Domain{ID: "e"}, yes},
		{"domain_shown_to_admin", "get_domain", onProject("admin"), policy.Domain{ID: "e"}, yes},
		{"D-010_another_domain", "get_domain", onProject("manager"), policy.Domain{ID: "e"}, no},
		{"D-010_another_domain_to_a_domain_token", "get_domain", onDomain("manager"), policy.Domain{ID: "e"}, no},
		{"D-010_own_domain_unscoped", "get_domain", unscoped(), policy.Domain{ID: "d"}, no},
		{"D-080_admin", "create_domain", onProject("admin"), policy.Domain{}, yes},
		{"D-080_system_admin", "create_domain", onSystem("admin"), policy.Domain{}, yes},
		{"D-080_admin_with_domain_token", "create_domain", onDomain("admin"), policy.Domain{}, no},
		{"D-084_admin_with_domain_token", "update_domain", onDomain("admin"), policy.Domain{ID: "d"}, no},
		{"D-083_admin_with_domain_token", "delete_domain", onDomain("admin"), policy.Domain{ID: "d"}, no},
		{"D-083_reader_of_system", "delete_domain", onSystem("reader"), policy.Domain{ID: "d"}, no},
	})
}

func TestRoles(t *testing.T) {
	global := policy.Role{Name: "member"}
	read := []string{"list_roles", "get_role"}
	readMore := []string{"list_domain_roles", "get_domain_role", "list_implied_roles", "get_implied_role", "check_implied_role", "list_role_inference_rules"}
	write := []string{"create_role", "update_role", "delete_role", "create_domain_role", "update_domain_role", "delete_domain_role",
		"create_implied_role", "delete_implied_role"}
	var d []decision
	for _, actions := range [][]string{read, readMore, write} {
		d = append(d, every("D-110_admin", onProject("admin"), global, yes, actions...)...)
		d = append(d, every("D-110_system_admin", onSystem("admin"), global, yes, actions...)...)
		d = append(d, every("D-010_manager_of_a_project", onProject("manager"), global, no, actions...)...)
		d = append(d, every("D-010_reader_of_a_domain", onDomain("member"), global, no, actions...)...)
	}
	d = append(d, every("reader_of_the_system", onSystem("reader"), global, yes, append(read, readMore...)...)...)
	d = append(d, every("reader_of_the_system_writes", onSystem("reader"), global, no, write...)...)
	d = append(d, every("service_of_the_system", onSystem("service"), global, no, append(read, readMore...)...)...)
	d = append(d, every("member_of_a_domain", onDomain("member"), global, no, read...)...)
	d = append(d, every("manager_of_a_domain", onDomain("manager"), global, yes, read...)...)
	d = append(d, every("manager_of_a_domain_more", onDomain("manager"), global, no, append(readMore, write...)...)...)
	d = append(d, every("admin_with_domain_token", onDomain("admin"), global, yes, read...)...)
	d = append(d, every("admin_with_domain_token_more", onDomain("admin"), global, no, append(readMore, write...)...)...)
	run(t, both, d)
}

func TestGrants(t *testing.T) {
	grant := func(role, roleDomain, actor, target string) policy.Grant {
		return policy.Grant{Role: role, RoleDomainID: roleDomain, ActorDomain: actor, TargetDomain: target}
	}
	write := []string{"create_grant", "revoke_grant"}
	read := []string{"check_grant", "list_grants"}
	var d []decision
	d = append(d, every("D-130_admin", onProject("admin"), grant("admin", "", "e", "f"), yes, append(read, write...)...)...)
	d = append(d, every("D-130_system_admin", onSystem("admin"), grant("x", "d", "e", "f"), yes, append(read, write...)...)...)
	d = append(d, every("D-131_service_of_the_system", onSystem("service"), grant("admin", "", "e", "f"), no, append(read, write...)...)...)
	d = append(d, every("service_of_the_domain", onDomain("service"), grant("reader", "", "d", "d"), no, append(read, write...)...)...)
	d = append(d, every("D-131_reader_of_the_system", onSystem("reader"), grant("admin", "", "e", "f"), yes, read...)...)
	d = append(d, every("D-130_reader_of_the_system", onSystem("manager"), grant("reader", "", "d", "d"), no, write...)...)
	for _, role := range []string{"manager", "member", "reader"} {
		d = append(d, every("manager_of_the_domain_grants_"+role, onDomain("manager"), grant(role, "", "d", "d"), yes, write...)...)
		d = append(d, every("domains_own_role_named_"+role, onDomain("manager"), grant(role, "d", "d", "d"), no, write...)...)
	}
	for _, role := range []string{"admin", "service", "", "custom"} {
		d = append(d, every("manager_of_the_domain_grants_"+role, onDomain("manager"), grant(role, "", "d", "d"), no, write...)...)
	}
	d = append(d, every("actor_of_another_domain", onDomain("manager"), grant("reader", "", "e", "d"), no, append(read, write...)...)...)
	d = append(d, every("target_of_another_domain", onDomain("manager"), grant("reader", "", "d", "e"), no, append(read, write...)...)...)
	d = append(d, every("D-010_nothing_there", onDomain("manager"), grant("", "", "", ""), no, append(read, write...)...)...)
	d = append(d, every("D-010_manager_of_a_project", onProject("manager"), grant("reader", "", "d", "d"), no, append(read, write...)...)...)
	d = append(d, every("member_of_the_domain_grants", onDomain("member"), grant("reader", "", "d", "d"), no, write...)...)
	d = append(d, every("reader_of_the_domain", onDomain("reader"), grant("admin", "", "d", "d"), yes, read...)...)
	d = append(d, every("reader_of_the_domain_own_role", onDomain("reader"), grant("x", "d", "d", "d"), yes, read...)...)
	d = append(d, every("reader_of_the_domain_strange_role", onDomain("reader"), grant("x", "e", "d", "d"), no, "check_grant")...)

	system := policy.Grant{Role: "reader", System: true}
	systemRead := []string{"list_system_grants_for_user", "check_system_grant_for_user", "list_system_grants_for_group", "check_system_grant_for_group"}
	systemWrite := []string{"create_system_grant_for_user", "revoke_system_grant_for_user", "create_system_grant_for_group", "revoke_system_grant_for_group"}
	systemAll := append(systemRead, systemWrite...)
	d = append(d, every("D-135_admin", onProject("admin"), system, yes, systemAll...)...)
	d = append(d, every("D-135_system_admin", onSystem("admin"), system, yes, systemAll...)...)
	d = append(d, every("D-135_domain_admin", onDomain("admin"), system, no, systemAll...)...)
	d = append(d, every("D-135_reader_of_the_system", onSystem("reader"), system, yes, systemRead...)...)
	d = append(d, every("D-135_reader_of_the_system", onSystem("reader"), system, no, systemWrite...)...)
	d = append(d, every("D-135_service_of_the_system", onSystem("service"), system, no, systemAll...)...)
	d = append(d, every("D-135_manager_of_a_domain", onDomain("manager"), system, no, systemAll...)...)
	d = append(d, decision{"D-146_plain_user", "list_role_assignments", onProject("member"), policy.DomainList{DomainID: "d"}, no})
	run(t, both, d)
}

func TestCatalog(t *testing.T) {
	read := []string{"list_services", "get_service", "list_endpoints", "get_endpoint"}
	write := []string{"create_service", "update_service", "delete_service", "create_endpoint", "update_endpoint", "delete_endpoint",
		"create_region", "update_region", "delete_region"}
	regions := []string{"list_regions", "get_region"}
	var d []decision
	d = append(d, every("D-160_admin", onProject("admin"), policy.Any{}, yes, append(read, write...)...)...)
	d = append(d, every("D-160_system_admin", onSystem("admin"), policy.Any{}, yes, append(read, write...)...)...)
	d = append(d, every("D-160_domain_admin", onDomain("admin"), policy.Any{}, no, append(read, write...)...)...)
	d = append(d, every("D-162_reader_of_the_system", onSystem("reader"), policy.Any{}, yes, read...)...)
	d = append(d, every("D-162_service_of_the_system", onSystem("service"), policy.Any{}, no, append(read, write...)...)...)
	d = append(d, every("D-160_reader_of_the_system", onSystem("reader"), policy.Any{}, no, write...)...)
	d = append(d, every("D-010_member", onProject("member"), policy.Any{}, no, append(read, write...)...)...)
	d = append(d, every("regions_with_any_token", unscoped(), policy.Any{}, yes, regions...)...)
	d = append(d, every("regions_with_a_domain_token", onDomain("reader"), policy.Any{}, yes, regions...)...)
	run(t, both, d)
}
