package directory_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/test/service"
)

// credential keeps a credential as the admin and returns its id.
func (s *bench) credential(user, kind string, more object) string {
	s.t.Helper()
	a := object{"type": kind, "blob": "b", "user_id": user}
	for k, v := range more {
		a[k] = v
	}
	return s.make("credentials", "credential", a)
}

func TestCredentials(t *testing.T) {
	s := newService(t)
	ada, bob := s.user("ada"), s.user("bob")
	adas, bobs := s.login("ada", "pw", nil), s.login("bob", "pw", nil)
	s.run("D-180_create", func(t *testing.T) {
		v := s.do("POST", "/v3/credentials", adas, object{"credential": object{"type": "cert", "blob": "x", "user_id": ada}}, 201).object("credential")
		id := v["id"].(string)
		require.Regexp(t, madeID, id)
		require.Equal(t, object{"id": id, "type": "cert", "blob": "x", "user_id": ada, "project_id": nil,
			"links": object{"self": base + "/v3/credentials/" + id}}, v)
		require.Equal(t, v, s.do("GET", "/v3/credentials/"+id, adas, nil, 200).object("credential"))
		require.Equal(t, v, s.as("GET", "/v3/credentials/"+id, nil, 200).object("credential"))
		s.do("HEAD", "/v3/credentials/"+id, adas, nil, 200)
		s.do("GET", "/v3/credentials/"+id, bobs, nil, 403)
		s.do("GET", "/v3/credentials/nobody", bobs, nil, 403)
		s.as("GET", "/v3/credentials/nobody", nil, 404)
		s.do("POST", "/v3/credentials", bobs, object{"credential": object{"type": "cert", "blob": "x", "user_id": ada}}, 403)
		s.as("DELETE", "/v3/credentials/"+id, nil, 204)
	})
	s.run("D-181_what_is_missing", func(t *testing.T) {
		for _, token := range []string{s.admin, adas} {
			for _, body := range []object{
				{"type": "cert", "user_id": ada}, {"blob": "x", "user_id": ada}, {"type": "cert", "blob": "x"}, {},
				{"type": "", "blob": "x", "user_id": ada}, {"type": "cert", "blob": nil, "user_id": ada}, {"type": 7, "blob": "x", "user_id": ada},
			} {
				s.do("POST", "/v3/credentials", token, object{"credential": body}, 400)
			}
		}
		s.as("POST", "/v3/credentials", object{"credential": object{"type": "cert", "blob": "x", "user_id": "nobody"}}, 400)
		s.as("POST", "/v3/credentials", object{"credential": object{"type": "cert", "blob": "x", "user_id": ada, "project_id": "nowhere"}}, 400)
	})
	s.run("D-182_list", func(t *testing.T) {
		cert, totp, other := s.credential(ada, "cert", nil), s.credential(ada, "totp", nil), s.credential(bob, "cert", nil)
		found := func(query, token string) []string {
			return ids(s.do("GET", "/v3/credentials"+query, token, nil, 200).list("credentials"))
		}
		require.ElementsMatch(t, []string{cert, totp, other}, found("", s.admin))
		require.ElementsMatch(t, []string{cert, totp}, found("?user_id="+ada, s.admin))
		require.ElementsMatch(t, []string{cert, other}, found("?type=cert", s.admin))
		require.Equal(t, []string{totp}, found("?type=totp&user_id="+ada, s.admin))
		require.ElementsMatch(t, []string{cert, totp}, found("", adas))
		require.Equal(t, []string{cert}, found("?type=cert", adas))
		require.Empty(t, found("?user_id="+bob, adas))
		require.Equal(t, "b", s.do("GET", "/v3/credentials?type=totp", adas, nil, 200).list("credentials")[0]["blob"])

		cut := s.as("GET", "/v3/credentials?limit=2", nil, 200)
		first := ids(cut.list("credentials"))
		require.Len(t, first, 2)
		require.Equal(t, true, cut.object("")["truncated"])
		require.ElementsMatch(t, []string{cert, totp, other}, append(first, found("?limit=2&marker="+first[1], s.admin)...))
		s.as("GET", "/v3/credentials?marker=nobody", nil, 404)
	})
	s.run("D-183_change_and_delete", func(t *testing.T) {
		project := s.make("projects", "project", object{"name": "keys"})
		id := s.credential(ada, "cert", nil)
		path := "/v3/credentials/" + id
		v := s.do("PATCH", path, adas, object{"credential": object{"blob": "", "type": "ssh", "project_id": project}}, 200).object("credential")
		require.Equal(t, []any{"", "ssh", project, ada}, []any{v["blob"], v["type"], v["project_id"], v["user_id"]})
		require.Equal(t, v, s.do("GET", path, adas, nil, 200).object("credential"))
		s.do("PATCH", path, adas, object{"credential": object{}}, 400)
		s.do("PATCH", path, adas, object{"credential": object{"id": "other"}}, 400)
		s.do("PATCH", path, bobs, object{"credential": object{"blob": "stolen"}}, 403)
		s.do("PATCH", path, adas, object{"credential": object{"user_id": bob}}, 403) // not hers to put there
		s.as("PATCH", path, object{"credential": object{"user_id": "nobody"}}, 400)

		v = s.as("PATCH", path, object{"credential": object{"user_id": bob, "project_id": nil, "blob": "new"}}, 200).object("credential")
		require.Equal(t, []any{"new", bob, nil}, []any{v["blob"], v["user_id"], v["project_id"]})
		require.Contains(t, ids(s.do("GET", "/v3/credentials", bobs, nil, 200).list("credentials")), id)
		require.NotContains(t, ids(s.do("GET", "/v3/credentials", adas, nil, 200).list("credentials")), id)
		s.do("DELETE", path, adas, nil, 403)
		s.do("DELETE", path, bobs, nil, 204)
		s.as("DELETE", path, nil, 404)
		require.NotContains(t, ids(s.as("GET", "/v3/credentials", nil, 200).list("credentials")), id)
	})
	s.run("D-184_sealed_at_rest", func(t *testing.T) {
		id := s.credential(ada, "cert", object{"blob": "plain-as-day"})
		items, err := s.at.Engine.Read(t.Context(), store.Credential(id), store.CredentialList(id), store.CredentialOfUser(ada, id))
		require.NoError(t, err)
		require.Len(t, items, 3)
		for k, i := range items {
			require.NotContains(t, fmt.Sprintf("%s", i), "plain-as-day", k)
			for _, v := range i {
				b, _ := v.([]byte)
				require.NotContains(t, string(b), "plain-as-day", k)
			}
		}
		// It opens in its own item only.
		other := s.credential(bob, "cert", nil)
		require.NoError(t, s.at.Engine.Write(t.Context(), store.NewRequestID(),
			store.Update(store.Credential(other)).Set("blob", items[store.Credential(id)]["blob"])))
		s.as("GET", "/v3/credentials/"+other, nil, 500)
		s.as("DELETE", "/v3/credentials/"+other, nil, 204)
	})
	s.run("D-042_D-071_gone_with_user_and_project", func(t *testing.T) {
		eve := s.user("eve")
		project := s.make("projects", "project", object{"name": "ending"})
		hers, its := s.credential(eve, "cert", object{"project_id": project}), s.credential(ada, "cert", object{"project_id": project})
		s.as("DELETE", "/v3/users/"+eve, nil, 204)
		s.as("GET", "/v3/credentials/"+hers, nil, 404)
		s.as("GET", "/v3/credentials/"+its, nil, 200)
		s.as("DELETE", "/v3/projects/"+project, nil, 204)
		s.as("GET", "/v3/credentials/"+its, nil, 404)
		left := ids(s.as("GET", "/v3/credentials", nil, 200).list("credentials"))
		require.NotContains(t, left, hers)
		require.NotContains(t, left, its)
		s.at.Drain()
		items, err := s.at.Engine.Read(t.Context(), store.Credential(hers), store.CredentialList(hers), store.CredentialOfUser(eve, hers),
			store.CredentialOfProject(project, hers), store.Credential(its), store.CredentialList(its), store.CredentialOfUser(ada, its),
			store.CredentialOfProject(project, its))
		require.NoError(t, err)
		require.Empty(t, items)
	})
	s.run("TR-113_by_a_trust", func(t *testing.T) {
		project := s.make("projects", "project", object{"name": "delegated"})
		s.as("PUT", "/v3/projects/"+project+"/users/"+ada+"/roles/"+s.role("admin"), nil, 204)
		adasOwn := s.login("ada", "pw", onProject(project))
		existing := s.credential(ada, "cert", object{"project_id": project})
		for _, impersonation := range []bool{true, false} {
			trust := s.do("POST", "/v3/OS-TRUST/trusts", adasOwn, object{"trust": object{"trustor_user_id": ada, "trustee_user_id": bob,
				"project_id": project, "impersonation": impersonation, "roles": []object{{"name": "admin"}}}}, 201).object("trust")["id"].(string)
			token := s.login("bob", "pw", service.ByTrust(trust))
			for _, kind := range []string{"cert", "ec2", "totp"} {
				for _, in := range []any{project, s.boot.ProjectID, nil} {
					for _, user := range []string{ada, bob} {
						s.do("POST", "/v3/credentials", token, object{"credential": object{"type": kind, "blob": "x", "user_id": user, "project_id": in}}, 403)
					}
				}
			}
			for _, id := range []string{existing, "nobody"} {
				s.do("GET", "/v3/credentials/"+id, token, nil, 403)
				s.do("PATCH", "/v3/credentials/"+id, token, object{"credential": object{"blob": "y"}}, 403)
				s.do("DELETE", "/v3/credentials/"+id, token, nil, 403)
			}
			for _, query := range []string{"", "?user_id=" + ada, "?user_id=" + bob} {
				require.Empty(t, s.do("GET", "/v3/credentials"+query, token, nil, 200).list("credentials"))
			}
		}
		s.as("GET", "/v3/credentials/"+existing, nil, 200)
	})
}
