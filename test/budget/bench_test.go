package budget

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"mandate/test/service"
)

// BenchmarkValidate is one validation from HTTP request to HTTP reply through the local
// gateway: event, function, reads from the table in memory, policy, reply. Without a
// socket and without logging.
func BenchmarkValidate(b *testing.B) {
	s := service.New(b, service.WithLog(slog.New(slog.DiscardHandler)))
	project := s.ID("projects", "project", map[string]any{"name": "web"})
	role := s.ID("roles", "role", map[string]any{"name": "operator"})
	ada := s.ID("users", "user", map[string]any{"name": "ada", "password": "pw-ada"})
	bob := s.ID("users", "user", map[string]any{"name": "bob", "password": "pw-bob"})
	s.Must(http.StatusNoContent, "PUT", "/v3/projects/"+project+"/users/"+ada+"/roles/"+role, s.Admin(), nil)
	scoped := s.Login("ada", "pw-ada", service.OnProject(project))
	made := s.Must(http.StatusCreated, "POST", "/v3/OS-TRUST/trusts", scoped, map[string]any{"trust": map[string]any{
		"trustor_user_id": ada, "trustee_user_id": bob, "project_id": project, "impersonation": true,
		"roles": []any{map[string]any{"id": role}},
	}})
	trusted := s.Login("bob", "pw-bob", service.ByTrust(made.Member("trust")["id"].(string)))

	for _, c := range []struct{ name, subject, query string }{
		{"project", scoped, ""}, {"project without catalog", scoped, "?nocatalog"}, {"trust", trusted, ""}, {"garbage", "garbage", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, service.Base+"/v3/auth/tokens"+c.query, nil)
				r.Header.Set("X-Auth-Token", s.Admin())
				r.Header.Set("X-Subject-Token", c.subject)
				s.Handler().ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
