package auth_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

var (
	wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$`)
	auditID  = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
)

// user is a password body whose user member is as given.
func userBody(user any) object {
	return object{"auth": object{"identity": object{"methods": []string{"password"}, "password": object{"user": user}}}}
}

func identity(v any) object { return object{"auth": object{"identity": v}} }

func TestIssue(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onProject(w.shop)}, grant{"reader", onDomain(w.research)})
	plain := w.person(t)
	operator := w.person(t, grant{"reader", onSystem})
	defaultDomain, wrong := object{"id": "default"}, object{"name": ada.name, "domain": object{"id": "default"}, "password": "wrong"}

	t.Run("T-001_password_by_id", func(t *testing.T) {
		r := w.ask(t, 201, plain.by(nil))
		require.NotEmpty(t, r.subject())
		require.LessOrEqual(t, len(r.subject()), 255)
		require.ElementsMatch(t, []string{"methods", "user", "audit_ids", "expires_at", "issued_at"}, members(r.token()))
		require.Equal(t, object{
			"id": plain.id, "name": plain.name, "domain": object{"id": "default", "name": "Default"}, "password_expires_at": nil,
		}, r.token()["user"])
		require.Equal(t, []any{"password"}, r.token()["methods"])
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	})
	t.Run("T-002_by_name_and_domain", func(t *testing.T) {
		for _, d := range []object{{"id": "default"}, {"name": "Default"}} {
			r := w.ask(t, 201, userBody(object{"name": ada.name, "domain": d, "password": ada.password}))
			require.Equal(t, ada.id, r.token()["user"].(object)["id"])
		}
		r := w.ask(t, 201, userBody(object{"id": plain.id, "name": ada.name, "domain": defaultDomain, "password": ada.password}))
		require.Equal(t, ada.id, r.token()["user"].(object)["id"], "a name decides over an id")
	})
	t.Run("T-003_a_name_without_domain", func(t *testing.T) {
		w.ask(t, 400, userBody(object{"name": ada.name, "password": ada.password}))
		w.ask(t, 400, userBody(object{"name": ada.name, "domain": object{}, "password": ada.password}))
	})

	refused := w.ask(t, 401, userBody(wrong))
	same := func(t *testing.T, r reply) {
		t.Helper()
		require.Equal(t, refused.Text, r.Text)
		a, b := refused.Header.Clone(), r.Header.Clone()
		a.Del("X-Openstack-Request-Id")
		b.Del("X-Openstack-Request-Id")
		require.Equal(t, a, b)
	}
	t.Run("T-004_nobody", func(t *testing.T) {
		same(t, w.ask(t, 401, userBody(object{"id": "nobody", "password": "x"})))
		same(t, w.ask(t, 401, userBody(object{"name": "nobody", "domain": defaultDomain, "password": "x"})))
		same(t, w.ask(t, 401, userBody(object{"name": ada.name, "domain": object{"id": "nowhere"}, "password": ada.password})))
		same(t, w.ask(t, 401, userBody(object{"name": ada.name, "domain": object{"name": "nowhere"}, "password": ada.password})))
	})
	t.Run("T-005_wrong_password", func(t *testing.T) {
		same(t, w.ask(t, 401, userBody(object{"id": ada.id})))
		same(t, w.ask(t, 401, userBody(object{"id": ada.id, "password": ""})))
		without := w.make(t, "user", object{"name": "without"})
		same(t, w.ask(t, 401, userBody(object{"id": without, "password": ""})))
		same(t, w.ask(t, 401, userBody(object{"id": without, "password": "x"})))
		same(t, w.ask(t, 401, userBody(object{"id": without})))
	})
	t.Run("T-006_a_password_that_is_no_string", func(t *testing.T) {
		for _, p := range []any{nil, 7, true, []any{}, object{}} {
			r := w.ask(t, 400, userBody(object{"id": ada.id, "password": p}))
			require.Contains(t, r.Member("error")["message"], "password")
		}
	})
	t.Run("T-007_no_user", func(t *testing.T) {
		w.ask(t, 400, userBody(object{}))
		w.ask(t, 400, userBody(object{"id": "", "password": "x"}))
		w.ask(t, 400, userBody(nil))
	})
	t.Run("T-008_disabled", func(t *testing.T) {
		off := w.person(t)
		w.patch(t, "user", off.id, object{"enabled": false})
		same(t, w.ask(t, 401, off.by(nil)))
		domain := w.make(t, "domain", object{"name": "Closed"})
		inside := w.personIn(t, domain)
		w.ask(t, 201, inside.by(nil))
		w.patch(t, "domain", domain, object{"enabled": false})
		same(t, w.ask(t, 401, inside.by(nil)))
		same(t, w.ask(t, 401, userBody(object{"name": inside.name, "domain": object{"name": "Closed"}, "password": inside.password})))
	})
	t.Run("T-009_no_auth", func(t *testing.T) {
		for _, body := range []any{
			`{}`, `{"auth":null}`, `{"auth":[]}`, `{"auth":{}}`, `{"auth":"x"}`,
			`{"auth":{"identity":"x"}}`, `{"auth":{"identity":null}}`, `{"auth":{"identity":{}}}`,
			`{"auth":{"identity":{"methods":null}}}`, `{"auth":{"identity":{"methods":"password"}}}`, `{"auth":{"identity":{"methods":[7]}}}`,
		} {
			r := w.ask(t, 400, body)
			require.Contains(t, r.Member("error")["message"], "auth", body)
		}
	})
	t.Run("T-010_a_method_without_its_member", func(t *testing.T) {
		for _, method := range []string{"password", "token", "totp", "whatever"} {
			r := w.ask(t, 400, identity(object{"methods": []string{method}}))
			require.Contains(t, r.Member("error")["message"], method)
		}
	})
	t.Run("T-011_C-009_an_unknown_method", func(t *testing.T) {
		for _, method := range []string{"totp", "external", "mapped", "whatever"} {
			r := w.ask(t, 401, identity(object{"methods": []string{method}, method: object{}}))
			require.Equal(t, object{"methods": []any{"password", "token", "oauth1"}}, r.Member("error")["identity"])
		}
		r := w.ask(t, 401, identity(object{"methods": []string{}}))
		require.Equal(t, object{"methods": []any{"password", "token", "oauth1"}}, r.Member("error")["identity"])
	})
	t.Run("T-012_a_token_without_id", func(t *testing.T) {
		w.ask(t, 400, identity(object{"methods": []string{"token"}, "token": object{}}))
		w.ask(t, 400, identity(object{"methods": []string{"token"}, "token": object{"id": nil}}))
	})
	t.Run("T-013_T-014_for_a_project", func(t *testing.T) {
		for _, scope := range []object{
			{"project": object{"id": w.web}},
			{"project": object{"name": "web", "domain": defaultDomain}}, {"project": object{"name": "web", "domain": object{"name": "Default"}}},
			{"project": object{"id": w.shop, "name": "web", "domain": defaultDomain}},
		} {
			shown := w.ask(t, 201, ada.by(scope)).token()
			require.ElementsMatch(t, []string{
				"methods", "user", "audit_ids", "expires_at", "issued_at", "project", "is_domain", "roles", "catalog",
			}, members(shown))
			require.Equal(t, object{"id": w.web, "name": "web", "domain": object{"id": "default", "name": "Default"}}, shown["project"])
			require.Equal(t, false, shown["is_domain"])
			require.ElementsMatch(t, []string{"member", "reader"}, names(t, shown["roles"]))
			require.Equal(t, "2031-03-01T09:00:00.000000Z", shown["issued_at"])
			require.Equal(t, "2031-03-01T10:00:00.000000Z", shown["expires_at"])
		}
	})
	t.Run("T-015_a_project_name_without_domain", func(t *testing.T) {
		w.ask(t, 400, ada.by(object{"project": object{"name": "web"}}))
		w.ask(t, 400, ada.by(object{"project": object{"name": "web", "domain": object{}}}))
	})
	t.Run("T-016_an_empty_scope_object", func(t *testing.T) {
		for _, kind := range []string{"project", "domain", "OS-TRUST:trust"} {
			w.ask(t, 400, ada.by(object{kind: object{}}))
		}
	})
	t.Run("T-017_a_project_that_is_not_hers", func(t *testing.T) {
		off := w.make(t, "project", object{"name": "off"})
		closed := w.make(t, "domain", object{"name": "Closing"})
		inside := w.make(t, "project", object{"name": "inside", "domain_id": closed})
		w.grant(t, "users/"+ada.id, grant{"member", onProject(off)})
		w.grant(t, "users/"+ada.id, grant{"member", onProject(inside)})
		w.ask(t, 201, ada.by(service.OnProject(off)))
		w.ask(t, 201, ada.by(service.OnProject(inside)))
		w.patch(t, "project", off, object{"enabled": false})
		w.patch(t, "domain", closed, object{"enabled": false})
		for _, id := range []string{"unknown", off, inside, w.lab} {
			same(t, w.ask(t, 401, ada.by(service.OnProject(id))))
		}
		same(t, w.ask(t, 401, ada.by(object{"project": object{"name": "unknown", "domain": defaultDomain}})))
		same(t, w.ask(t, 401, ada.by(object{"project": object{"name": "web", "domain": object{"name": "nowhere"}}})))
	})
	t.Run("T-018_a_domain_as_a_project", func(t *testing.T) {
		same(t, w.ask(t, 401, ada.by(service.OnProject(w.research))))
	})
	t.Run("T-019_for_a_domain", func(t *testing.T) {
		for _, scope := range []object{{"domain": object{"id": w.research}}, {"domain": object{"name": "Research"}}} {
			shown := w.ask(t, 201, ada.by(scope)).token()
			require.ElementsMatch(t, []string{
				"methods", "user", "audit_ids", "expires_at", "issued_at", "domain", "roles", "catalog",
			}, members(shown))
			require.Equal(t, object{"id": w.research, "name": "Research"}, shown["domain"])
			require.Equal(t, []string{"reader"}, names(t, shown["roles"]))
		}
	})
	t.Run("T-020_a_domain_that_is_not_hers", func(t *testing.T) {
		off := w.make(t, "domain", object{"name": "Off"})
		w.grant(t, "users/"+ada.id, grant{"member", onDomain(off)})
		w.ask(t, 201, ada.by(service.OnDomain(off)))
		w.patch(t, "domain", off, object{"enabled": false})
		for _, id := range []string{"unknown", off, "default"} {
			same(t, w.ask(t, 401, ada.by(service.OnDomain(id))))
		}
		same(t, w.ask(t, 401, ada.by(object{"domain": object{"name": "unknown"}})))
	})
	t.Run("T-021_for_the_system", func(t *testing.T) {
		group := w.make(t, "group", object{"name": "operators"})
		member := w.person(t)
		w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+member.id, nil)
		w.grant(t, "groups/"+group, grant{"member", onSystem})
		for p, roles := range map[person][]string{operator: {"reader"}, member: {"member", "reader"}} {
			shown := w.ask(t, 201, p.by(service.OnSystem())).token()
			require.ElementsMatch(t, []string{
				"methods", "user", "audit_ids", "expires_at", "issued_at", "system", "roles", "catalog",
			}, members(shown))
			require.Equal(t, object{"all": true}, shown["system"])
			require.ElementsMatch(t, roles, names(t, shown["roles"]))
		}
	})
	t.Run("T-022_no_role_on_the_system", func(t *testing.T) { same(t, w.ask(t, 401, ada.by(service.OnSystem()))) })
	t.Run("T-023_T-024_system_that_is_not_true", func(t *testing.T) {
		for _, system := range []any{object{}, object{"all": false}, object{"all": "yes"}, object{"all": nil}, object{"all": 1}, "all"} {
			w.ask(t, 400, operator.by(object{"system": system}))
		}
	})
	t.Run("T-025_not_one_kind", func(t *testing.T) {
		both := object{"project": object{"id": w.web}, "domain": object{"id": w.research}}
		for _, scope := range []any{both, object{}, object{"project": nil}, []any{}, 7, true} {
			w.ask(t, 400, ada.by(scope))
		}
		w.ask(t, 400, `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"`+ada.id+`","password":"`+ada.password+`"}}},"scope":null}}`)
	})
	homely := w.person(t, grant{"member", onProject(w.web)})
	w.patch(t, "user", homely.id, object{"default_project_id": w.web})
	t.Run("T-026_unscoped_on_request", func(t *testing.T) {
		for _, scope := range []any{"unscoped", object{"unscoped": object{}}} {
			require.NotContains(t, w.ask(t, 201, homely.by(scope)).token(), "project")
		}
	})
	t.Run("T-027_another_string", func(t *testing.T) {
		for _, scope := range []any{"", "unscope", "UNSCOPED", "project", "unscoped "} {
			w.ask(t, 400, homely.by(scope))
		}
	})
	t.Run("T-028_the_default_project", func(t *testing.T) {
		shown := w.ask(t, 201, homely.by(nil)).token()
		require.Equal(t, w.web, shown["project"].(object)["id"])
		require.Contains(t, shown, "catalog")
		for _, unusable := range []string{"unknown", w.lab, w.research} { // silently none
			w.patch(t, "user", homely.id, object{"default_project_id": unusable})
			require.NotContains(t, w.ask(t, 201, homely.by(nil)).token(), "project", unusable)
		}
	})
	t.Run("T-030_trust_and_project", func(t *testing.T) {
		w.ask(t, 400, ada.by(object{"OS-TRUST:trust": object{"id": "x"}, "project": object{"id": w.web}}))
	})
	t.Run("T-031_without_catalog", func(t *testing.T) {
		for _, query := range []string{"?nocatalog", "?nocatalog=0", "?nocatalog=true"} {
			shown := w.do(t, 201, "POST", "/v3/auth/tokens"+query, "", ada.by(service.OnProject(w.web))).token()
			require.ElementsMatch(t, []string{
				"methods", "user", "audit_ids", "expires_at", "issued_at", "project", "is_domain", "roles",
			}, members(shown))
		}
	})
	t.Run("T-032_times_and_audit_ids", func(t *testing.T) {
		shown := w.ask(t, 201, ada.by(nil)).token()
		require.Regexp(t, wireTime, shown["issued_at"])
		require.Regexp(t, wireTime, shown["expires_at"])
		require.Len(t, shown["audit_ids"], 1)
		require.Regexp(t, auditID, shown["audit_ids"].([]any)[0])
	})
	t.Run("T-035_somebody_elses_token_beside", func(t *testing.T) {
		other := w.login(t, operator, service.OnSystem())
		for _, beside := range []string{other, "garbage"} {
			r := w.do(t, 201, "POST", "/v3/auth/tokens", beside, ada.by(service.OnProject(w.web)))
			require.Equal(t, ada.id, r.token()["user"].(object)["id"])
			require.Equal(t, []any{"password"}, r.token()["methods"])
		}
	})
}

func TestIssueByTrust(t *testing.T) {
	w := newWorld(t)
	t.Run("T-029_a_trust_that_does_not_stand", func(t *testing.T) {
		_, id, trustor, trustee := w.entrusted(t, nil)
		w.ask(t, 401, trustee.by(service.ByTrust("unknown")))
		w.ask(t, 401, trustee.by(service.ByTrust("0123456789abcdef0123456789abcdef")))
		w.as(t, 204, "DELETE", "/v3/OS-TRUST/trusts/"+id, nil)
		w.ask(t, 401, trustee.by(service.ByTrust(id)))

		token := w.login(t, trustor, service.OnProject(w.web))
		once := w.trust(t, trustor, trustee, token, object{"remaining_uses": 1})
		w.ask(t, 201, trustee.by(service.ByTrust(once)))
		w.ask(t, 401, trustee.by(service.ByTrust(once)))

		soon := w.trust(t, trustor, trustee, token, object{"expires_at": "2031-03-01T09:10:00.000000Z"})
		shown := w.ask(t, 201, trustee.by(service.ByTrust(soon))).token()
		require.Equal(t, "2031-03-01T09:10:00.000000Z", shown["expires_at"], "a token never outlives its trust")
		w.clock.Advance(11 * time.Minute)
		w.ask(t, 401, trustee.by(service.ByTrust(soon)))
	})
}

// TestIssueRoles: what a token shows is what is held, however it is held.
func TestIssueRoles(t *testing.T) {
	w := newWorld(t)
	t.Run("T-033_by_groups_from_above_and_implied", func(t *testing.T) {
		p := w.person(t, grant{"reader", onProject(w.web)})
		for _, name := range []string{"a", "b", "c"} {
			group := w.make(t, "group", object{"name": name})
			w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+p.id, nil)
			w.roles["of-"+name] = w.make(t, "role", object{"name": "of-" + name})
			w.grant(t, "groups/"+group, grant{"of-" + name, onProject(w.web)})
			w.grant(t, "groups/"+group, grant{"reader", onProject(w.web)})
		}
		w.roles["handed-down"] = w.make(t, "role", object{"name": "handed-down"})
		w.grant(t, "users/"+p.id, grant{"handed-down", "domains/default#below"})
		group := w.make(t, "group", object{"name": "heirs"})
		w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+p.id, nil)
		w.roles["inherited"] = w.make(t, "role", object{"name": "inherited"})
		w.grant(t, "groups/"+group, grant{"inherited", "domains/default#below"})
		w.as(t, 201, "PUT", "/v3/roles/"+w.roles["of-a"]+"/implies/"+w.roles["manager"], nil)

		want := []string{"of-a", "of-b", "of-c", "handed-down", "inherited", "manager", "member", "reader"}
		r := w.ask(t, 201, p.by(service.OnProject(w.web)))
		require.ElementsMatch(t, want, names(t, r.token()["roles"]))
		for _, role := range r.token()["roles"].([]any) {
			require.ElementsMatch(t, []string{"id", "name"}, members(role.(object)))
			require.Equal(t, w.roles[role.(object)["name"].(string)], role.(object)["id"])
		}
		require.ElementsMatch(t, want, names(t, w.validate(t, 200, r.subject()).token()["roles"]))
		only := w.ask(t, 201, p.by(service.OnProject(w.shop)))
		require.ElementsMatch(t, []string{"handed-down", "inherited"}, names(t, only.token()["roles"]))
	})
	t.Run("T-034_a_role_of_a_domain_counts_for_what_it_implies", func(t *testing.T) {
		p := w.person(t)
		w.roles["of-domain"] = w.make(t, "role", object{"name": "of-domain", "domain_id": "default"})
		w.as(t, 201, "PUT", "/v3/roles/"+w.roles["of-domain"]+"/implies/"+w.roles["member"], nil)
		w.grant(t, "users/"+p.id, grant{"of-domain", onProject(w.web)})
		r := w.ask(t, 201, p.by(service.OnProject(w.web)))
		require.ElementsMatch(t, []string{"member", "reader"}, names(t, r.token()["roles"]))
	})
}
