package versions

import "strings"

// Relation URLs of JSON home (C-055).
const (
	core       = "https://docs.openstack.org/api/openstack-identity/3/"
	inherit    = core + "ext/OS-INHERIT/1.0/"
	federation = core + "ext/OS-FEDERATION/1.0/"
	oauth1     = core + "ext/OS-OAUTH1/1.0/"
	pki        = core + "ext/OS-PKI/1.0/"
	revoke     = core + "ext/OS-REVOKE/1.0/"
	trust      = core + "ext/OS-TRUST/1.0/"
)

// relation is a resource that is served, by the name that clients know it by. A test
// holds the paths against the routes of template.yaml.
type relation struct{ in, name, path string }

var relations = []relation{
	{core, "auth_tokens", "/auth/tokens"},
	{pki, "revocations", "/auth/tokens/OS-PKI/revoked"},
	{revoke, "events", "/OS-REVOKE/events"},
	{core, "auth_catalog", "/auth/catalog"},
	{core, "auth_projects", "/auth/projects"},
	{core, "auth_domains", "/auth/domains"},
	{core, "auth_system", "/auth/system"},
	{federation, "projects", "/auth/projects"},
	{federation, "domains", "/auth/domains"},

	{trust, "trusts", "/OS-TRUST/trusts"},
	{trust, "trust", "/OS-TRUST/trusts/{trust_id}"},
	{trust, "trust_roles", "/OS-TRUST/trusts/{trust_id}/roles"},
	{trust, "trust_role", "/OS-TRUST/trusts/{trust_id}/roles/{role_id}"},

	{oauth1, "consumers", "/OS-OAUTH1/consumers"},
	{oauth1, "consumer", "/OS-OAUTH1/consumers/{consumer_id}"},
	{oauth1, "request_tokens", "/OS-OAUTH1/request_token"},
	{oauth1, "authorize_request_token", "/OS-OAUTH1/authorize/{request_token_id}"},
	{oauth1, "access_tokens", "/OS-OAUTH1/access_token"},
	{oauth1, "user_access_tokens", "/users/{user_id}/OS-OAUTH1/access_tokens"},
	{oauth1, "user_access_token", "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}"},
	{oauth1, "user_access_token_roles", "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles"},
	{oauth1, "user_access_token_role", "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}"},

	{core, "credentials", "/credentials"},
	{core, "credential", "/credentials/{credential_id}"},

	{core, "users", "/users"},
	{core, "user", "/users/{user_id}"},
	{core, "user_change_password", "/users/{user_id}/password"},
	{core, "user_groups", "/users/{user_id}/groups"},
	{core, "user_projects", "/users/{user_id}/projects"},
	{core, "user_tokens", "/users/{user_id}/tokens"},
	{core, "groups", "/groups"},
	{core, "group", "/groups/{group_id}"},
	{core, "group_users", "/groups/{group_id}/users"},
	{core, "group_user", "/groups/{group_id}/users/{user_id}"},
	{core, "projects", "/projects"},
	{core, "project", "/projects/{project_id}"},
	{core, "project_tags", "/projects/{project_id}/tags/{value}"},
	{core, "domains", "/domains"},
	{core, "domain", "/domains/{domain_id}"},

	{core, "roles", "/roles"},
	{core, "role", "/roles/{role_id}"},
	{core, "implied_roles", "/roles/{prior_role_id}/implies"},
	{core, "implied_role", "/roles/{prior_role_id}/implies/{implied_role_id}"},
	{core, "role_inferences", "/role_inferences"},
	{core, "role_assignments", "/role_assignments"},
	{core, "project_user_roles", "/projects/{project_id}/users/{user_id}/roles"},
	{core, "project_user_role", "/projects/{project_id}/users/{user_id}/roles/{role_id}"},
	{core, "project_group_roles", "/projects/{project_id}/groups/{group_id}/roles"},
	{core, "project_group_role", "/projects/{project_id}/groups/{group_id}/roles/{role_id}"},
	{core, "domain_user_roles", "/domains/{domain_id}/users/{user_id}/roles"},
	{core, "domain_user_role", "/domains/{domain_id}/users/{user_id}/roles/{role_id}"},
	{core, "domain_group_roles", "/domains/{domain_id}/groups/{group_id}/roles"},
	{core, "domain_group_role", "/domains/{domain_id}/groups/{group_id}/roles/{role_id}"},
	{core, "system_user_roles", "/system/users/{user_id}/roles"},
	{core, "system_user_role", "/system/users/{user_id}/roles/{role_id}"},
	{core, "system_group_roles", "/system/groups/{group_id}/roles"},
	{core, "system_group_role", "/system/groups/{group_id}/roles/{role_id}"},
	{inherit, "domain_user_roles_inherited_to_projects", "/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects"},
	{inherit, "domain_user_role_inherited_to_projects", "/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"},
	{inherit, "domain_group_roles_inherited_to_projects", "/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects"},
	{inherit, "domain_group_role_inherited_to_projects", "/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"},
	{inherit, "project_user_role_inherited_to_projects", "/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects"},
	{inherit, "project_group_role_inherited_to_projects", "/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects"},

	{core, "services", "/services"},
	{core, "service", "/services/{service_id}"},
	{core, "endpoints", "/endpoints"},
	{core, "endpoint", "/endpoints/{endpoint_id}"},
	{core, "regions", "/regions"},
	{core, "region", "/regions/{region_id}"},
}

// parameters are those whose relation is not core's param/{name}.
var parameters = map[string]string{
	"trust_id":         trust + "param/trust_id",
	"consumer_id":      oauth1 + "param/consumer_id",
	"request_token_id": oauth1 + "param/request_token_id",
	"access_token_id":  oauth1 + "param/access_token_id",
	"prior_role_id":    core + "param/role_id",
	"implied_role_id":  core + "param/role_id",
	"value":            core + "param/tag_value",
}

// resource is where a resource is: a path, or a template of one with what its variables mean.
type resource struct {
	Href     string            `json:"href,omitzero"`
	Template string            `json:"href-template,omitzero"`
	Vars     map[string]string `json:"href-vars,omitzero"`
}

// resources is the content of JSON home, with paths after a prefix (C-055, C-056).
func resources(prefix string) map[string]resource {
	home := make(map[string]resource, len(relations))
	for _, r := range relations {
		to := resource{Href: prefix + r.path}
		for part := range strings.SplitSeq(r.path, "/") {
			name, ok := strings.CutPrefix(part, "{")
			if !ok {
				continue
			}
			name = strings.TrimSuffix(name, "}")
			if to.Vars == nil {
				to = resource{Template: prefix + r.path, Vars: make(map[string]string)}
			}
			if to.Vars[name] = parameters[name]; to.Vars[name] == "" {
				to.Vars[name] = core + "param/" + name
			}
		}
		home[r.in+"rel/"+r.name] = to
	}
	return home
}
