package v2

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/token"
	"mandate/test/service"
)

func TestValidate(t *testing.T) {
	w := build(t)
	issued := w.login(t, password("ada", "pw-ada", tenantID(w.web)))
	id := issued.id()
	watcher := w.v3("watcher", "pw-watcher", "default", service.OnProject(w.web))
	for name, caller := range map[string]string{"V2-030_admin": w.Admin(), "V2-030_service": watcher} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, object(issued), object(shown(t, w.get(id, caller))))
		})
	}
	t.Run("V2-030_current_data", func(t *testing.T) {
		w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"name": "lovelace"}})
		assert.Equal(t, "lovelace", shown(t, w.get(id, w.Admin())).part("user")["name"])
		w.Must(http.StatusOK, "PATCH", "/v3/users/"+w.ada, w.Admin(), object{"user": object{"name": "ada"}})
	})
	t.Run("V2-031_HEAD", func(t *testing.T) {
		for _, caller := range []string{w.Admin(), watcher} {
			r := w.Do("HEAD", "/v2.0/tokens/"+id, caller, nil)
			assert.Equal(t, http.StatusOK, r.Status)
			assert.Empty(t, r.Text)
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		}
	})
	t.Run("V2-032_no_caller", func(t *testing.T) {
		refused(t, w.get(id, ""), http.StatusUnauthorized)
		refused(t, w.get(id, "garbage"), http.StatusUnauthorized)
		r := w.Do("HEAD", "/v2.0/tokens/"+id, "", nil)
		assert.Equal(t, http.StatusUnauthorized, r.Status)
		assert.Empty(t, r.Text)
	})
	t.Run("V2-033_plain_member", func(t *testing.T) {
		refused(t, w.get(w.Admin(), id), http.StatusForbidden)
		refused(t, w.get(id, id), http.StatusForbidden) // not even her own
		refused(t, w.get("garbage", id), http.StatusForbidden)
		assert.Equal(t, http.StatusForbidden, w.Do("HEAD", "/v2.0/tokens/"+w.Admin(), id, nil).Status)
	})
	t.Run("V2-035_belongsTo", func(t *testing.T) {
		shown(t, w.get(id+"?belongsTo="+w.web, w.Admin()))
		assert.Equal(t, http.StatusOK, w.Do("HEAD", "/v2.0/tokens/"+id+"?belongsTo="+w.web, w.Admin(), nil).Status)
	})
	t.Run("V2-036_belongsTo_another", func(t *testing.T) {
		for _, of := range []string{w.other, "nothing"} {
			refused(t, w.get(id+"?belongsTo="+of, w.Admin()), http.StatusUnauthorized)
			assert.Equal(t, http.StatusUnauthorized, w.Do("HEAD", "/v2.0/tokens/"+id+"?belongsTo="+of, w.Admin(), nil).Status)
		}
		unscoped := w.login(t, password("ada", "pw-ada", nil)).id()
		refused(t, w.get(unscoped+"?belongsTo="+w.web, w.Admin()), http.StatusUnauthorized)
	})
	t.Run("V2-037_unscoped", func(t *testing.T) {
		unscoped := w.login(t, password("ada", "pw-ada", nil))
		assert.Equal(t, object(unscoped), object(shown(t, w.get(unscoped.id(), w.Admin()))))
	})
	t.Run("V2-041_project_of_another_domain", func(t *testing.T) {
		a := shown(t, w.get(w.v3("ada", "pw-ada", "default", service.OnProject(w.far)), w.Admin()))
		assert.Equal(t, object{"id": w.far, "name": "far", "description": "", "enabled": true}, a.tenant())
	})
	t.Run("V2-041_user_of_another_domain", func(t *testing.T) {
		a := shown(t, w.get(w.v3("eve", "pw-eve", w.elsewhere, service.OnProject(w.far)), w.Admin()))
		assert.Equal(t, object{"id": w.eve, "name": "eve", "username": "eve", "roles": []any{object{"name": "operator"}}, "roles_links": []any{}}, a.part("user"))
	})
	t.Run("V2-043_by_v3", func(t *testing.T) {
		r := w.Must(http.StatusOK, "GET", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", id)
		assert.Equal(t, []any{"password"}, r.Member("token")["methods"])
		assert.Equal(t, issued.audits(), r.Member("token")["audit_ids"])
		assert.Equal(t, issued.part("token")["expires"], r.Member("token")["expires_at"])
		assert.Equal(t, w.web, r.Member("token")["project"].(object)["id"])
	})
	t.Run("C-011_a_slash_at_the_end", func(t *testing.T) { shown(t, w.get(id+"/", w.Admin())) })
	t.Run("V2-034_garbled", func(t *testing.T) {
		refused(t, w.get("garbage", w.Admin()), http.StatusNotFound)
		refused(t, w.get(id[:len(id)-1], w.Admin()), http.StatusNotFound)
		assert.Equal(t, http.StatusNotFound, w.Do("HEAD", "/v2.0/tokens/garbage", w.Admin(), nil).Status)
	})
	t.Run("V2-034_revoked", func(t *testing.T) {
		gone := w.login(t, password("ada", "pw-ada", tenantID(w.web))).id()
		w.Must(http.StatusNoContent, "DELETE", "/v3/auth/tokens", w.Admin(), nil, "X-Subject-Token", gone)
		refused(t, w.get(gone, w.Admin()), http.StatusNotFound)
	})
	t.Run("V2-034_expired", func(t *testing.T) {
		project := w.named(t, "projects", "admin")
		w.ahead.Add(int64(time.Hour))
		admin := w.v3("admin", service.AdminPassword, "default", service.OnProject(project))
		refused(t, w.get(id, admin), http.StatusNotFound)
		refused(t, w.get(id+"?allow_expired=1", admin), http.StatusNotFound)
	})
}

// TestWhatV2CannotSay: the methods of logins that this service does not know are put into
// the token's row, which is what a validation believes.
func TestWhatV2CannotSay(t *testing.T) {
	w := build(t)
	by := func(method string) string {
		issued := w.login(t, password("ada", "pw-ada", tenantID(w.web)))
		audit, err := token.ParseAuditID(issued.audits()[0].(string))
		require.NoError(t, err)
		require.NoError(t, w.Engine.Write(t.Context(), store.NewRequestID(),
			store.Update(store.Token(audit.Hex())).Set("methods", store.NewSet(method))))
		return issued.id()
	}
	system := w.v3("admin", service.AdminPassword, "default", service.OnSystem())
	w.Must(http.StatusNoContent, "PUT", "/v3/domains/default/users/"+w.ada+"/roles/"+w.role, w.Admin(), nil)
	tokens := map[string]string{
		"V2-042_system": system, "V2-042_domain": w.v3("ada", "pw-ada", "default", service.OnDomain("default")),
		"V2-042_oauth1": by("oauth1"), "V2-042_federated": by("mapped"), "V2-042_application_credential": by("application_credential"),
	}
	for name, subject := range tokens {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, http.StatusOK, w.Validate(subject).Status, "it is a good token of v3")
			refused(t, w.get(subject, w.Admin()), http.StatusUnauthorized)
			refused(t, w.get(subject+"/endpoints", w.Admin()), http.StatusUnauthorized)
			assert.Equal(t, http.StatusUnauthorized, w.Do("HEAD", "/v2.0/tokens/"+subject, w.Admin(), nil).Status)
		})
	}
	t.Run("V2-016_a_delegated_token_makes_no_other", func(t *testing.T) {
		refused(t, w.ask(offer(tokens["V2-042_oauth1"], tenantID(w.web))), http.StatusForbidden)
	})
	t.Run("V2-030_a_system_token_may_ask", func(t *testing.T) {
		shown(t, w.get(w.login(t, password("ada", "pw-ada", nil)).id(), system))
	})
	t.Run("V2-050_what_cannot_be_shown_can_be_revoked", func(t *testing.T) {
		w.Must(http.StatusNoContent, "DELETE", "/v2.0/tokens/"+system, w.Admin(), nil)
		assert.Equal(t, http.StatusNotFound, w.Validate(system).Status)
	})
}

func TestRevoke(t *testing.T) {
	w := build(t)
	root := w.login(t, password("ada", "pw-ada", nil)).id()
	derived := w.login(t, offer(root, tenantID(w.web))).id()
	plain := w.login(t, password("bob", "pw-bob", nil)).id()
	t.Run("V2-052_no_caller", func(t *testing.T) {
		refused(t, w.Do("DELETE", "/v2.0/tokens/"+root, "", nil), http.StatusUnauthorized)
	})
	t.Run("V2-050_not_by_a_plain_member", func(t *testing.T) {
		refused(t, w.Do("DELETE", "/v2.0/tokens/"+root, plain, nil), http.StatusForbidden)
		refused(t, w.Do("DELETE", "/v2.0/tokens/garbage", plain, nil), http.StatusForbidden)
		watcher := w.v3("watcher", "pw-watcher", "default", service.OnProject(w.web))
		refused(t, w.Do("DELETE", "/v2.0/tokens/"+root, watcher, nil), http.StatusForbidden)
		shown(t, w.get(root, w.Admin()))
	})
	t.Run("V2-050_gone_for_both", func(t *testing.T) {
		r := w.Must(http.StatusNoContent, "DELETE", "/v2.0/tokens/"+root, w.Admin(), nil)
		assert.Empty(t, r.Text)
		for _, id := range []string{root, derived} {
			refused(t, w.get(id, w.Admin()), http.StatusNotFound)
			assert.Equal(t, http.StatusNotFound, w.Validate(id).Status)
			refused(t, w.Do("GET", "/v2.0/tenants", id, nil), http.StatusUnauthorized)
		}
	})
	t.Run("V2-051_again", func(t *testing.T) {
		refused(t, w.Do("DELETE", "/v2.0/tokens/"+root, w.Admin(), nil), http.StatusNotFound)
	})
	t.Run("V2-051_garbled", func(t *testing.T) {
		refused(t, w.Do("DELETE", "/v2.0/tokens/garbage", w.Admin(), nil), http.StatusNotFound)
	})
	t.Run("V2-056_PUT_and_POST", func(t *testing.T) {
		for _, method := range []string{"PUT", "POST"} {
			r := w.Do(method, "/v2.0/tokens/"+plain, w.Admin(), object{})
			refused(t, r, http.StatusMethodNotAllowed)
			assert.Equal(t, "DELETE, GET, HEAD, OPTIONS", r.Header.Get("Allow"))
			assert.NotContains(t, r.Text, plain)
		}
		refused(t, w.Do("PUT", "/v2.0/tokens", w.Admin(), object{}), http.StatusMethodNotAllowed)
	})
}

func TestRevoked(t *testing.T) {
	w := build(t)
	watcher := w.v3("watcher", "pw-watcher", "default", service.OnProject(w.web))
	plain := w.login(t, password("bob", "pw-bob", nil)).id()
	var gone []access
	for range 2 {
		a := w.login(t, password("ada", "pw-ada", nil))
		w.Must(http.StatusNoContent, "DELETE", "/v2.0/tokens/"+a.id(), w.Admin(), nil)
		w.ahead.Add(int64(time.Second))
		gone = append(gone, a)
	}
	w.Drain()
	entry := func(a access) object { return object{"audit_id": a.audits()[0], "expires": a.part("token")["expires"]} }
	t.Run("V2-057_newest_first", func(t *testing.T) {
		for _, caller := range []string{w.Admin(), watcher} {
			r := w.Must(http.StatusOK, "GET", "/v2.0/tokens/revoked", caller, nil)
			assert.Equal(t, object{
				"revoked": []any{entry(gone[1]), entry(gone[0])},
				"links":   object{"self": service.Base + "/v2.0/tokens/revoked", "next": nil, "previous": nil},
			}, r.Body)
		}
	})
	t.Run("V2-057_paged", func(t *testing.T) {
		r := w.Must(http.StatusOK, "GET", "/v2.0/tokens/revoked?limit=1", w.Admin(), nil)
		assert.Equal(t, []any{entry(gone[1])}, r.Body["revoked"])
		next := r.Member("links")["next"].(string)
		require.Equal(t, service.Base+"/v2.0/tokens/revoked?limit=1&marker="+gone[1].audits()[0].(string), next)
		r = w.Must(http.StatusOK, "GET", next[len(service.Base):], w.Admin(), nil)
		assert.Equal(t, []any{entry(gone[0])}, r.Body["revoked"])
	})
	t.Run("V2-057_others", func(t *testing.T) {
		refused(t, w.get("revoked", plain), http.StatusForbidden)
		refused(t, w.get("revoked", ""), http.StatusUnauthorized)
	})
}

func TestEndpoints(t *testing.T) {
	w := build(t)
	url := service.Base + "/v3"
	storage := w.ID("services", "service", object{"type": "object-store", "name": "swift"})
	second := w.ID("services", "service", object{"type": "object-store", "name": "ceph"})
	w.ID("services", "service", object{"type": "nothing", "name": "without endpoints"})
	w.ID("regions", "region", object{"id": "North"})
	at := func(service, face, region, url string) string {
		return w.ID("endpoints", "endpoint", object{"service_id": service, "interface": face, "region_id": region, "url": url})
	}
	at(storage, "public", "RegionOne", "http://a/%(tenant_id)s")
	at(storage, "admin", "RegionOne", "http://b")
	north := at(second, "internal", "North", "http://c/$(user_id)s")
	scoped := w.login(t, password("ada", "pw-ada", tenantID(w.web)))
	without := func(endpoints []any, names ...string) []any {
		for _, e := range endpoints {
			for _, name := range names {
				require.NotEmpty(t, e.(object)[name])
				delete(e.(object), name)
			}
		}
		return endpoints
	}
	t.Run("V2-053_by_service_and_region", func(t *testing.T) {
		r := w.Must(http.StatusOK, "GET", "/v2.0/tokens/"+scoped.id()+"/endpoints", w.Admin(), nil)
		assert.Equal(t, []any{}, r.Body["endpoints_links"])
		ids := map[any]any{}
		for _, e := range r.Body["endpoints"].([]any) {
			ids[e.(object)["region"].(string)+" "+e.(object)["type"].(string)] = e.(object)["id"]
		}
		assert.Equal(t, north, ids["North object-store"])
		list := without(r.Body["endpoints"].([]any), "id")
		for _, e := range list { // whose name a type shows, when two have it, is decided by ids
			if e.(object)["type"] == "object-store" {
				assert.Contains(t, []any{"swift", "ceph"}, e.(object)["name"])
				delete(e.(object), "name")
			}
		}
		assert.ElementsMatch(t, []any{
			object{"name": "keystone", "type": "identity", "region": "RegionOne", "publicURL": url, "internalURL": url, "adminURL": url},
			object{"type": "object-store", "region": "RegionOne", "publicURL": "http://a/" + w.web, "adminURL": "http://b"},
			object{"type": "object-store", "region": "North", "internalURL": "http://c/" + w.ada},
		}, list)
	})
	t.Run("V2-002_a_service_once_per_type", func(t *testing.T) {
		types := map[any]int{}
		for _, s := range scoped.catalog() {
			types[s.(object)["type"]] = len(s.(object)["endpoints"].([]any))
		}
		assert.Equal(t, map[any]int{"identity": 1, "object-store": 2}, types)
	})
	t.Run("V2-053_unscoped", func(t *testing.T) {
		unscoped := w.login(t, password("ada", "pw-ada", nil)).id()
		r := w.Must(http.StatusOK, "GET", "/v2.0/tokens/"+unscoped+"/endpoints", w.Admin(), nil)
		assert.Equal(t, object{"endpoints": []any{}, "endpoints_links": []any{}}, r.Body)
	})
	t.Run("V2-053_HEAD", func(t *testing.T) {
		assert.Equal(t, http.StatusOK, w.Do("HEAD", "/v2.0/tokens/"+scoped.id()+"/endpoints", w.Admin(), nil).Status)
	})
	t.Run("V2-054_plain_member", func(t *testing.T) {
		refused(t, w.get(scoped.id()+"/endpoints", scoped.id()), http.StatusForbidden)
		watcher := w.v3("watcher", "pw-watcher", "default", service.OnProject(w.web))
		refused(t, w.get(scoped.id()+"/endpoints", watcher), http.StatusForbidden)
	})
	t.Run("V2-055_garbled", func(t *testing.T) {
		refused(t, w.get("garbage/endpoints", w.Admin()), http.StatusNotFound)
	})
	t.Run("V2-055_no_caller", func(t *testing.T) {
		refused(t, w.get(scoped.id()+"/endpoints", ""), http.StatusUnauthorized)
	})
}

func TestTenants(t *testing.T) {
	w := build(t)
	r := w.Must(http.StatusOK, "GET", "/v2.0/tenants", w.login(t, password("ada", "pw-ada", nil)).id(), nil)
	assert.Equal(t, object{"tenants_links": []any{}, "tenants": []any{
		object{"id": w.shut, "name": "shut", "description": "", "enabled": false},
		object{"id": w.web, "name": "web", "description": "the site", "enabled": true},
	}}, r.Body, "those of the default domain")
	t.Run("paged", func(t *testing.T) {
		ada := w.login(t, password("ada", "pw-ada", nil)).id()
		for query, want := range map[string][]string{
			"limit=1": {"shut"}, "limit=1&marker=" + w.shut: {"web"}, "limit=1&marker=" + w.web: {}, "limit=9": {"shut", "web"}, "limit=0": {},
		} {
			names := []string{}
			for _, tenant := range w.Must(http.StatusOK, "GET", "/v2.0/tenants?"+query, ada, nil).Body["tenants"].([]any) {
				names = append(names, tenant.(object)["name"].(string))
			}
			assert.Equal(t, want, names, query)
		}
		for _, query := range []string{"limit=x", "limit=-1", "marker=" + w.far} {
			refused(t, w.Do("GET", "/v2.0/tenants?"+query, ada, nil), http.StatusBadRequest)
		}
	})
	r = w.Must(http.StatusOK, "GET", "/v2.0/tenants", w.login(t, password("bob", "pw-bob", nil)).id(), nil)
	assert.Equal(t, []any{}, r.Body["tenants"])
	refused(t, w.Do("GET", "/v2.0/tenants", "", nil), http.StatusUnauthorized)
}

func TestTheSwitch(t *testing.T) {
	versions := func(s *service.Service) (ids []any) {
		list := s.Must(http.StatusMultipleChoices, "GET", "/", "", nil).Member("versions")["values"].([]any)
		for _, v := range list {
			ids = append(ids, v.(object)["id"])
		}
		return ids
	}
	on := service.New(t)
	t.Run("C-051_listed", func(t *testing.T) {
		assert.Equal(t, []any{"v3.14", "v2.0"}, versions(on))
		list := on.Do("GET", "/", "", nil).Member("versions")["values"].([]any)
		assert.Equal(t, "deprecated", list[1].(object)["status"])
		assert.Equal(t, service.Base+"/v2.0/", list[1].(object)["links"].([]any)[0].(object)["href"])
	})
	t.Run("C-053_described", func(t *testing.T) {
		for _, path := range []string{"/v2.0", "/v2.0/"} {
			v := on.Must(http.StatusOK, "GET", path, "", nil).Member("version")
			assert.Equal(t, "v2.0", v["id"])
			assert.Equal(t, "deprecated", v["status"])
		}
	})
	off := service.New(t, service.WithVariable("V2", "off"))
	t.Run("C-054_switched_off", func(t *testing.T) {
		assert.Equal(t, []any{"v3.14"}, versions(off))
		for _, path := range []string{"/v2.0", "/v2.0/", "/v2.0/tokens/" + off.Admin(), "/v2.0/tokens/" + off.Admin() + "/", "/v2.0/tenants"} {
			for _, method := range []string{"GET", "OPTIONS", "DELETE"} {
				r := off.Do(method, path, off.Admin(), nil)
				refused(t, r, http.StatusNotFound)
				assert.Empty(t, r.Header.Get("Allow"))
				assert.NotContains(t, r.Text, off.Admin())
			}
		}
		refused(t, off.Do("POST", "/v2.0/tokens", "", password("admin", service.AdminPassword, nil)), http.StatusNotFound)
	})
}
