package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// catalogService is a service of a token's catalog, by name.
func catalogService(t *testing.T, shown object, name string) object {
	t.Helper()
	for _, s := range shown["catalog"].([]any) {
		if s.(object)["name"] == name {
			return s.(object)
		}
	}
	return nil
}

func urls(s object) []string {
	found := []string{}
	for _, e := range s["endpoints"].([]any) {
		found = append(found, e.(object)["url"].(string))
	}
	return found
}

func TestBody(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onDomain(w.research)}, grant{"reader", onSystem})
	swift := w.make(t, "service", object{"name": "swift", "type": "object-store"})
	endpoint := func(service, url string, enabled bool) {
		w.make(t, "endpoint", object{"service_id": service, "interface": "public", "url": url, "enabled": enabled, "region_id": "RegionOne"})
	}
	endpoint(swift, "https://obj.example/plain", true)
	endpoint(swift, "https://obj.example/off", false)
	endpoint(swift, "https://obj.example/v1/AUTH_$(project_id)s", true)
	endpoint(swift, "https://obj.example/v1/%(tenant_id)s/of/$(user_id)s", true)
	hidden := w.make(t, "service", object{"name": "hidden", "type": "hidden", "enabled": false})
	endpoint(hidden, "https://hidden.example", true)
	w.make(t, "service", object{"name": "bare", "type": "bare"})

	t.Run("T-080_T-081_of_a_project", func(t *testing.T) {
		shown := w.ask(t, 201, ada.by(service.OnProject(w.web))).token()
		require.ElementsMatch(t, []string{
			"https://obj.example/plain", "https://obj.example/v1/AUTH_" + w.web, "https://obj.example/v1/" + w.web + "/of/" + ada.id,
		}, urls(catalogService(t, shown, "swift")))
		require.Nil(t, catalogService(t, shown, "hidden"))
		require.Empty(t, catalogService(t, shown, "bare")["endpoints"])
	})
	t.Run("T-082_where_there_is_no_project", func(t *testing.T) {
		for _, scope := range []object{service.OnDomain(w.research), service.OnSystem()} {
			shown := w.ask(t, 201, ada.by(scope)).token()
			require.Equal(t, []string{"https://obj.example/plain"}, urls(catalogService(t, shown, "swift")))
		}
	})
	t.Run("T-083_unscoped", func(t *testing.T) {
		require.NotContains(t, w.ask(t, 201, ada.by(nil)).token(), "catalog")
	})
	common := []string{"methods", "user", "audit_ids", "expires_at", "issued_at"}
	t.Run("T-084_no_other_members", func(t *testing.T) {
		entrusted, trust, trustor, trustee := w.entrusted(t, object{"allow_redelegation": true})
		third := w.person(t)
		again := w.trust(t, trustor, third, entrusted, nil)
		for _, c := range []struct {
			name  string
			shown object
			want  []string
		}{
			{"unscoped", w.ask(t, 201, ada.by(nil)).token(), nil},
			{"project", w.ask(t, 201, ada.by(service.OnProject(w.web))).token(), []string{"project", "is_domain", "roles", "catalog"}},
			{"domain", w.ask(t, 201, ada.by(service.OnDomain(w.research))).token(), []string{"domain", "roles", "catalog"}},
			{"system", w.ask(t, 201, ada.by(service.OnSystem())).token(), []string{"system", "roles", "catalog"}},
			{"trust", w.validate(t, 200, entrusted).token(), []string{"project", "roles", "catalog", "OS-TRUST:trust"}},
			{"redelegated", w.ask(t, 201, third.by(service.ByTrust(again))).token(), []string{"project", "roles", "catalog", "OS-TRUST:trust"}},
		} {
			require.ElementsMatch(t, append(append([]string{}, common...), c.want...), members(c.shown), c.name)
			require.ElementsMatch(t, []string{"id", "name", "domain", "password_expires_at"}, members(c.shown["user"].(object)))
			if project, ok := c.shown["project"].(object); ok {
				require.ElementsMatch(t, []string{"id", "name", "domain"}, members(project))
				s := catalogService(t, c.shown, "swift")
				require.ElementsMatch(t, []string{"id", "type", "name", "endpoints"}, members(s))
				for _, e := range s["endpoints"].([]any) {
					require.ElementsMatch(t, []string{"id", "interface", "region", "region_id", "url"}, members(e.(object)))
				}
			}
			switch c.name {
			case "trust":
				require.Equal(t, object{
					"id": trust, "impersonation": true, "trustor_user": object{"id": trustor.id}, "trustee_user": object{"id": trustee.id},
				}, c.shown["OS-TRUST:trust"])
				require.Equal(t, trustor.id, c.shown["user"].(object)["id"])
			case "redelegated":
				require.Equal(t, object{
					"id": again, "impersonation": true, "trustor_user": object{"id": trustor.id}, "trustee_user": object{"id": third.id},
					"redelegated_trust_id": trust, "redelegation_count": c.shown["OS-TRUST:trust"].(object)["redelegation_count"],
				}, c.shown["OS-TRUST:trust"])
			}
		}
	})
}

func TestReach(t *testing.T) {
	w := newWorld(t)
	ada := w.person(t, grant{"member", onProject(w.web)}, grant{"reader", onProject(w.lab)}, grant{"reader", onSystem})
	plain, domainer := w.person(t), w.person(t, grant{"reader", onDomain(w.research)})
	group := w.make(t, "group", object{"name": "shoppers"})
	w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+ada.id, nil)
	w.grant(t, "groups/"+group, grant{"reader", onProject(w.shop)})
	unscoped, scoped := w.login(t, ada, nil), w.login(t, ada, service.OnProject(w.web))
	links := func(path string) object { return object{"self": service.Base + path, "next": nil, "previous": nil} }
	self := func(path string) object { return object{"self": service.Base + path} }

	t.Run("T-090_T-098_projects", func(t *testing.T) {
		for _, token := range []string{unscoped, scoped, w.login(t, ada, service.OnSystem())} {
			for _, path := range []string{"/v3/auth/projects", "/v3/OS-FEDERATION/projects"} {
				r := w.do(t, 200, "GET", path, token, nil)
				found := r.list(t, "projects")
				require.ElementsMatch(t, []string{"web", "lab", "shop"}, names(t, r.Body["projects"]))
				for _, p := range found {
					require.ElementsMatch(t, []string{
						"id", "name", "domain_id", "description", "enabled", "parent_id", "is_domain", "tags", "options", "links",
					}, members(p))
				}
				require.Equal(t, links(path), r.Body["links"])
			}
		}
		entrusted, _, trustor, _ := w.entrusted(t, nil)
		w.grant(t, "users/"+trustor.id, grant{"reader", onProject(w.shop)})
		r := w.do(t, 200, "GET", "/v3/auth/projects", entrusted, nil)
		require.ElementsMatch(t, []string{"web", "shop"}, names(t, r.Body["projects"]), "of the acting user")
	})
	t.Run("T-091_domains", func(t *testing.T) {
		for _, path := range []string{"/v3/auth/domains", "/v3/OS-FEDERATION/domains"} {
			r := w.do(t, 200, "GET", path, unscoped, nil)
			require.Equal(t, []any{}, r.Body["domains"])
			require.Equal(t, links(path), r.Body["links"])
			r = w.do(t, 200, "GET", path, w.login(t, domainer, nil), nil)
			require.Equal(t, []string{"Research"}, names(t, r.Body["domains"]))
		}
	})
	t.Run("T-092_T-093_system", func(t *testing.T) {
		require.Equal(t, object{"system": []any{}, "links": self("/v3/auth/system")},
			w.do(t, 200, "GET", "/v3/auth/system", w.login(t, plain, nil), nil).Body)
		require.Equal(t, object{"system": []any{object{"all": true}}, "links": self("/v3/auth/system")},
			w.do(t, 200, "GET", "/v3/auth/system", unscoped, nil).Body)
	})
	t.Run("T-094_catalog", func(t *testing.T) {
		entrusted, _, _, _ := w.entrusted(t, nil)
		for _, token := range []string{scoped, entrusted} {
			r := w.do(t, 200, "GET", "/v3/auth/catalog", token, nil)
			require.Equal(t, w.validate(t, 200, token).token()["catalog"], r.Body["catalog"])
			require.Equal(t, self("/v3/auth/catalog"), r.Body["links"])
			require.NotEmpty(t, r.Body["catalog"])
		}
	})
	t.Run("T-095_no_catalog_without_a_project", func(t *testing.T) {
		for _, token := range []string{unscoped, w.login(t, ada, service.OnSystem()), w.login(t, domainer, service.OnDomain(w.research))} {
			w.do(t, 403, "GET", "/v3/auth/catalog", token, nil)
		}
	})
	t.Run("T-096_T-097_head_and_nobody", func(t *testing.T) {
		for _, path := range []string{"auth/projects", "auth/domains", "auth/system", "auth/catalog", "OS-FEDERATION/projects", "OS-FEDERATION/domains"} {
			get, head := w.do(t, 200, "GET", "/v3/"+path, scoped, nil), w.do(t, 200, "HEAD", "/v3/"+path, scoped, nil)
			for _, name := range []string{"Content-Type", "Content-Length", "Vary"} {
				require.Equal(t, get.Header.Get(name), head.Header.Get(name))
			}
			w.do(t, 401, "GET", "/v3/"+path, "", nil)
			w.do(t, 401, "HEAD", "/v3/"+path, "", nil)
		}
		w.do(t, 403, "HEAD", "/v3/auth/catalog", unscoped, nil)
	})
}
