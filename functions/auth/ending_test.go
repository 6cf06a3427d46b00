package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/test/service"
)

// TestEnding: what ends a token ends it with the answer; what is put back revives it only
// where the contract says so.
func TestEnding(t *testing.T) {
	w := newWorld(t)
	project := service.OnProject(w.web)
	member := grant{"member", onProject(w.web)}

	t.Run("T-100_another_password", func(t *testing.T) {
		p := w.person(t, member)
		before := w.login(t, p, project)
		derived := w.turn(t, before, "unscoped")
		w.patch(t, "user", p.id, object{"password": "set by the administrator"})
		w.dead(t, before)
		w.dead(t, derived)
		p.password = "set by the administrator"
		again := w.login(t, p, project)
		w.do(t, 204, "POST", "/v3/users/"+p.id+"/password", again, object{"user": object{"original_password": p.password, "password": "her own"}})
		w.dead(t, again)
	})
	t.Run("T-100_also_of_trustor_and_trustee", func(t *testing.T) {
		for _, who := range []string{"trustor", "trustee"} {
			token, id, trustor, trustee := w.entrusted(t, nil)
			p := map[string]person{"trustor": trustor, "trustee": trustee}[who]
			w.patch(t, "user", p.id, object{"password": "new"})
			w.dead(t, token)
			trustee.password = map[string]string{"trustor": trustee.password, "trustee": "new"}[who]
			w.live(t, w.login(t, trustee, service.ByTrust(id)))
		}
	})
	t.Run("T-101_issued_after_it_in_the_same_second", func(t *testing.T) {
		p := w.person(t, member)
		w.patch(t, "user", p.id, object{"password": "new"})
		p.password = "new"
		w.live(t, w.login(t, p, project))
	})
	t.Run("T-102_user_disabled", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.patch(t, "user", p.id, object{"enabled": false})
		w.dead(t, token)
		w.patch(t, "user", p.id, object{"enabled": true})
		w.dead(t, token)
		w.live(t, w.login(t, p, project))
	})
	t.Run("T-103_project_disabled", func(t *testing.T) {
		id := w.make(t, "project", object{"name": "switched"})
		p := w.person(t, grant{"member", onProject(id)})
		token := w.login(t, p, service.OnProject(id))
		w.patch(t, "project", id, object{"enabled": false})
		w.dead(t, token)
		w.patch(t, "project", id, object{"enabled": true})
		w.live(t, token)
	})
	t.Run("T-104_project_deleted", func(t *testing.T) {
		id := w.make(t, "project", object{"name": "passing"})
		p := w.person(t, grant{"member", onProject(id)})
		scoped, unscoped := w.login(t, p, service.OnProject(id)), w.login(t, p, nil)
		w.as(t, 204, "DELETE", "/v3/projects/"+id, nil)
		w.dead(t, scoped)
		w.live(t, unscoped)
	})
	t.Run("T-105_domain_disabled", func(t *testing.T) {
		id := w.make(t, "domain", object{"name": "switched"})
		inside := w.make(t, "project", object{"name": "inside", "domain_id": id})
		p := w.personIn(t, id)
		guest := w.person(t, grant{"member", onProject(inside)}, grant{"member", onDomain(id)})
		tokens := []string{w.login(t, p, nil), w.login(t, guest, service.OnProject(inside)), w.login(t, guest, service.OnDomain(id))}
		w.patch(t, "domain", id, object{"enabled": false})
		for _, token := range tokens {
			w.dead(t, token)
		}
		w.ask(t, 401, p.by(nil))
		w.patch(t, "domain", id, object{"enabled": true})
		for _, token := range tokens {
			w.live(t, token)
		}
	})
	t.Run("T-106_T-107_roles_unassigned", func(t *testing.T) {
		manager := grant{"reader", onProject(w.web)}
		p := w.person(t, member, manager)
		w.roles["extra"] = w.make(t, "role", object{"name": "extra"})
		extra := grant{"extra", onProject(w.web)}
		w.grant(t, "users/"+p.id, extra)
		scoped, unscoped := w.login(t, p, project), w.login(t, p, nil)
		w.take(t, "users/"+p.id, member)
		w.take(t, "users/"+p.id, manager)
		require.Equal(t, []string{"extra"}, names(t, w.validate(t, 200, scoped).token()["roles"]))
		w.take(t, "users/"+p.id, extra)
		w.dead(t, scoped)
		w.live(t, unscoped)
		w.grant(t, "users/"+p.id, member)
		require.ElementsMatch(t, []string{"member", "reader"}, names(t, w.validate(t, 200, scoped).token()["roles"]), "given back, it lives")
	})
	t.Run("T-108_roles_on_system_and_domain_unassigned", func(t *testing.T) {
		system, domain := grant{"reader", onSystem}, grant{"reader", onDomain(w.research)}
		p := w.person(t, system, domain)
		onSys, onDom := w.login(t, p, service.OnSystem()), w.login(t, p, service.OnDomain(w.research))
		w.take(t, "users/"+p.id, system)
		w.dead(t, onSys)
		w.live(t, onDom)
		w.take(t, "users/"+p.id, domain)
		w.dead(t, onDom)
	})
	t.Run("T-109_role_deleted", func(t *testing.T) {
		w.roles["doomed"] = w.make(t, "role", object{"name": "doomed"})
		doomed := grant{"doomed", onProject(w.web)}
		only, both := w.person(t, doomed), w.person(t, doomed, member)
		first, second := w.login(t, only, project), w.login(t, both, project)
		w.as(t, 204, "DELETE", "/v3/roles/"+w.roles["doomed"], nil)
		w.dead(t, first)
		require.ElementsMatch(t, []string{"member", "reader"}, names(t, w.validate(t, 200, second).token()["roles"]))
	})
	inGroup := func(t *testing.T, name string, people ...person) string {
		t.Helper()
		group := w.make(t, "group", object{"name": name})
		for _, p := range people {
			w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+p.id, nil)
		}
		return group
	}
	t.Run("T-110_grant_of_a_group_deleted", func(t *testing.T) {
		p, own := w.person(t), w.person(t, member)
		group := inGroup(t, "granted", p, own)
		w.grant(t, "groups/"+group, member)
		first, second := w.login(t, p, project), w.login(t, own, project)
		w.take(t, "groups/"+group, member)
		w.dead(t, first)
		w.live(t, second)
	})
	t.Run("T-111_a_group_left", func(t *testing.T) {
		p, stays := w.person(t), w.person(t)
		group := inGroup(t, "left", p, stays)
		w.grant(t, "groups/"+group, member)
		scoped, unscoped, other := w.login(t, p, project), w.login(t, p, nil), w.login(t, stays, nil)
		w.as(t, 204, "DELETE", "/v3/groups/"+group+"/users/"+p.id, nil)
		w.dead(t, scoped)
		w.dead(t, unscoped)
		w.live(t, other)
		w.as(t, 204, "PUT", "/v3/groups/"+group+"/users/"+p.id, nil)
		w.dead(t, scoped)
		w.live(t, w.login(t, p, project))
	})
	t.Run("T-111_a_group_deleted", func(t *testing.T) {
		p, outside := w.person(t, member), w.person(t)
		group := inGroup(t, "deleted", p)
		scoped, unscoped, other := w.login(t, p, project), w.login(t, p, nil), w.login(t, outside, nil)
		w.as(t, 204, "DELETE", "/v3/groups/"+group, nil)
		w.dead(t, scoped)
		w.dead(t, unscoped)
		w.live(t, other)
		again := w.login(t, p, project) // before the cascade comes by
		w.live(t, again)
		w.dead(t, scoped)
		w.Drain()
		w.live(t, again)
		w.dead(t, scoped)
	})
	t.Run("T-112_joined_and_given_more", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		w.grant(t, "users/"+p.id, grant{"manager", onProject(w.web)})
		group := inGroup(t, "joined", p)
		w.grant(t, "groups/"+group, grant{"admin", onProject(w.web)})
		require.ElementsMatch(t, []string{"admin", "manager", "member", "reader"}, names(t, w.validate(t, 200, token).token()["roles"]))
	})
	t.Run("T-113_user_deleted", func(t *testing.T) {
		p := w.person(t, member)
		token := w.login(t, p, project)
		entrusted, _, trustor, _ := w.entrusted(t, nil)
		w.as(t, 204, "DELETE", "/v3/users/"+p.id, nil)
		w.as(t, 204, "DELETE", "/v3/users/"+trustor.id, nil)
		w.dead(t, token)
		w.dead(t, entrusted)
		w.ask(t, 401, p.by(nil))
	})
}
