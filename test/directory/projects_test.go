package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestProjects(t *testing.T) {
	s := newService(t)
	member := s.role("member")
	grant := func(project, user string) {
		t.Helper()
		s.as("PUT", "/v3/projects/"+project+"/users/"+user+"/roles/"+member, nil, 204)
	}
	patch := func(id string, change object, want int) object {
		t.Helper()
		r := s.as("PATCH", "/v3/projects/"+id, object{"project": change}, want)
		if want != 200 {
			return nil
		}
		return r.object("project")
	}
	s.run("D-060_name_only", func(t *testing.T) {
		p := s.as("POST", "/v3/projects", object{"project": object{"name": "bare"}}, 201).object("project")
		delete(p, "links")
		require.Equal(t, object{
			"id": p["id"], "name": "bare", "domain_id": "default", "parent_id": "default", "is_domain": false,
			"enabled": true, "description": "", "tags": []any{}, "options": object{},
		}, p)
	})
	other := s.make("domains", "domain", object{"name": "Other"})
	s.run("D-061_below_a_project", func(t *testing.T) {
		top := s.make("projects", "project", object{"name": "top"})
		p := s.as("POST", "/v3/projects", object{"project": object{"name": "sub", "parent_id": top}}, 201).object("project")
		require.Equal(t, top, p["parent_id"])
		require.Equal(t, "default", p["domain_id"])
		s.as("POST", "/v3/projects", object{"project": object{"name": "mixed", "parent_id": top, "domain_id": other}}, 400)
	})
	s.run("D-062_unknown_domain_or_parent", func(t *testing.T) {
		s.as("POST", "/v3/projects", object{"project": object{"name": "lost", "domain_id": "nowhere"}}, 400)
		s.as("POST", "/v3/projects", object{"project": object{"name": "lost", "parent_id": "nowhere"}}, 400)
	})
	s.run("D-063_D-089_names", func(t *testing.T) {
		s.make("projects", "project", object{"name": "one"})
		s.as("POST", "/v3/projects", object{"project": object{"name": "one"}}, 409)
		s.make("projects", "project", object{"name": "one", "domain_id": other})
	})
	s.run("D-064_name_too_long", func(t *testing.T) {
		s.as("POST", "/v3/projects", object{"project": object{"name": strings.Repeat("x", 65)}}, 400)
		s.make("projects", "project", object{"name": strings.Repeat("x", 64)})
	})
	ada := s.user("ada")
	s.run("D-065_created_disabled", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "off", "enabled": false})
		grant(p, ada)
		s.tryLogin("ada", "pw", onProject(p), 401)
	})
	s.run("D-067_too_deep", func(t *testing.T) {
		parent := ""
		for i := range 5 {
			attributes := object{"name": fmt.Sprint("level", i)}
			if parent != "" {
				attributes["parent_id"] = parent
			}
			parent = s.make("projects", "project", attributes)
		}
		s.as("POST", "/v3/projects", object{"project": object{"name": "level5", "parent_id": parent}}, 403)
	})
	s.run("D-068_D-069_with_children", func(t *testing.T) {
		top := s.make("projects", "project", object{"name": "parent"})
		sub := s.make("projects", "project", object{"name": "child", "parent_id": top})
		s.as("DELETE", "/v3/projects/"+top, nil, 403)
		patch(top, object{"enabled": false}, 403)
		patch(sub, object{"enabled": false}, 200)
		patch(top, object{"enabled": false}, 200)
		patch(sub, object{"enabled": true}, 403)
		s.as("DELETE", "/v3/projects/"+sub, nil, 204)
		s.as("DELETE", "/v3/projects/"+top, nil, 204)
	})
	s.run("D-070_empty_change", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "same", "note": "kept"})
		before := s.as("GET", "/v3/projects/"+p, nil, 200).object("project")
		require.Equal(t, before, patch(p, object{}, 200))
	})
	s.run("D-071_deleted", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "doomed"})
		grant(p, ada)
		token := s.login("ada", "pw", onProject(p))
		s.alive(token, 200)
		s.as("DELETE", "/v3/projects/"+p, nil, 204)
		s.alive(token, 404)
		require.Empty(t, s.as("GET", "/v3/role_assignments?user.id="+ada+"&scope.project.id="+p, nil, 200).list("role_assignments"))
		s.tryLogin("ada", "pw", onProject(p), 401)
	})
	s.run("D-072_disabled", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "switched"})
		grant(p, ada)
		token := s.login("ada", "pw", onProject(p))
		patch(p, object{"enabled": false}, 200)
		s.alive(token, 404)
		s.tryLogin("ada", "pw", onProject(p), 401)
		patch(p, object{"enabled": true}, 200)
		s.alive(token, 200)
	})
	s.run("D-073_list", func(t *testing.T) {
		top := s.make("projects", "project", object{"name": "listed", "tags": []string{"red", "green"}})
		sub := s.make("projects", "project", object{"name": "listed-below", "parent_id": top, "enabled": false, "tags": []string{"green"}})
		for query, want := range map[string][]string{
			"name=listed": {top}, "parent_id=" + top: {sub}, "name__startswith=listed": {top, sub},
			"name__startswith=listed&enabled=false": {sub}, "domain_id=" + other + "&name=listed": {},
			"tags=red,green": {top}, "tags-any=red,green": {top, sub}, "not-tags=red,green&name__startswith=listed": {sub},
			"not-tags-any=red&name__startswith=listed": {sub}, "is_domain=false&name=listed": {top},
		} {
			require.Equal(t, want, ids(s.as("GET", "/v3/projects?"+query, nil, 200).list("projects")), query)
		}
		domains := s.as("GET", "/v3/projects?is_domain=true", nil, 200).list("projects")
		require.Equal(t, []string{"default", other}, ids(domains))
		require.Equal(t, true, domains[0]["is_domain"])
		require.Nil(t, domains[0]["parent_id"])
		require.NotContains(t, ids(s.as("GET", "/v3/projects", nil, 200).list("projects")), "default")
	})
	s.run("D-074_tree", func(t *testing.T) {
		a := s.make("projects", "project", object{"name": "a"})
		b := s.make("projects", "project", object{"name": "b", "parent_id": a})
		c := s.make("projects", "project", object{"name": "c", "parent_id": b})
		get := func(id, query string) object {
			return s.as("GET", "/v3/projects/"+id+"?"+query, nil, 200).object("project")
		}
		require.Equal(t, object{b: object{a: object{"default": nil}}}, get(c, "parents_as_ids")["parents"])
		require.Equal(t, object{b: object{c: nil}}, get(a, "subtree_as_ids")["subtree"])
		require.Nil(t, get(c, "subtree_as_ids")["subtree"])
		require.Empty(t, get(a, "subtree_as_list")["subtree"], "no role there")
		for _, p := range []string{a, b, c} {
			grant(p, s.boot.UserID)
		}
		below := get(a, "subtree_as_list")["subtree"].([]any)
		require.Len(t, below, 2)
		require.Equal(t, b, below[0].(object)["project"].(object)["id"])
		above := get(c, "parents_as_list")["parents"].([]any)
		require.Len(t, above, 2)
		require.Equal(t, b, above[0].(object)["project"].(object)["id"])
		s.as("GET", "/v3/projects/"+a+"?parents_as_list&parents_as_ids", nil, 400)
		s.as("GET", "/v3/projects/"+a+"?subtree_as_list&subtree_as_ids", nil, 400)
		require.NotContains(t, get(a, ""), "parents")
	})
	s.run("D-075_tags", func(t *testing.T) {
		path := "/v3/projects/" + s.make("projects", "project", object{"name": "tagged"}) + "/tags"
		require.Equal(t, []any{"a", "b"}, s.as("PUT", path, object{"tags": []string{"b", "a"}}, 200).object("")["tags"])
		s.as("PUT", path+"/c", nil, 201)
		s.as("PUT", path+"/c", nil, 201)
		s.as("GET", path+"/c", nil, 204)
		s.as("HEAD", path+"/c", nil, 204)
		require.Equal(t, []any{"a", "b", "c"}, s.as("GET", path, nil, 200).object("")["tags"])
		s.as("DELETE", path+"/c", nil, 204)
		s.as("DELETE", path+"/c", nil, 404)
		s.as("GET", path+"/c", nil, 404)
		s.as("PUT", path+"/a%2Cb", nil, 400)
		s.as("PUT", path, object{"tags": []string{"a/b"}}, 400)
		s.as("PUT", path, object{"tags": []string{strings.Repeat("x", 256)}}, 400)
		many := make([]string, 81)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		s.as("PUT", path, object{"tags": many}, 400)
		s.as("PUT", path, object{"tags": many[:80]}, 200)
		s.as("PUT", path+"/more", nil, 400)
		s.as("DELETE", path, nil, 204)
		require.Equal(t, []any{}, s.as("GET", path, nil, 200).object("")["tags"])
	})
	s.run("D-076_immutable", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "fixed", "options": object{"immutable": true}})
		patch(p, object{"description": "x"}, 403)
		s.as("DELETE", "/v3/projects/"+p, nil, 403)
		require.Equal(t, object{"immutable": false}, patch(p, object{"options": object{"immutable": false}}, 200)["options"])
		patch(p, object{"description": "x"}, 200)
		s.as("DELETE", "/v3/projects/"+p, nil, 204)
		s.as("POST", "/v3/projects", object{"project": object{"name": "odd", "options": object{"color": "red"}}}, 400)
	})
}

func TestDomains(t *testing.T) {
	s := newService(t)
	s.run("D-080_D-087_create", func(t *testing.T) {
		d := s.as("POST", "/v3/domains", object{"domain": object{"name": "Acme", "note": "kept"}}, 201).object("domain")
		require.Regexp(t, madeID, d["id"])
		delete(d, "links")
		require.Equal(t, object{"id": d["id"], "name": "Acme", "description": "", "enabled": true, "tags": []any{}, "options": object{}, "note": "kept"}, d)
		chosen := strings.Repeat("a1", 16)
		require.Equal(t, chosen, s.make("domains", "domain", object{"name": "Chosen", "explicit_domain_id": chosen}))
		s.as("POST", "/v3/domains", object{"domain": object{"name": "Chosen again", "explicit_domain_id": chosen}}, 409)
		s.as("POST", "/v3/domains", object{"domain": object{"name": "Odd", "explicit_domain_id": "odd"}}, 400)
	})
	s.run("D-081_name_taken", func(t *testing.T) {
		s.as("POST", "/v3/domains", object{"domain": object{"name": "Acme"}}, 409)
		s.as("POST", "/v3/domains", object{"domain": object{"name": strings.Repeat("x", 65)}}, 400)
	})
	s.run("D-082_enabled_is_not_deleted", func(t *testing.T) {
		s.as("DELETE", "/v3/domains/default", nil, 403)
	})
	domain := s.make("domains", "domain", object{"name": "Whole"})
	user := s.make("users", "user", object{"name": "eve", "domain_id": domain, "password": "pw"})
	project := s.make("projects", "project", object{"name": "inside", "domain_id": domain})
	group := s.make("groups", "group", object{"name": "inside", "domain_id": domain})
	for _, u := range []string{user, s.boot.UserID} {
		s.as("PUT", "/v3/projects/"+project+"/users/"+u+"/roles/"+s.role("member"), nil, 204)
	}
	login := func(want int) string {
		return s.do("POST", "/v3/auth/tokens", "", object{"auth": object{"identity": object{"methods": []string{"password"},
			"password": object{"user": object{"id": user, "password": "pw"}}}}}, want).header.Get("X-Subject-Token")
	}
	enable := func(on bool) {
		require.Equal(t, on, s.as("PATCH", "/v3/domains/"+domain, object{"domain": object{"enabled": on}}, 200).object("domain")["enabled"])
	}
	s.run("D-084_disabled", func(t *testing.T) {
		hers, inside := login(201), s.login("admin", service.AdminPassword, onProject(project))
		s.alive(hers, 200)
		s.alive(inside, 200)
		enable(false)
		s.alive(hers, 404)
		s.alive(inside, 404)
		login(401)
		s.tryLogin("admin", service.AdminPassword, onProject(project), 401)
		enable(true)
		login(201)
	})
	s.run("D-085_renamed", func(t *testing.T) {
		s.as("PATCH", "/v3/domains/"+domain, object{"domain": object{"name": "Acme"}}, 409)
		s.as("PATCH", "/v3/domains/"+domain, object{"domain": object{"name": "Renamed"}}, 200)
		s.make("domains", "domain", object{"name": "Whole"})
	})
	s.run("D-086_filters", func(t *testing.T) {
		require.Equal(t, []string{domain}, ids(s.as("GET", "/v3/domains?name=Renamed", nil, 200).list("domains")))
		require.Empty(t, s.as("GET", "/v3/domains?name=Renamed&enabled=false", nil, 200).list("domains"))
		require.Len(t, s.as("GET", "/v3/domains?enabled=true", nil, 200).list("domains"), 5)
	})
	s.run("D-089_same_names_in_another_domain", func(t *testing.T) {
		for _, kind := range []string{"user", "project", "group"} {
			s.make(kind+"s", kind, object{"name": "inside"})
		}
		s.make("users", "user", object{"name": "eve"})
	})
	s.run("D-083_deleted_with_all_that_is_inside", func(t *testing.T) {
		hers, inside := login(201), s.login("admin", service.AdminPassword, onProject(project))
		enable(false)
		s.as("DELETE", "/v3/domains/"+domain, nil, 204)
		s.as("DELETE", "/v3/domains/"+domain, nil, 404)
		s.alive(hers, 404)
		s.alive(inside, 404)
		for path, want := range map[string]int{
			"/v3/users/" + user: 404, "/v3/projects/" + project: 404, "/v3/groups/" + group: 404, "/v3/domains/" + domain: 404,
		} {
			s.as("GET", path, nil, want)
		}
		require.NotContains(t, ids(s.as("GET", "/v3/users", nil, 200).list("users")), user)
		require.NotContains(t, ids(s.as("GET", "/v3/users/"+s.boot.UserID+"/projects", nil, 200).list("projects")), project)
	})
	s.run("D-083_swept", func(t *testing.T) {
		chosen := object{"domain": object{"name": "Again", "explicit_domain_id": strings.Repeat("c3", 16)}}
		s.as("POST", "/v3/domains", chosen, 201)
		path := "/v3/domains/" + strings.Repeat("c3", 16)
		s.as("PATCH", path, object{"domain": object{"enabled": false}}, 200)
		s.as("DELETE", path, nil, 204)
		s.as("POST", "/v3/domains", chosen, 409)
		s.at.Drain()
		s.as("POST", "/v3/domains", chosen, 201)
	})
	s.run("D-090_D-190_default", func(t *testing.T) {
		d := s.as("GET", "/v3/domains/default", nil, 200).object("domain")
		require.Equal(t, "Default", d["name"])
		require.Equal(t, "The default domain", d["description"])
	})
}

func TestGroups(t *testing.T) {
	s := newService(t)
	ada := s.user("ada")
	group := s.make("groups", "group", object{"name": "crew"})
	s.run("D-100_create", func(t *testing.T) {
		g := s.as("GET", "/v3/groups/"+group, nil, 200).object("group")
		require.Equal(t, object{"id": group, "name": "crew", "domain_id": "default", "description": "", "links": object{"self": base + "/v3/groups/" + group}}, g)
		s.as("POST", "/v3/groups", object{"group": object{"name": "crew"}}, 409)
		s.as("POST", "/v3/groups", object{"group": object{"name": "lost", "domain_id": "nowhere"}}, 404)
	})
	path := "/v3/groups/" + group + "/users/" + ada
	s.run("D-101_D-102_join", func(t *testing.T) {
		s.as("PUT", path, nil, 204)
		s.as("PUT", path, nil, 204)
		s.as("HEAD", path, nil, 204)
		s.as("PUT", "/v3/groups/"+group+"/users/nobody", nil, 404)
		s.as("PUT", "/v3/groups/nowhere/users/"+ada, nil, 404)
	})
	s.run("D-103_leave", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "work"})
		s.as("PUT", "/v3/projects/"+p+"/groups/"+group+"/roles/"+s.role("member"), nil, 204)
		token := s.login("ada", "pw", onProject(p))
		s.alive(token, 200)
		s.as("DELETE", path, nil, 204)
		s.alive(token, 404)
		s.tryLogin("ada", "pw", onProject(p), 401)
		s.as("DELETE", path, nil, 404)
		s.as("HEAD", path, nil, 404)
	})
	s.run("D-104_members", func(t *testing.T) {
		s.as("PUT", path, nil, 204)
		list := func(query string) []string {
			return ids(s.as("GET", "/v3/groups/"+group+"/users"+query, nil, 200).list("users"))
		}
		require.Equal(t, []string{ada}, list(""))
		require.Equal(t, []string{ada}, list("?name=ada&enabled=true&domain_id=default"))
		require.Empty(t, list("?enabled=false"))
		s.as("GET", "/v3/groups/nowhere/users", nil, 404)
	})
	s.run("D-106_domain_is_fixed", func(t *testing.T) {
		s.as("PATCH", "/v3/groups/"+group, object{"group": object{"domain_id": "other"}}, 400)
		require.Equal(t, "d", s.as("PATCH", "/v3/groups/"+group, object{"group": object{"description": "d"}}, 200).object("group")["description"])
	})
	s.run("D-105_deleted", func(t *testing.T) {
		p := s.make("projects", "project", object{"name": "more"})
		s.as("PUT", "/v3/projects/"+p+"/groups/"+group+"/roles/"+s.role("member"), nil, 204)
		token := s.login("ada", "pw", onProject(p))
		s.as("DELETE", "/v3/groups/"+group, nil, 204)
		s.alive(token, 404)
		require.Empty(t, s.as("GET", "/v3/users/"+ada+"/groups", nil, 200).list("groups"))
		require.Empty(t, s.as("GET", "/v3/role_assignments?scope.project.id="+p, nil, 200).list("role_assignments"))
		s.at.Drain()
		s.alive(token, 404)
		s.alive(s.login("ada", "pw", nil), 200)
	})
}

// TestDomainAsProject shows that a domain is a project with is_domain.
func TestDomainAsProject(t *testing.T) {
	s := newService(t)
	made := s.as("POST", "/v3/projects", object{"project": object{"name": "Whole", "domain_id": nil, "is_domain": true, "description": "d"}}, 201).object("project")
	id := made["id"].(string)
	path := "/v3/projects/" + id
	s.user("ada")
	adas := s.login("ada", "pw", nil)
	s.as("PUT", "/v3/domains/"+id+"/users/"+s.boot.UserID+"/roles/"+s.role("admin"), nil, 204)
	inDomain := s.login("admin", service.AdminPassword, onDomain(id))
	s.run("D-073_D-080_made_and_shown_as_both", func(t *testing.T) {
		require.Equal(t, []any{nil, nil, true, "d"}, []any{made["domain_id"], made["parent_id"], made["is_domain"], made["description"]})
		require.Equal(t, made, s.as("GET", path, nil, 200).object("project"))
		require.Contains(t, ids(s.as("GET", "/v3/projects?is_domain=true", nil, 200).list("projects")), id)
		require.NotContains(t, ids(s.as("GET", "/v3/projects", nil, 200).list("projects")), id)
		require.Equal(t, "Whole", s.as("GET", "/v3/domains/"+id, nil, 200).object("domain")["name"])
		s.as("POST", "/v3/projects", object{"project": object{"name": "Whole", "is_domain": true}}, 409)
		s.as("POST", "/v3/projects", object{"project": object{"name": "Inner", "is_domain": true, "domain_id": id}}, 400)
	})
	s.run("D-010_by_whoever_may_do_so_with_domains", func(t *testing.T) {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			var body any
			if method == "PATCH" {
				body = object{"project": object{"description": "x"}}
			}
			there, nowhere := s.do(method, path, adas, body, 403), s.do(method, "/v3/projects/nowhere", adas, body, 403)
			require.Equal(t, nowhere.object("error"), there.object("error"), "what is there looks like what is not")
		}
		s.do("POST", "/v3/projects", adas, object{"project": object{"name": "Mine", "is_domain": true}}, 403)
		s.do("POST", "/v3/projects", inDomain, object{"project": object{"name": "Mine", "is_domain": true}}, 403)
		s.do("PATCH", path, inDomain, object{"project": object{"enabled": false}}, 403)
		s.do("DELETE", path, inDomain, nil, 403)
	})
	s.run("D-084_D-085_D-082_D-083_changed_and_deleted", func(t *testing.T) {
		changed := s.as("PATCH", path, object{"project": object{"name": "Half"}}, 200).object("project")
		require.Equal(t, []any{"Half", "d", true}, []any{changed["name"], changed["description"], changed["is_domain"]})
		s.as("PATCH", path, object{"project": object{"is_domain": false}}, 400)
		s.as("PATCH", path, object{"project": object{"parent_id": "default"}}, 400)
		s.as("DELETE", path, nil, 403)
		s.alive(inDomain, 200)
		s.as("PATCH", path, object{"project": object{"enabled": false}}, 200)
		s.alive(inDomain, 404)
		s.as("DELETE", path, nil, 204)
		s.as("GET", path, nil, 404)
		s.as("GET", "/v3/domains/"+id, nil, 404)
	})
}
