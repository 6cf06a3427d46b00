package trusts_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/store"
	"mandate/shared/store/faults"
	"mandate/shared/store/tear"
	"mandate/test/service"
)

const stamp = "2006-01-02T15:04:05.000000Z"

// TestCreateTrust_body is the schema: what is wrong with a body is said with the
// attribute's name, before policy is asked, and nothing is made.
func TestCreateTrust_body(t *testing.T) {
	w := newWorld(t)
	token := w.login("ada", w.ada, w.scope())
	without := func(name string) object {
		b := w.trust()
		delete(b["trust"].(object), name)
		return b
	}
	with := func(name string, v any) object { return w.trust(object{name: v}) }
	role := func(v any) object { return with("roles", []any{v}) }
	for _, c := range []struct {
		name, names string
		body        any
	}{
		{"TR-006 a role by id and name", "trust.roles.0", role(object{"id": w.member, "name": "member"})},
		{"TR-006 a role by nothing", "trust.roles.0", role(object{})},
		{"TR-006 a role by something else", "trust.roles.0", role(object{"id": w.member, "color": "red"})},
		{"TR-006 a role by an empty id", "trust.roles.0", role(object{"id": ""})},
		{"TR-006 a role that is null", "trust.roles.0", role(nil)},
		{"TR-006 a role that is a text", "trust.roles.0", role(w.member)},
		{"TR-006 roles null", "trust.roles", with("roles", nil)},
		{"TR-006 roles an object", "trust.roles", with("roles", object{})},
		{"TR-014 no trustor", "trust.trustor_user_id", without("trustor_user_id")},
		{"TR-014 no trustee", "trust.trustee_user_id", without("trustee_user_id")},
		{"TR-014 no impersonation", "trust.impersonation", without("impersonation")},
		{"TR-014 the trustor is a number", "trust.trustor_user_id", with("trustor_user_id", 7)},
		{"TR-014 a trustee of 65 characters", "trust.trustee_user_id", with("trustee_user_id", strings.Repeat("a", 65))},
		{"TR-015 impersonation as text", "trust.impersonation", with("impersonation", "true")},
		{"TR-015 impersonation null", "trust.impersonation", with("impersonation", nil)},
		{"TR-018 {}", "trust", "{}"},
		{"TR-018 trust null", "trust", `{"trust": null}`},
		{"TR-018 trust {}", "trust", `{"trust": {}}`},
		{"TR-018 trust an array", "trust", `{"trust": []}`},
		{"TR-018 a member beside it", "the body", func() object { b := w.trust(); b["more"] = 1; return b }()},
		{"TR-018 a member twice", "trust", `{"trust": {"impersonation": true, "impersonation": false}}`},
		{"TR-020 expires_at empty", "trust.expires_at", with("expires_at", "")},
		{"TR-020 expires_at bad", "trust.expires_at", with("expires_at", "bad")},
		{"TR-020 expires_at Z", "trust.expires_at", with("expires_at", "Z")},
		{"TR-020 expires_at a number", "trust.expires_at", with("expires_at", 4_000_000_000)},
		{"TR-020 the 31st of June", "trust.expires_at", with("expires_at", "2099-06-31T00:00:00Z")},
		{"TR-022 an offset", "trust.expires_at", with("expires_at", "2099-06-01T00:00:00+02:00")},
		{"TR-022 a date alone", "trust.expires_at", with("expires_at", "2099-06-01")},
		{"TR-023 no uses", "trust.remaining_uses", with("remaining_uses", 0)},
		{"TR-023 fewer", "trust.remaining_uses", with("remaining_uses", -1)},
		{"TR-023 uses as text", "trust.remaining_uses", with("remaining_uses", "3")},
		{"TR-023 a fraction", "trust.remaining_uses", with("remaining_uses", 7.2)},
		{"TR-023 true", "trust.remaining_uses", with("remaining_uses", true)},
		{"TR-023 beyond 64 bits", "trust.remaining_uses", `{"trust": {"remaining_uses": 9223372036854775808}}`},
		{"TR-031 allow_redelegation as text", "trust.allow_redelegation", with("allow_redelegation", "yes")},
		{"TR-044 a negative count", "trust.redelegation_count", with("redelegation_count", -1)},
		{"TR-044 a count as text", "trust.redelegation_count", with("redelegation_count", "1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.Do("POST", "/v3/OS-TRUST/trusts", token, c.body)
			require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Text)
			assert.Contains(t, r.Body["error"].(object)["message"], c.names)
			r = w.Do("POST", "/v3/OS-TRUST/trusts", "", c.body)
			assert.Equal(t, http.StatusUnauthorized, r.Status, "TR-017: who calls is asked first")
		})
	}
	r := w.Do("GET", "/v3/OS-TRUST/trusts?trustor_user_id="+w.ada, token, nil)
	assert.Empty(t, r.Body["trusts"])
}

func TestCreateTrust_TR_021_times(t *testing.T) {
	w := newWorld(t)
	token := w.login("ada", w.ada, w.scope())
	for _, given := range []string{"2099-06-01T10:00:00", "2099-06-02T10:00:00Z", "2099-06-03T10:00:00.75Z", "2099-06-04T10:00:00.999999"} {
		r := w.Do("POST", "/v3/OS-TRUST/trusts", token, w.trust(object{"expires_at": given}))
		require.Equal(t, http.StatusCreated, r.Status, "%s", r.Text)
		assert.Equal(t, given[:19]+".000000Z", r.Body["trust"].(object)["expires_at"])
	}
}

// TestCreateTrust_ignores what the server owns and what nobody knows.
func TestCreateTrust_ignores(t *testing.T) {
	w := newWorld(t)
	token := w.login("ada", w.ada, w.scope())
	r := w.Do("POST", "/v3/OS-TRUST/trusts", token, w.trust(object{
		"id": "mine", "deleted_at": "2020-01-01T00:00:00Z", "redelegated_trust_id": "nope", "links": object{"self": "x"},
		"roles_links": 7, "color": "red", "project_id": "", "roles": []any{}, "remaining_uses": nil, "allow_redelegation": nil,
	}))
	require.Equal(t, http.StatusCreated, r.Status, "%s", r.Text)
	made := r.Body["trust"].(object)
	id := made["id"].(string)
	assert.Equal(t, object{
		"id": id, "trustor_user_id": w.ada, "trustee_user_id": w.bob, "project_id": nil, "impersonation": true,
		"expires_at": nil, "remaining_uses": nil, "deleted_at": nil, "redelegated_trust_id": nil, "redelegation_count": 0.0,
		"roles":       []any{},
		"roles_links": object{"self": "http://identity.test/v3/OS-TRUST/trusts/" + id + "/roles", "next": nil, "previous": nil},
		"links":       object{"self": "http://identity.test/v3/OS-TRUST/trusts/" + id},
	}, made)
}

// TestCosts holds the operations to the round trips and units of design.md section 5 and
// says what they are.
func TestCosts(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.login("ada", w.ada, w.scope()), w.login("bob", w.bob, nil)
	eve := w.login("eve", w.eve, nil)
	redelegatable := object{"allow_redelegation": true, "expires_at": time.Now().Add(time.Hour).Format(stamp)}
	first := w.create(ada, w.trust(redelegatable))
	ofFirst := w.tokenOf(first, bob)
	second := w.create(ofFirst, w.trust(redelegatable, object{"trustee_user_id": w.eve}))
	ofSecond := w.tokenOf(second, eve)
	third := w.create(ofSecond, w.trust(object{"expires_at": time.Now().Add(time.Minute).Format(stamp)}))
	ofThird := w.tokenOf(third, bob)
	spare := w.create(ada, w.trust(object{"expires_at": time.Now().Add(2 * time.Hour).Format(stamp)}))
	limited := w.create(ada, w.trust(object{"remaining_uses": 5}))

	for _, c := range []struct {
		name         string
		do           func() int
		want         int
		trips        int
		calls        int // of the table, writes too
		read, writes float64
	}{
		{"create", func() int {
			return w.Do("POST", "/v3/OS-TRUST/trusts", ada, w.trust(object{"expires_at": "2099-01-01T00:00:00Z"})).Status
		}, 201, 1, 2, 8, 20},
		{"redelegate", func() int {
			return w.Do("POST", "/v3/OS-TRUST/trusts", ofSecond, w.trust(object{"trustee_user_id": w.ada})).Status
		}, 201, 1, 2, 12, 20},
		{"get", func() int { return w.Do("GET", "/v3/OS-TRUST/trusts/"+spare, ada, nil).Status }, 200, 2, 2, 8, 0},
		{"list of a trustor", func() int { return w.Do("GET", "/v3/OS-TRUST/trusts?trustor_user_id="+w.ada, ada, nil).Status }, 200, 2, 3, 20, 0},
		{"delete", func() int { return w.Do("DELETE", "/v3/OS-TRUST/trusts/"+spare, ada, nil).Status }, 204, 2, 3, 8, 20},
		{"validate, trust", func() int { return w.validate(ofFirst, bob) }, 200, 1, 1, 11, 0},
		{"validate, one redelegation", func() int { return w.validate(ofSecond, eve) }, 200, 1, 1, 13, 0},
		{"validate, two redelegations", func() int { return w.validate(ofThird, bob) }, 200, 1, 1, 15, 0},
		{"use a trust", func() int { return w.use(first, bob).Status }, 201, 2, 3, 10, 4},
		{"use a limited trust", func() int { return w.use(limited, bob).Status }, 201, 2, 3, 10, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.do(), w.log.last(t).Cause)
			e := w.log.last(t)
			t.Logf("%d trips of reading, %d calls, %v read units, %v write units", e.Trips, e.Calls, e.ReadUnits, e.WriteUnits)
			assert.LessOrEqual(t, e.Trips, c.trips, "trips of reading")
			assert.LessOrEqual(t, e.Calls, c.calls, "calls")
			assert.LessOrEqual(t, e.ReadUnits, c.read, "read units")
			assert.LessOrEqual(t, e.WriteUnits, c.writes, "write units")
		})
	}
}

// TestUse_TR_101 lets 64 logins race for 10 uses over a table that tears and fails.
func TestUse_TR_101(t *testing.T) {
	w := newWorld(t, service.WithTable(func(engine store.Table) store.Table {
		return faults.New(tear.New(engine, tear.Options{Seed: 3, Pause: 50 * time.Microsecond}),
			faults.Options{Seed: 3, Throttle: 0.03, Lost: 0.03, Contend: 0.03})
	}))
	bob := w.login("bob", w.bob, nil)
	id := w.create(w.login("ada", w.ada, w.scope()), w.trust(object{"remaining_uses": 10}))
	var group sync.WaitGroup
	replies := make([]service.Reply, 64)
	for n := range replies {
		group.Go(func() { replies[n] = w.use(id, bob) })
	}
	group.Wait()
	issued := 0
	for _, r := range replies {
		if r.Status == http.StatusCreated {
			issued++
			assert.Equal(t, http.StatusOK, w.validate(r.Header.Get("X-Subject-Token"), bob), "TR-100: what was issued lives on")
			continue
		}
		assert.Equal(t, http.StatusUnauthorized, r.Status)
	}
	assert.Equal(t, 10, issued)
}

// TestUse_domain disables the domain of the trustor, then that of the trustee.
func TestUse_domain(t *testing.T) {
	for _, role := range []string{"trustor", "trustee"} {
		t.Run("TR-096 TR-108 "+role+"'s domain disabled", func(t *testing.T) {
			w := newWorld(t)
			d, err := w.Directory.CreateDomain(t.Context(), w.reads(), directory.Domain{Name: "Apart", Enabled: true})
			require.NoError(t, err)
			zoe := w.user("zoe", d.ID)
			trustor, trustee, body := "ada", "zoe", w.trust(object{"trustee_user_id": zoe})
			people := map[string]string{"ada": w.ada, "bob": w.bob, "zoe": zoe}
			if role == "trustor" {
				trustor, trustee, body = "zoe", "bob", w.trust(object{"trustor_user_id": zoe})
				require.NoError(t, w.Directory.Grant(t.Context(), w.reads(), store.UserActor(zoe), store.OnProject(w.web), w.member))
			}
			id := w.create(w.login(trustor, people[trustor], w.scope()), body)
			own := w.login(trustee, people[trustee], nil)
			ofTrust := w.tokenOf(id, own)
			_, err = w.Directory.UpdateDomain(t.Context(), w.reads(), d.ID, func(d *directory.Domain) error { d.Enabled = false; return nil })
			require.NoError(t, err)

			assert.Equal(t, http.StatusUnauthorized, w.Do("GET", "/v3/OS-TRUST/trusts/"+id, ofTrust, nil).Status, "as X-Auth-Token")
			assert.Equal(t, http.StatusNotFound, w.Validate(ofTrust).Status, "TR-108")
			if role == "trustor" {
				assert.Equal(t, http.StatusUnauthorized, w.use(id, own).Status, "TR-096")
			}
		})
	}
}
