package directory_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

func TestCatalog(t *testing.T) {
	s := newService(t)
	volume := s.make("services", "service", object{"type": "volume", "name": "cinder", "note": "kept"})
	s.run("D-160_create_service", func(t *testing.T) {
		v := s.as("POST", "/v3/services", object{"service": object{"type": "t"}}, 201).object("service")
		delete(v, "links")
		require.Equal(t, object{"id": v["id"], "type": "t", "name": "", "enabled": true}, v)
		s.make("services", "service", object{"type": "t", "description": "again"})
	})
	s.run("D-161_bad_service", func(t *testing.T) {
		s.as("POST", "/v3/services", object{"service": object{"name": "x"}}, 400)
		s.as("POST", "/v3/services", object{"service": object{"type": "x", "enabled": "yes"}}, 400)
	})
	s.run("D-162_filters", func(t *testing.T) {
		require.Len(t, s.as("GET", "/v3/services?type=t", nil, 200).list("services"), 2)
		require.Equal(t, []string{volume}, ids(s.as("GET", "/v3/services?type=volume&name=cinder", nil, 200).list("services")))
	})
	endpoint := func(attributes object, want int) object {
		t.Helper()
		full := object{"interface": "public", "url": "https://volume.example", "service_id": volume}
		for k, v := range attributes {
			if v == nil {
				delete(full, k)
			} else {
				full[k] = v
			}
		}
		r := s.as("POST", "/v3/endpoints", object{"endpoint": full}, want)
		if want != 201 {
			return nil
		}
		return r.object("endpoint")
	}
	s.run("D-168_regions", func(t *testing.T) {
		r := s.as("POST", "/v3/regions", object{"region": object{"id": "East 1"}}, 201).object("region")
		require.Equal(t, object{"id": "East 1", "description": "", "parent_region_id": nil, "links": object{"self": base + "/v3/regions/East%201"}}, r)
		s.as("GET", "/v3/regions/East%201", nil, 200)
		s.as("POST", "/v3/regions", object{"region": object{"id": "East 1"}}, 409)
		require.Regexp(t, madeID, s.make("regions", "region", object{}))
	})
	s.run("D-164_D-167_endpoints", func(t *testing.T) {
		e := endpoint(object{"region_id": "RegionOne"}, 201)
		require.Equal(t, "RegionOne", e["region"])
		require.Equal(t, true, e["enabled"])
		endpoint(object{"region_id": "RegionOne"}, 201)
		admin := endpoint(object{"interface": "admin"}, 201)
		require.Nil(t, admin["region_id"])
		require.Len(t, s.as("GET", "/v3/endpoints?interface=public&service_id="+volume+"&region_id=RegionOne", nil, 200).list("endpoints"), 2)
		require.Equal(t, "https://moved.example", s.as("PATCH", "/v3/endpoints/"+admin["id"].(string), object{"endpoint": object{"url": "https://moved.example"}}, 200).object("endpoint")["url"])
		s.as("DELETE", "/v3/endpoints/"+admin["id"].(string), nil, 204)
	})
	s.run("D-165_D-166_D-166b_bad_endpoints", func(t *testing.T) {
		for _, wrong := range []object{
			{"interface": "secret"}, {"url": "volume.example"}, {"url": "https://v.example/$(secret)s"}, {"url": "https://v.example/%(project_id)"},
			{"interface": nil}, {"url": nil}, {"service_id": nil}, {"service_id": "nothing"}, {"region_id": "nowhere"},
		} {
			endpoint(wrong, 400)
		}
		endpoint(object{"url": "https://v.example/$(project_id)s/%(user_id)s"}, 201)
		require.Equal(t, "Old", endpoint(object{"region": "Old"}, 201)["region_id"])
		s.as("GET", "/v3/regions/Old", nil, 200)
	})
	s.run("D-169_put_region", func(t *testing.T) {
		s.as("PUT", "/v3/regions/West", object{"region": object{"id": "other"}}, 400)
		s.as("PUT", "/v3/regions/West", object{"region": object{"description": "d"}}, 201)
		s.as("PUT", "/v3/regions/West", object{"region": object{}}, 409)
	})
	s.run("D-170_parents", func(t *testing.T) {
		s.as("POST", "/v3/regions", object{"region": object{"id": "lost", "parent_region_id": "nowhere"}}, 404)
		s.as("POST", "/v3/regions", object{"region": object{"id": "West-1", "parent_region_id": "West"}}, 201)
		s.as("PATCH", "/v3/regions/West", object{"region": object{"parent_region_id": "West-1"}}, 400)
		s.as("PATCH", "/v3/regions/West", object{"region": object{"parent_region_id": "West"}}, 400)
		require.Equal(t, []string{"West-1"}, ids(s.as("GET", "/v3/regions?parent_region_id=West", nil, 200).list("regions")))
	})
	shown := func(token string) map[string][]string {
		found := map[string][]string{}
		for _, v := range s.do("GET", "/v3/auth/catalog", token, nil, 200).list("catalog") {
			found[v["type"].(string)] = []string{}
			for _, e := range v["endpoints"].([]any) {
				found[v["type"].(string)] = append(found[v["type"].(string)], e.(object)["url"].(string))
			}
		}
		return found
	}
	s.run("D-171_in_a_token", func(t *testing.T) {
		require.Contains(t, shown(s.admin)["volume"], "https://v.example/"+s.boot.ProjectID+"/"+s.boot.UserID)
		require.Equal(t, []string{base + "/v3", base + "/v3", base + "/v3"}, shown(s.admin)["identity"])
		off := s.make("services", "service", object{"type": "off", "enabled": false})
		endpoint(object{"service_id": off}, 201)
		require.NotContains(t, shown(s.admin), "off")
		require.Empty(t, shown(s.admin)["t"])
	})
	s.run("D-173_two_regions_one_entry", func(t *testing.T) {
		two := s.make("services", "service", object{"type": "two"})
		endpoint(object{"service_id": two, "region_id": "West"}, 201)
		endpoint(object{"service_id": two, "region_id": "RegionOne"}, 201)
		require.Len(t, shown(s.admin)["two"], 2)
	})
	s.run("D-172_only_with_a_project", func(t *testing.T) {
		s.do("GET", "/v3/auth/catalog", s.login("admin", service.AdminPassword, service.OnSystem()), nil, 403)
	})
	s.run("D-163_deleted_with_endpoints", func(t *testing.T) {
		require.NotEmpty(t, s.as("GET", "/v3/endpoints?service_id="+volume, nil, 200).list("endpoints"))
		s.as("DELETE", "/v3/services/"+volume, nil, 204)
		require.Empty(t, s.as("GET", "/v3/endpoints?service_id="+volume, nil, 200).list("endpoints"))
		require.NotContains(t, shown(s.admin), "volume")
	})
	s.run("D-010_plain_user_reads_regions_only", func(t *testing.T) {
		s.user("ada")
		plain := s.login("ada", "pw", nil)
		s.do("GET", "/v3/regions/"+url.PathEscape("East 1"), plain, nil, 200)
		s.do("GET", "/v3/services", plain, nil, 403)
		s.do("GET", "/v3/services/nothing", plain, nil, 403)
		s.do("POST", "/v3/regions", plain, object{"region": object{}}, 403)
	})
	s.run("D-191_D-195_D-196_bootstrap", func(t *testing.T) {
		require.Equal(t, "keystone", s.as("GET", "/v3/services?type=identity", nil, 200).list("services")[0]["name"])
		require.Len(t, s.as("GET", "/v3/role_assignments?user.id="+s.boot.UserID, nil, 200).list("role_assignments"), 2)
	})
}
