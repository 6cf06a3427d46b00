package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/policy"
)

func BenchmarkDecide(b *testing.B) {
	engine, err := policy.New(policy.SelfService)
	require.NoError(b, err)
	service := policy.Caller{
		UserID: "u1", SubjectID: "u1", Scope: policy.ProjectScoped, ProjectID: "p1", ProjectDomainID: "default",
		Roles: []string{"service"}, Methods: []string{"password"},
	}
	admin := service
	admin.Roles = []string{"admin", "manager", "member", "reader"}
	for _, c := range []struct {
		name, action string
		caller       policy.Caller
		resource     policy.Resource
	}{
		{"validate_by_service", "identity:validate_token", service, policy.Token{SubjectID: "u2"}},
		{"validate_by_admin", "identity:validate_token", admin, policy.Token{SubjectID: "u2"}},
		{"create_trust", "identity:create_trust", admin, policy.Trust{TrustorID: "u1", TrusteeID: "u2"}},
		{"create_grant", "identity:create_grant", admin, policy.Grant{Role: "member", ActorDomain: "default", TargetDomain: "default"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := engine.Decide(c.action, c.caller, c.resource); !ok || err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
