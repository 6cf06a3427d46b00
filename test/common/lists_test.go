package common

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/route"
	"mandate/test/service"
)

func TestLists(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"bob", "eve"} {
		w.ID("users", "user", object{"name": name})
		w.ID("groups", "group", object{"name": name})
		w.ID("projects", "project", object{"name": name})
		w.ID("domains", "domain", object{"name": name})
	}
	t.Run("C-060_links", func(t *testing.T) {
		for _, r := range all(t, func(r route.Route) bool {
			return r.Method == http.MethodGet && strings.HasPrefix(r.Operation, "List") && strings.HasPrefix(r.Path, "/v3/")
		}) {
			path := w.path(r) + "?whatever=a%20b&x=1"
			reply := w.do(t, "GET", path, w.Admin(), nil)
			if reply.Status == 404 { // lists that tell nothing to administrators
				continue
			}
			if strings.HasSuffix(r.Path, "/application_credentials") || strings.HasSuffix(r.Path, "/access_rules") { // refused to everybody
				require.Equal(t, 403, reply.Status, r.Key())
				continue
			}
			require.Equal(t, 200, reply.Status, "%s: %s", r.Key(), reply.Text)
			links := reply.Member("links")
			require.Equal(t, service.Base+path, links["self"], r.Key())
			if r.Operation == "ListRoleInferenceRules" || r.Operation == "ListImpliedRoles" { // rules, all at once
				continue
			}
			require.Contains(t, links, "previous")
			require.Nil(t, links["previous"])
			require.Contains(t, links, "next")
		}
	})
	for _, kind := range []string{"users", "groups", "projects", "domains"} {
		path := "/v3/" + kind
		t.Run("C-061_"+kind+"_page_by_page", func(t *testing.T) {
			whole := w.want(t, 200, "GET", path, w.Admin(), nil)
			require.NotContains(t, whole.Body, "truncated")
			var found []any
			next := path + "?limit=1"
			for next != "" {
				r := w.want(t, 200, "GET", next, w.Admin(), nil)
				page := r.Body[kind].([]any)
				require.Len(t, page, 1)
				found = append(found, page...)
				if r.Member("links")["next"] == nil {
					require.NotContains(t, r.Body, "truncated")
					break
				}
				require.Equal(t, true, r.Body["truncated"])
				next = path + "?limit=1&marker=" + page[0].(object)["id"].(string)
				require.Equal(t, service.Base+next, r.Member("links")["next"])
			}
			require.Equal(t, whole.Body[kind], found)
		})
		t.Run("C-062_"+kind+"_after_an_unknown_marker", func(t *testing.T) {
			w.want(t, 404, "GET", path+"?marker=unknown", w.Admin(), nil)
			w.want(t, 404, "GET", path+"?limit=1&marker=%00", w.Admin(), nil)
		})
		t.Run("C-063_"+kind+"_with_a_limit_that_is_none", func(t *testing.T) {
			for _, limit := range []string{"abc", "0", "-1", "1.5", "", "+1", "%20"} {
				w.want(t, 400, "GET", path+"?limit="+limit, w.Admin(), nil)
			}
		})
	}
	t.Run("C-064_lists_that_are_not_paged", func(t *testing.T) {
		second := w.ID("projects", "project", object{"name": "second"})
		w.grant("projects/"+second, w.ada, "member")
		ada := w.Login("ada", "pw-ada", service.OnProject(w.web))
		for _, trustee := range []string{"admin", "bob"} {
			id := w.Must(200, "GET", "/v3/users?name="+trustee, w.Admin(), nil).Body["users"].([]any)[0].(object)["id"]
			w.want(t, 201, "POST", "/v3/OS-TRUST/trusts", ada, object{"trust": object{
				"trustor_user_id": w.ada, "trustee_user_id": id, "project_id": w.web, "impersonation": false, "roles": []object{{"name": "reader"}},
			}})
		}
		for path, kind := range map[string]string{
			"/v3/OS-TRUST/trusts?trustor_user_id=" + w.ada + "&limit=1": "trusts", "/v3/auth/projects?limit=1": "projects",
		} {
			r := w.want(t, 200, "GET", path, ada, nil)
			require.GreaterOrEqual(t, len(r.Body[kind].([]any)), 2)
			require.NotContains(t, r.Body, "truncated")
			require.Nil(t, r.Member("links")["next"])
		}
	})
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	onProject, onDomain, onSystem := service.OnProject(w.web), service.OnDomain("default"), service.OnSystem()
	who := map[string]string{}
	for _, role := range []string{"reader", "member", "manager", "admin", "service"} {
		who[role+"/project"] = w.someone(t, role+"-p", role, "projects/"+w.web, onProject)
		who[role+"/domain"] = w.someone(t, role+"-d", role, "domains/default", onDomain)
		who[role+"/system"] = w.someone(t, role+"-s", role, "system", onSystem)
	}
	subject := w.Login("ada", "pw-ada", onProject)
	validate := func(t *testing.T, want int, callers ...string) {
		t.Helper()
		for _, caller := range callers {
			r := w.do(t, "GET", "/v3/auth/tokens", who[caller], nil, "X-Subject-Token", subject)
			require.Equal(t, want, r.Status, "%s: %s", caller, r.Text)
		}
	}
	t.Run("C-070_validate_on_the_system", func(t *testing.T) {
		validate(t, 200, "reader/system", "member/system", "manager/system", "admin/system")
	})
	t.Run("C-071_validate_on_a_project_or_domain", func(t *testing.T) {
		validate(t, 403, "reader/project", "member/project", "manager/project", "reader/domain", "member/domain", "manager/domain")
	})
	t.Run("C-072_validate_as_admin", func(t *testing.T) { validate(t, 200, "admin/project", "admin/domain") })
	t.Run("C-073_validate_as_a_service", func(t *testing.T) {
		validate(t, 200, "service/project", "service/domain", "service/system")
		w.want(t, 403, "HEAD", "/v3/auth/tokens", who["service/project"], nil, "X-Subject-Token", subject)
	})
	t.Run("C-074_revoke_as_admin", func(t *testing.T) {
		for _, caller := range []string{"reader/system", "manager/system", "manager/project", "service/project"} {
			w.want(t, 403, "DELETE", "/v3/auth/tokens", who[caller], nil, "X-Subject-Token", subject)
		}
		for _, caller := range []string{"admin/project", "admin/domain", "admin/system"} {
			w.want(t, 204, "DELETE", "/v3/auth/tokens", who[caller], nil, "X-Subject-Token", w.Login("ada", "pw-ada", nil))
		}
	})
	trusts := func(t *testing.T, want int, callers ...string) {
		t.Helper()
		for _, caller := range callers {
			r := w.do(t, "GET", "/v3/OS-TRUST/trusts", who[caller], nil)
			require.Equal(t, want, r.Status, "%s: %s", caller, r.Text)
		}
	}
	t.Run("C-078_all_trusts_on_a_project_or_domain", func(t *testing.T) {
		trusts(t, 403, "reader/project", "member/project", "manager/project", "reader/domain", "member/domain", "manager/domain", "service/domain")
	})
	t.Run("C-079_all_trusts_on_the_system", func(t *testing.T) {
		trusts(t, 200, "reader/system", "member/system", "manager/system", "admin/system", "admin/project")
	})
}
