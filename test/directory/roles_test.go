package directory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestRoles(t *testing.T) {
	s := newService(t)
	s.run("D-110_create", func(t *testing.T) {
		r := s.as("POST", "/v3/roles", object{"role": object{"name": "observer", "note": "kept"}}, 201).object("role")
		delete(r, "links")
		require.Equal(t, object{"id": r["id"], "name": "observer", "domain_id": nil, "description": nil, "options": object{}, "note": "kept"}, r)
		s.as("POST", "/v3/roles", object{"role": object{"name": "observer"}}, 409)
		s.as("POST", "/v3/roles", object{"role": object{"name": strings.Repeat("x", 256)}}, 400)
	})
	observer := s.role("observer")
	s.run("D-111_D-114_change", func(t *testing.T) {
		path := "/v3/roles/" + observer
		s.as("PATCH", path, object{"role": object{"name": "admin"}}, 409)
		s.as("PATCH", path, object{"role": object{"domain_id": "default"}}, 400)
		require.Equal(t, "d", s.as("PATCH", path, object{"role": object{"name": "watcher", "description": "d"}}, 200).object("role")["description"])
		require.Equal(t, []string{observer}, ids(s.as("GET", "/v3/roles?name=watcher", nil, 200).list("roles")))
	})
	s.run("D-113_D-193_immutable", func(t *testing.T) {
		for _, name := range []string{"reader", "member", "manager", "admin", "service"} {
			path := "/v3/roles/" + s.role(name)
			require.Equal(t, object{"immutable": true}, s.as("GET", path, nil, 200).object("role")["options"])
			s.as("PATCH", path, object{"role": object{"description": "x"}}, 403)
			s.as("DELETE", path, nil, 403)
		}
		r := s.make("roles", "role", object{"name": "fixed", "options": object{"immutable": true}})
		s.as("PATCH", "/v3/roles/"+r, object{"role": object{"options": object{"immutable": false}}}, 200)
		s.as("DELETE", "/v3/roles/"+r, nil, 204)
	})
	own := s.make("roles", "role", object{"name": "admin", "domain_id": "default"})
	s.run("D-115_of_a_domain", func(t *testing.T) {
		require.NotContains(t, ids(s.as("GET", "/v3/roles", nil, 200).list("roles")), own)
		require.Equal(t, []string{own}, ids(s.as("GET", "/v3/roles?domain_id=default", nil, 200).list("roles")))
		require.Equal(t, "default", s.as("GET", "/v3/roles/"+own, nil, 200).object("role")["domain_id"])
	})
	rule := "/v3/roles/" + observer + "/implies/" + s.role("reader")
	s.run("D-116_D-117_imply", func(t *testing.T) {
		b := s.as("PUT", rule, nil, 201).object("")
		require.Equal(t, object{"self": base + rule}, b["links"])
		prior := b["role_inference"].(object)["prior_role"].(object)
		require.Equal(t, object{"id": observer, "name": "watcher", "links": object{"self": base + "/v3/roles/" + observer}}, prior)
		require.Equal(t, "reader", b["role_inference"].(object)["implies"].(object)["name"])
		s.as("PUT", rule, nil, 409)
		s.as("PUT", "/v3/roles/"+observer+"/implies/nothing", nil, 404)
	})
	s.run("D-118_D-118b_D-119_read", func(t *testing.T) {
		require.Equal(t, "reader", s.as("GET", rule, nil, 200).object("role_inference")["implies"].(object)["name"])
		s.as("HEAD", rule, nil, 204)
		implies := s.as("GET", "/v3/roles/"+observer+"/implies", nil, 200).object("role_inference")["implies"].([]any)
		require.Len(t, implies, 1)
		missing := "/v3/roles/" + observer + "/implies/" + s.role("member")
		s.as("GET", missing, nil, 404)
		s.as("HEAD", missing, nil, 404)
		s.as("DELETE", missing, nil, 404)
	})
	s.run("D-120_D-194_all_rules", func(t *testing.T) {
		found := map[string]string{}
		for _, r := range s.as("GET", "/v3/role_inferences", nil, 200).list("role_inferences") {
			require.Len(t, r["implies"], 1)
			found[r["prior_role"].(object)["name"].(string)] = r["implies"].([]any)[0].(object)["name"].(string)
		}
		require.Equal(t, map[string]string{"admin": "manager", "manager": "member", "member": "reader", "watcher": "reader"}, found)
	})
	s.run("D-122_a_domain's_role_is_not_implied_by_a_global_one", func(t *testing.T) {
		s.as("PUT", "/v3/roles/"+observer+"/implies/"+own, nil, 403)
		between := s.make("roles", "role", object{"name": "between", "domain_id": "default"})
		s.as("PUT", "/v3/roles/"+own+"/implies/"+between, nil, 201)
		s.as("PUT", "/v3/roles/"+between+"/implies/"+observer, nil, 201)
	})
	ada := s.user("ada")
	p := s.make("projects", "project", object{"name": "work"})
	shown := func() (names []string) {
		token := s.login("ada", "pw", onProject(p))
		for _, r := range s.do("GET", "/v3/auth/tokens", token, nil, 200, "X-Subject-Token", token).object("token")["roles"].([]any) {
			names = append(names, r.(object)["name"].(string))
		}
		return names
	}
	grant := "/v3/projects/" + p + "/users/" + ada + "/roles/"
	s.run("D-121_D-138_effect", func(t *testing.T) {
		s.as("PUT", grant+own, nil, 204)
		require.ElementsMatch(t, []string{"watcher", "reader"}, shown(), "a domain's role shows what it implies, never itself")
		s.as("PUT", "/v3/roles/"+s.make("roles", "role", object{"name": "loop"})+"/implies/"+observer, nil, 201)
		s.as("PUT", "/v3/roles/"+observer+"/implies/"+s.role("loop"), nil, 201)
		require.ElementsMatch(t, []string{"watcher", "reader", "loop"}, shown())
		other := s.make("domains", "domain", object{"name": "Other"})
		foreign := s.make("roles", "role", object{"name": "foreign", "domain_id": other})
		s.as("PUT", grant+foreign, nil, 403)
	})
	s.run("D-112_D-118_deleted", func(t *testing.T) {
		token := s.login("ada", "pw", onProject(p))
		s.as("DELETE", rule, nil, 204)
		require.ElementsMatch(t, []string{"watcher", "loop"}, shown())
		s.as("DELETE", "/v3/roles/"+observer, nil, 204)
		s.alive(token, 404)
		s.tryLogin("ada", "pw", onProject(p), 401)
		s.as("GET", rule, nil, 404)
	})
}

func TestGrants(t *testing.T) {
	s := newService(t)
	ada := s.user("ada")
	group := s.make("groups", "group", object{"name": "crew"})
	s.as("PUT", "/v3/groups/"+group+"/users/"+ada, nil, 204)
	p := s.make("projects", "project", object{"name": "work"})
	below := s.make("projects", "project", object{"name": "below", "parent_id": p})
	member, reader := s.role("member"), s.role("reader")
	scopes := map[string]object{"project": onProject(p), "below": onProject(below), "domain": onDomain("default"), "system": service.OnSystem()}
	for _, c := range []struct {
		row, path, inherited string
		reaches              []string
	}{
		{"D-130_D-131_D-132_D-134 project", "/v3/projects/" + p, "", []string{"project"}},
		{"D-130_D-131_D-132_D-134 domain", "/v3/domains/default", "", []string{"domain"}},
		{"D-135 system", "/v3/system", "", []string{"system"}},
		{"D-136 inherited from a domain", "/v3/OS-INHERIT/domains/default", "/inherited_to_projects", []string{"project", "below"}},
		{"D-137 inherited from a project", "/v3/OS-INHERIT/projects/" + p, "/inherited_to_projects", []string{"below"}},
	} {
		for actor, id := range map[string]string{"users": ada, "groups": group} {
			s.run(c.row+" "+actor, func(t *testing.T) {
				all := c.path + "/" + actor + "/" + id + "/roles"
				one := all + "/" + member + c.inherited
				s.as("GET", one, nil, 404)
				s.as("DELETE", one, nil, 404)
				s.as("PUT", one, nil, 204)
				s.as("PUT", one, nil, 204)
				s.as("GET", one, nil, 204)
				s.as("HEAD", one, nil, 204)
				s.as("GET", all+"/"+reader+c.inherited, nil, 404)
				roles := s.as("GET", all+c.inherited, nil, 200).list("roles")
				require.Equal(t, []string{member}, ids(roles), "no implied ones")
				tokens := map[string]string{}
				for name, scope := range scopes {
					want := 401
					for _, reached := range c.reaches {
						if reached == name {
							want = 201
						}
					}
					tokens[name] = s.tryLogin("ada", "pw", scope, want)
				}
				s.as("DELETE", one, nil, 204)
				for _, reached := range c.reaches {
					s.alive(tokens[reached], 404)
					s.tryLogin("ada", "pw", scopes[reached], 401)
				}
				s.as("DELETE", one, nil, 404)
				require.Empty(t, s.as("GET", all+c.inherited, nil, 200).list("roles"))
			})
		}
	}
	s.run("D-133_unknown", func(t *testing.T) {
		for _, path := range []string{
			"/v3/projects/" + p + "/users/" + ada + "/roles/nothing", "/v3/projects/" + p + "/users/nobody/roles/" + member,
			"/v3/projects/" + p + "/groups/nobody/roles/" + member, "/v3/projects/nowhere/users/" + ada + "/roles/" + member,
			"/v3/domains/nowhere/users/" + ada + "/roles/" + member, "/v3/system/users/nobody/roles/" + member,
		} {
			for _, method := range []string{"PUT", "GET", "HEAD", "DELETE"} {
				s.as(method, path, nil, 404)
			}
		}
	})
	s.run("D-136_projects_made_later_inherit_too", func(t *testing.T) {
		s.as("PUT", "/v3/OS-INHERIT/domains/default/users/"+ada+"/roles/"+member+"/inherited_to_projects", nil, 204)
		s.login("ada", "pw", onProject(s.make("projects", "project", object{"name": "later"})))
	})
	s.run("D-010_plain_user", func(t *testing.T) {
		plain := s.login("ada", "pw", nil)
		for _, id := range []string{p, "nowhere"} {
			s.do("PUT", "/v3/projects/"+id+"/users/"+ada+"/roles/"+member, plain, nil, 403)
		}
		s.do("PUT", "/v3/system/users/"+ada+"/roles/"+member, plain, nil, 403)
	})
}

func TestRoleAssignments(t *testing.T) {
	s := newService(t)
	ada := s.user("ada")
	group := s.make("groups", "group", object{"name": "crew"})
	s.as("PUT", "/v3/groups/"+group+"/users/"+ada, nil, 204)
	p := s.make("projects", "project", object{"name": "work"})
	below := s.make("projects", "project", object{"name": "below", "parent_id": p})
	member := s.role("member")
	direct := "/v3/projects/" + p + "/users/" + ada + "/roles/" + member
	inherited := "/v3/OS-INHERIT/projects/" + p + "/groups/" + group + "/roles/" + member + "/inherited_to_projects"
	onSystem := "/v3/system/groups/" + group + "/roles/" + member
	onDefault := "/v3/domains/default/groups/" + group + "/roles/" + member
	for _, path := range []string{direct, inherited, onSystem, onDefault} {
		s.as("PUT", path, nil, 204)
	}
	list := func(query string) []object {
		t.Helper()
		return s.as("GET", "/v3/role_assignments"+query, nil, 200).list("role_assignments")
	}
	links := func(query string) (found []string) {
		t.Helper()
		for _, a := range list(query) {
			found = append(found, strings.TrimPrefix(a["links"].(object)["assignment"].(string), base))
		}
		return found
	}
	s.run("D-140_all", func(t *testing.T) {
		admin := "/users/" + s.boot.UserID + "/roles/" + s.role("admin")
		require.ElementsMatch(t, []string{direct, inherited, onSystem, onDefault, "/v3/projects/" + s.boot.ProjectID + admin, "/v3/system" + admin}, links(""))
	})
	s.run("D-141_filters", func(t *testing.T) {
		for query, want := range map[string][]string{
			"?user.id=" + ada:                         {direct},
			"?group.id=" + group:                      {inherited, onSystem, onDefault},
			"?role.id=" + member + "&user.id=" + ada:  {direct},
			"?scope.project.id=" + p:                  {direct, inherited},
			"?scope.domain.id=default":                {onDefault},
			"?scope.system=all&group.id=" + group:     {onSystem},
			"?scope.OS-INHERIT:inherited_to=projects": {inherited},
			"?user.id=nobody":                         nil,
		} {
			require.ElementsMatch(t, want, links(query), query)
		}
		a := list("?scope.OS-INHERIT:inherited_to=projects")[0]
		require.Equal(t, object{"project": object{"id": p}, "OS-INHERIT:inherited_to": "projects"}, a["scope"])
		require.Equal(t, object{"system": object{"all": true}}, list("?scope.system=all&group.id=" + group)[0]["scope"])
	})
	s.run("D-142_effective", func(t *testing.T) {
		reader := s.role("reader")
		for _, flag := range []string{"effective", "effective=1", "effective=true"} {
			var held []string
			for _, a := range list("?user.id=" + ada + "&" + flag) {
				require.NotContains(t, a, "group")
				scope := a["scope"].(object)
				where := "system"
				for kind, on := range scope {
					if on, ok := on.(object); ok && on["id"] != nil {
						where = kind + " " + on["id"].(string)
					}
				}
				held = append(held, where+" "+a["role"].(object)["id"].(string))
			}
			require.ElementsMatch(t, []string{
				"project " + p + " " + member, "project " + p + " " + reader, "project " + below + " " + member, "project " + below + " " + reader,
				"system " + member, "system " + reader, "domain default " + member, "domain default " + reader,
			}, held)
		}
		require.Len(t, list("?user.id="+ada+"&effective=0"), 1)
		a := list("?user.id=" + ada + "&effective&scope.project.id=" + below + "&role.id=" + reader)[0]
		require.Equal(t, base+"/v3/groups/"+group+"/users/"+ada, a["links"].(object)["membership"])
		require.Equal(t, base+inherited, a["links"].(object)["assignment"])
		require.Contains(t, a["links"], "prior_role")
	})
	s.run("D-143_names", func(t *testing.T) {
		a := list("?user.id=" + ada + "&include_names")[0]
		home := object{"id": "default", "name": "Default"}
		require.Equal(t, object{"id": member, "name": "member"}, a["role"])
		require.Equal(t, object{"id": ada, "name": "ada", "domain": home}, a["user"])
		require.Equal(t, object{"project": object{"id": p, "name": "work", "domain": home}}, a["scope"])
		require.Equal(t, object{"domain": home}, list("?scope.domain.id=default&include_names")[0]["scope"])
	})
	s.run("D-144_D-145_what_excludes_itself", func(t *testing.T) {
		for _, query := range []string{"user.id=a&group.id=b", "scope.project.id=a&scope.domain.id=b", "scope.project.id=a&scope.system=all", "effective&group.id=a"} {
			s.as("GET", "/v3/role_assignments?"+query, nil, 400)
		}
	})
	s.run("D-146_plain_user", func(t *testing.T) {
		s.do("GET", "/v3/role_assignments", s.login("ada", "pw", nil), nil, 403)
	})
	s.run("D-147_subtree", func(t *testing.T) {
		deep := "/v3/projects/" + below + "/users/" + ada + "/roles/" + member
		s.as("PUT", deep, nil, 204)
		require.ElementsMatch(t, []string{direct, inherited, deep}, links("?scope.project.id="+p+"&include_subtree"))
	})
	s.run("limited_to_the_domain_of_the_token", func(t *testing.T) {
		s.as("PUT", "/v3/domains/default/users/"+ada+"/roles/"+s.role("reader"), nil, 204)
		token := s.login("ada", "pw", onDomain("default"))
		for _, a := range s.do("GET", "/v3/role_assignments", token, nil, 200).list("role_assignments") {
			require.NotContains(t, a["scope"], "system")
		}
	})
}
