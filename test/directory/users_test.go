package directory_test

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

var madeID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// TestCollections holds users to the rules that are common to all collections.
func TestCollections(t *testing.T) {
	s := newService(t)
	ada := s.user("ada")
	s.run("D-001_D-011_create_keeps_unknown_attributes", func(t *testing.T) {
		u := s.as("POST", "/v3/users", `{"user":{"name":"extra","email":"e@example.org","age":7,"nested":{"a":[1,null]},"id":"mine"}}`, 201).object("user")
		require.Regexp(t, madeID, u["id"])
		require.Equal(t, object{"self": base + "/v3/users/" + u["id"].(string)}, u["links"])
		shown := s.as("GET", "/v3/users/"+u["id"].(string), nil, 200).object("user")
		require.Equal(t, u, shown)
		require.Equal(t, "e@example.org", u["email"])
		require.EqualValues(t, 7, u["age"])
		require.Equal(t, object{"a": []any{float64(1), nil}}, u["nested"])
	})
	s.run("D-002_list", func(t *testing.T) {
		r := s.as("GET", "/v3/users?name=ada", nil, 200)
		require.Equal(t, object{"next": nil, "previous": nil, "self": base + "/v3/users?name=ada"}, r.object("links"))
		require.Equal(t, base+"/v3/users/"+ada, r.list("users")[0]["links"].(object)["self"])
		require.NotContains(t, r.object(""), "truncated")
	})
	s.run("D-003_head_is_get_without_body", func(t *testing.T) {
		for _, path := range []string{"/v3/users", "/v3/users/" + ada, "/v3/projects", "/v3/domains", "/v3/roles", "/v3/services", "/v3/groups", "/v3/role_assignments"} {
			get, head := s.as("GET", path, nil, 200), s.as("HEAD", path, nil, 200)
			require.Equal(t, get.header.Get("Content-Type"), head.header.Get("Content-Type"))
			require.Equal(t, get.header.Get("Content-Length"), head.header.Get("Content-Length"))
		}
	})
	s.run("D-004_patch_leaves_what_is_absent", func(t *testing.T) {
		id := s.make("users", "user", object{"name": "patched", "description": "d", "email": "old"})
		u := s.as("PATCH", "/v3/users/"+id, object{"user": object{"email": "new"}}, 200).object("user")
		require.Equal(t, "patched", u["name"])
		require.Equal(t, "d", u["description"])
		require.Equal(t, "new", u["email"])
		require.Equal(t, u, s.as("GET", "/v3/users/"+id, nil, 200).object("user"))
	})
	s.run("D-005_delete_then_404", func(t *testing.T) {
		id := s.user("passing")
		r := s.as("DELETE", "/v3/users/"+id, nil, 204)
		require.Empty(t, r.header.Get("Content-Type"))
		s.as("DELETE", "/v3/users/"+id, nil, 404)
		s.as("GET", "/v3/users/"+id, nil, 404)
	})
	s.run("D-006_unknown_id", func(t *testing.T) {
		for _, kind := range []string{"user", "project", "domain", "group", "role", "service", "endpoint", "region"} {
			for _, id := range []string{"nobody", url.PathEscape("a b/ü?#"), strings.Repeat("x", 3000)} {
				path := "/v3/" + kind + "s/" + id
				require.EqualValues(t, 404, s.as("GET", path, nil, 404).object("error")["code"])
				s.as("PATCH", path, object{kind: object{"description": "x"}}, 404)
				s.as("DELETE", path, nil, 404)
			}
		}
	})
	s.run("D-007_D-008_bad_bodies", func(t *testing.T) {
		for _, kind := range []string{"user", "project", "domain", "group", "role", "service", "endpoint"} {
			for _, body := range []string{`{}`, `{"` + kind + `":{}}`, `{"` + kind + `":null}`, `{"` + kind + `":[]}`, `[]`, `"x"`, `{`, `{"` + kind + `":{"name":7,"type":7}}`} {
				s.as("POST", "/v3/"+kind+"s", body, 400)
			}
		}
		s.as("PATCH", "/v3/users/"+ada, `{"user":{}}`, 400)
		s.as("PATCH", "/v3/domains/default", `{"domain":{}}`, 400)
		s.as("PATCH", "/v3/roles/"+s.role("member"), `{"role":{}}`, 400)
		require.Contains(t, s.as("POST", "/v3/users", `{"user":{"name":"x","enabled":"yes"}}`, 400).object("error")["message"], "user.enabled")
	})
	s.run("D-009_D-010_who_is_not_entitled", func(t *testing.T) {
		plain := s.login("ada", "pw", nil)
		require.NotEmpty(t, s.do("GET", "/v3/users", "", nil, 401).header.Get("WWW-Authenticate"))
		s.do("GET", "/v3/users", "garbage", nil, 401)
		s.do("GET", "/v3/users", plain, nil, 403)
		s.do("GET", "/v3/users/"+s.boot.UserID, plain, nil, 403)
		s.do("GET", "/v3/users/nobody", plain, nil, 403)
		s.do("DELETE", "/v3/users/nobody", plain, nil, 403)
		s.do("POST", "/v3/users", plain, `{}`, 403)
		s.do("GET", "/v3/users/"+ada, plain, nil, 200)
	})
	s.run("D-008_media_type", func(t *testing.T) {
		s.do("POST", "/v3/users", s.admin, `{"user":{"name":"typed"}}`, 415, "Content-Type", "application/xml")
		s.do("POST", "/v3/users", s.admin, `{"user":{"name":"typed"}}`, 201, "Content-Type", "application/vnd.openstack.identity-v3+json")
	})
	s.run("D-013_trailing_slash", func(t *testing.T) {
		require.Equal(t, ada, s.as("GET", "/v3/users/"+ada+"/", nil, 200).object("user")["id"])
	})
	s.run("D-014_D-015_unknown_path_and_method", func(t *testing.T) {
		require.EqualValues(t, 404, s.as("GET", "/v3/userz", nil, 404).object("error")["code"])
		r := s.as("GET", "/v3/users/"+ada+"/password", nil, 405) // D-048
		require.Contains(t, r.header.Get("Allow"), "POST")
		s.as("PUT", "/v3/users/"+ada, `{}`, 405)
	})
	s.run("D-012_another_id", func(t *testing.T) {
		s.as("PATCH", "/v3/users/"+ada, object{"user": object{"id": "other"}}, 400)
		s.as("PATCH", "/v3/users/"+ada, object{"user": object{"id": ada, "email": "x"}}, 200)
	})
	s.run("D-016_D-017_D-019_filters", func(t *testing.T) {
		s.make("users", "user", object{"name": "Filter-One", "enabled": false})
		s.make("users", "user", object{"name": "filter-two"})
		for query, want := range map[string]int{
			"name=Filter-One": 1, "name=filter-one": 0, "name__contains=ilter": 2, "name__startswith=filter": 1,
			"name__istartswith=FILTER": 2, "name__endswith=two": 1, "name__iendswith=ONE": 1, "name__icontains=ILTER-": 2,
			"name__contains=ilter&enabled=false": 1, "name__contains=ilter&enabled=1": 1, "name__contains=ilter&enabled=off": 1,
			"name__contains=ilter&domain_id=default": 2, "name__contains=ilter&domain_id=nowhere": 0, "name__contains=ilter&whatever=x": 2,
			"idp_id=x": 0, "name=": 0,
		} {
			require.Len(t, s.as("GET", "/v3/users?"+query, nil, 200).list("users"), want, query)
		}
		s.as("GET", "/v3/users?enabled=perhaps", nil, 400)
	})
	s.run("D-018_pages", func(t *testing.T) {
		all := ids(s.as("GET", "/v3/users", nil, 200).list("users"))
		var paged []string
		next := "/v3/users?limit=2"
		for next != "" {
			r := s.as("GET", next, nil, 200)
			paged = append(paged, ids(r.list("users"))...)
			link, more := r.object("links")["next"].(string)
			require.Equal(t, more, r.object("")["truncated"] == true)
			next = strings.TrimPrefix(link, base)
		}
		require.Equal(t, all, paged)
		s.as("GET", "/v3/users?marker=nobody", nil, 404)
		s.as("GET", "/v3/users?limit=0", nil, 400)
	})
	s.run("D-020_names", func(t *testing.T) {
		require.Equal(t, "trimmed", s.as("POST", "/v3/users", object{"user": object{"name": "  trimmed\t"}}, 201).object("user")["name"])
		for _, name := range []string{"", "  "} {
			s.as("POST", "/v3/users", object{"user": object{"name": name}}, 400)
		}
	})
	s.run("D-021_at_once", func(t *testing.T) {
		codes := make(chan int, 200)
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { codes <- s.at.Do("POST", "/v3/projects", s.admin, `{"project":{"name":"raced"}}`).Status })
		}
		group.Wait()
		close(codes)
		count := map[int]int{}
		for c := range codes {
			count[c]++
		}
		require.Equal(t, map[int]int{201: 1, 409: 199}, count)
	})
	s.run("D-022_visible_to_the_next_request", func(t *testing.T) {
		for range 20 {
			id := s.make("roles", "role", object{"name": "seen"})
			require.Equal(t, []string{id}, ids(s.as("GET", "/v3/roles?name=seen", nil, 200).list("roles")))
			s.as("DELETE", "/v3/roles/"+id, nil, 204)
			require.Empty(t, s.as("GET", "/v3/roles?name=seen", nil, 200).list("roles"))
		}
	})
}

func TestUsers(t *testing.T) {
	s := newService(t)
	s.run("D-030_name_only", func(t *testing.T) {
		u := s.as("POST", "/v3/users", object{"user": object{"name": "bare"}}, 201).object("user")
		delete(u, "links")
		id := u["id"]
		require.Equal(t, object{"id": id, "name": "bare", "domain_id": "default", "enabled": true, "password_expires_at": nil, "options": object{}}, u)
		s.tryLogin("bare", "", nil, 401)
	})
	other := s.make("domains", "domain", object{"name": "Other"})
	s.run("D-031_home_domain", func(t *testing.T) {
		s.as("PUT", "/v3/domains/"+other+"/users/"+s.boot.UserID+"/roles/"+s.role("admin"), nil, 204)
		scoped := s.login("admin", service.AdminPassword, onDomain(other))
		require.Equal(t, other, s.do("POST", "/v3/users", scoped, object{"user": object{"name": "homed"}}, 201).object("user")["domain_id"])
		p := s.make("projects", "project", object{"name": "elsewhere", "domain_id": other})
		s.as("PUT", "/v3/projects/"+p+"/users/"+s.boot.UserID+"/roles/"+s.role("admin"), nil, 204)
		there := s.login("admin", service.AdminPassword, onProject(p))
		require.Equal(t, "default", s.do("POST", "/v3/users", there, object{"user": object{"name": "homed2"}}, 201).object("user")["domain_id"])
	})
	s.run("D-032_unknown_domain", func(t *testing.T) {
		s.as("POST", "/v3/users", object{"user": object{"name": "lost", "domain_id": "nowhere"}}, 404)
	})
	s.run("D-033_name_taken", func(t *testing.T) {
		s.user("twice")
		s.as("POST", "/v3/users", object{"user": object{"name": "twice"}}, 409)
		s.make("users", "user", object{"name": "Twice"}) // letter case tells names apart
	})
	s.run("D-034_name_too_long", func(t *testing.T) {
		s.as("POST", "/v3/users", object{"user": object{"name": strings.Repeat("ü", 256)}}, 400)
		s.make("users", "user", object{"name": strings.Repeat("ü", 255)})
	})
	s.run("D-035_second_member", func(t *testing.T) {
		s.as("POST", "/v3/users", `{"user":{"name":"second"},"other":1}`, 400)
	})
	s.run("D-036_disabled", func(t *testing.T) {
		id := s.user("switched")
		token := s.login("switched", "pw", nil)
		s.alive(token, 200)
		s.as("PATCH", "/v3/users/"+id, object{"user": object{"enabled": false}}, 200)
		s.alive(token, 404)
		s.tryLogin("switched", "pw", nil, 401)
		s.as("PATCH", "/v3/users/"+id, object{"user": object{"enabled": true}}, 200)
		s.alive(token, 404)
		s.alive(s.login("switched", "pw", nil), 200)
	})
	s.run("D-037_password_set_by_admin", func(t *testing.T) {
		id := s.user("reset")
		token := s.login("reset", "pw", nil)
		r := s.as("PATCH", "/v3/users/"+id, object{"user": object{"password": "fresh-secret"}}, 200)
		require.NotContains(t, string(r.text), "password\"")
		require.NotContains(t, string(r.text), "fresh-secret")
		s.alive(token, 404)
		s.tryLogin("reset", "pw", nil, 401)
		s.alive(s.login("reset", "fresh-secret", nil), 200)
	})
	ada := s.user("ada")
	s.run("D-038_domain_is_fixed", func(t *testing.T) {
		s.as("PATCH", "/v3/users/"+ada, object{"user": object{"domain_id": other}}, 400)
		s.as("PATCH", "/v3/users/"+ada, object{"user": object{"domain_id": "default"}}, 200)
	})
	s.run("D-039_by_herself", func(t *testing.T) {
		s.do("PATCH", "/v3/users/"+ada, s.login("ada", "pw", nil), object{"user": object{"email": "x"}}, 403)
	})
	s.run("D-040_name_of_another", func(t *testing.T) {
		bob := s.user("bob")
		s.as("PATCH", "/v3/users/"+bob, object{"user": object{"name": "ada"}}, 409)
		s.as("PATCH", "/v3/users/"+bob, object{"user": object{"name": "bobby"}}, 200)
		s.user("bob")
	})
	s.run("D-041_no_default_project", func(t *testing.T) {
		id := s.make("users", "user", object{"name": "defaulted", "default_project_id": s.boot.ProjectID})
		require.Equal(t, s.boot.ProjectID, s.as("GET", "/v3/users/"+id, nil, 200).object("user")["default_project_id"])
		require.NotContains(t, s.as("PATCH", "/v3/users/"+id, `{"user":{"default_project_id":null}}`, 200).object("user"), "default_project_id")
	})
	s.run("D-042_deleted", func(t *testing.T) {
		id := s.user("doomed")
		s.as("PUT", "/v3/projects/"+s.boot.ProjectID+"/users/"+id+"/roles/"+s.role("member"), nil, 204)
		group := s.make("groups", "group", object{"name": "doom"})
		s.as("PUT", "/v3/groups/"+group+"/users/"+id, nil, 204)
		token := s.login("doomed", "pw", onProject(s.boot.ProjectID))
		s.as("DELETE", "/v3/users/"+id, nil, 204)
		s.alive(token, 404)
		s.tryLogin("doomed", "pw", nil, 401)
		require.Empty(t, s.as("GET", "/v3/role_assignments?user.id="+id, nil, 200).list("role_assignments"))
		require.Empty(t, s.as("GET", "/v3/groups/"+group+"/users", nil, 200).list("users"))
		s.user("doomed")
	})
	s.run("D-043_filters_together", func(t *testing.T) {
		require.Empty(t, s.as("GET", "/v3/users?name=ada&enabled=false", nil, 200).list("users"))
		require.Equal(t, []string{ada}, ids(s.as("GET", "/v3/users?name=ada&domain_id=default&enabled=true", nil, 200).list("users")))
	})
	s.run("D-044_projects_of_a_user", func(t *testing.T) {
		id := s.user("working")
		token := s.login("working", "pw", nil)
		path := "/v3/users/" + id + "/projects"
		require.Empty(t, s.do("GET", path, token, nil, 200).list("projects"))
		direct := s.make("projects", "project", object{"name": "direct"})
		grouped := s.make("projects", "project", object{"name": "grouped", "enabled": false})
		top := s.make("projects", "project", object{"name": "top"})
		below := s.make("projects", "project", object{"name": "below", "parent_id": top})
		group := s.make("groups", "group", object{"name": "workers"})
		s.as("PUT", "/v3/groups/"+group+"/users/"+id, nil, 204)
		s.as("PUT", "/v3/projects/"+direct+"/users/"+id+"/roles/"+s.role("reader"), nil, 204)
		s.as("PUT", "/v3/projects/"+grouped+"/groups/"+group+"/roles/"+s.role("reader"), nil, 204)
		s.as("PUT", "/v3/OS-INHERIT/projects/"+top+"/groups/"+group+"/roles/"+s.role("reader")+"/inherited_to_projects", nil, 204)
		require.Equal(t, []string{below, direct, grouped}, ids(s.do("GET", path, token, nil, 200).list("projects")))
		require.Equal(t, []string{direct}, ids(s.do("GET", path+"?name=direct", token, nil, 200).list("projects")))
		require.Equal(t, []string{grouped}, ids(s.do("GET", path+"?enabled=false", token, nil, 200).list("projects")))
		require.Equal(t, []string{below, direct}, ids(s.do("GET", "/v3/auth/projects", token, nil, 200).list("projects")))
		s.do("GET", "/v3/users/"+s.boot.UserID+"/projects", token, nil, 403)
	})
	s.run("D-045_groups_of_a_user", func(t *testing.T) {
		id := s.user("grouped")
		group := s.make("groups", "group", object{"name": "some"})
		s.as("PUT", "/v3/groups/"+group+"/users/"+id, nil, 204)
		found := s.do("GET", "/v3/users/"+id+"/groups", s.login("grouped", "pw", nil), nil, 200).list("groups")
		require.Equal(t, []string{group}, ids(found))
		require.Contains(t, found[0], "membership_expires_at")
		require.Nil(t, found[0]["membership_expires_at"])
	})
	change := func(id string, body any, want int) {
		t.Helper()
		s.do("POST", "/v3/users/"+id+"/password", "", body, want)
	}
	s.run("D-047_D-051_own_password", func(t *testing.T) {
		id := s.user("changing")
		token := s.login("changing", "pw", nil)
		change(id, object{"user": object{"original_password": "wrong", "password": "new"}}, 401)
		change("nobody", object{"user": object{"original_password": "wrong", "password": "new"}}, 401)
		s.alive(token, 200)
		change(id, object{"user": object{"original_password": "pw", "password": "new"}}, 204)
		s.alive(token, 404)
		s.tryLogin("changing", "pw", nil, 401)
		s.alive(s.login("changing", "new", nil), 200)
		change(id, object{"user": object{"original_password": "new", "password": "new"}}, 204)
	})
	s.run("D-048_own_password_incomplete", func(t *testing.T) {
		for _, body := range []string{`{}`, `{"user":{}}`, `{"user":{"password":"x"}}`, `{"user":{"original_password":"x"}}`} {
			change(ada, body, 400)
		}
	})
	s.run("D-049_end_all_tokens", func(t *testing.T) {
		id := s.user("ending")
		one, two := s.login("ending", "pw", nil), s.login("ending", "pw", nil)
		s.do("DELETE", "/v3/users/"+id+"/tokens", s.login("ada", "pw", nil), nil, 403)
		s.do("DELETE", "/v3/users/"+id+"/tokens", one, nil, 204)
		s.alive(one, 404)
		s.alive(two, 404)
	})
	s.run("D-050_options", func(t *testing.T) {
		id := s.make("users", "user", object{"name": "optional", "options": object{"lock_password": true, "multi_factor_auth_rules": []any{}}})
		s.as("POST", "/v3/users", object{"user": object{"name": "unknown", "options": object{"nonsense": true}}}, 400)
		s.as("PATCH", "/v3/users/"+id, object{"user": object{"options": object{"lock_password": "yes"}}}, 400)
		u := s.as("PATCH", "/v3/users/"+id, `{"user":{"options":{"lock_password":null,"ignore_password_expiry":true}}}`, 200).object("user")
		require.Equal(t, object{"ignore_password_expiry": true, "multi_factor_auth_rules": []any{}}, u["options"])
	})
}
