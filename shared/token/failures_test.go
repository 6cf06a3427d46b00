package token

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/store"
)

var opening = time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC)

// counting is a service that only counts failed logins, at a time that the test moves.
type counting struct {
	*Service
	now time.Time
}

func newCounting(t *testing.T, perUser, perAddress Bound) *counting {
	c := &counting{now: opening}
	c.Service = New(Options{
		Table: newTable(t), Now: func() time.Time { return c.now }, Settings: Settings{PerUser: perUser, PerAddress: perAddress},
	})
	return c
}

// seen is what stands against a login now.
func (c *counting) seen(t *testing.T, l Login, userID string) (address, user *watched) {
	t.Helper()
	rs := store.NewReadSet(c.table)
	require.NoError(t, rs.Settle(t.Context(), func() (err error) { address, user, err = c.watch(rs, l, userID); return err }))
	return address, user
}

// fail lets a login fail, reading first as every login does.
func (c *counting) fail(t *testing.T, l Login, userID string) {
	t.Helper()
	address, user := c.seen(t, l, userID)
	require.NoError(t, c.failed(t.Context(), address, user))
}

// TestBounds tries the edges of how many failures bound a user and an address, and until when.
func TestBounds(t *testing.T) {
	const minute, tick = time.Minute, time.Microsecond
	three := Bound{3, 10 * minute}
	for _, c := range []struct {
		name   string
		bound  Bound
		failed []time.Duration
		at     time.Duration
		left   time.Duration // how long it still lasts; 0: nothing is bounded
	}{
		{"none failed", three, nil, 0, 0},
		{"one fewer", three, []time.Duration{0, minute}, minute, 0},
		{"as many", three, []time.Duration{0, minute, 2 * minute}, 2 * minute, 10 * minute},
		{"a single one", Bound{1, minute}, []time.Duration{0}, 0, minute},
		{"its last moment", three, []time.Duration{0, minute, 2 * minute}, 12*minute - tick, tick},
		{"its end", three, []time.Duration{0, minute, 2 * minute}, 12 * minute, 0},
		{"further ones do not draw it out", three, []time.Duration{0, minute, 2 * minute, 11 * minute}, 12 * minute, 0},
		{"the first is just not too long ago", three, []time.Duration{0, minute, 10*minute - tick}, 10 * minute, 10*minute - tick},
		{"the first is too long ago", three, []time.Duration{0, minute, 10 * minute}, 10 * minute, 0},
		{"anew after its end, one fewer", three, []time.Duration{0, 1, 2, 11 * minute, 12 * minute}, 12 * minute, 0},
		{"anew after its end, as many", three, []time.Duration{0, 1, 2, 11 * minute, 12 * minute, 13 * minute}, 13 * minute, 10 * minute},
		{"no attempts: never", Bound{0, 10 * minute}, []time.Duration{0, 0, 0}, 0, 0},
	} {
		run := func(id string, perUser, perAddress Bound, left func(*counting, *watched, *watched) time.Duration) {
			t.Run(id+" "+c.name, func(t *testing.T) {
				s := newCounting(t, perUser, perAddress)
				l := Login{Address: "192.0.2.1:4711"}
				for _, at := range c.failed {
					s.now = opening.Add(at)
					s.fail(t, l, "ada")
				}
				s.now = opening.Add(c.at)
				address, user := s.seen(t, l, "ada")
				assert.Equal(t, c.left, left(s, address, user))
				if c.bound.Attempts == 0 {
					assert.Nil(t, address)
					assert.Nil(t, user)
				}
			})
		}
		run("C-017", c.bound, Bound{}, func(s *counting, _, user *watched) time.Duration {
			ada := directory.User{ID: "ada"}
			locked := s.locked(findings{user: ada, owner: user})
			assert.Equal(t, c.left > 0, locked)
			ada.Options = []byte(`{"ignore_lockout_failure_attempts":true}`)
			assert.False(t, s.locked(findings{user: ada, owner: user}), "who must not be locked out")
			if !locked {
				return 0
			}
			return user.until(user.seen, s.now).Sub(s.now)
		})
		run("C-018", Bound{}, c.bound, func(s *counting, address, _ *watched) time.Duration {
			err := s.refuse(address)
			if err == nil {
				return 0
			}
			p, ok := problem.As(err)
			require.True(t, ok && p.Kind == problem.KindTooMany, "%v", err)
			return p.RetryAfter
		})
	}
}

// TestFailuresAtOnce lets logins fail that all read the counter before any of them wrote it:
// none of them is lost, or nobody who guesses abreast would ever be bounded.
func TestFailuresAtOnce(t *testing.T) {
	for _, before := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("C-017 C-018 after %d", before), func(t *testing.T) {
			b := Bound{3, 10 * time.Minute}
			s := newCounting(t, b, b)
			l := Login{Address: "192.0.2.1"}
			for range before {
				s.fail(t, l, "ada")
			}
			s.now = s.now.Add(time.Hour) // what was before has ended
			var addresses, users []*watched
			for range 3 {
				address, user := s.seen(t, l, "ada")
				addresses, users = append(addresses, address), append(users, user)
			}
			for n := range addresses {
				require.NoError(t, s.failed(context.WithoutCancel(t.Context()), addresses[n], users[n]))
			}
			address, user := s.seen(t, l, "ada")
			assert.EqualValues(t, 3, address.seen.count)
			assert.EqualValues(t, 3, user.seen.count)
			assert.Error(t, s.refuse(address))
			assert.True(t, s.locked(findings{owner: user}))
		})
	}
}

// TestBoundAddressTriesNothing has neither a hasher nor a user: none is asked, and the
// failure counts against nobody.
func TestBoundAddressTriesNothing(t *testing.T) {
	s := newCounting(t, Bound{5, time.Minute}, Bound{1, time.Minute})
	l := Login{Address: "192.0.2.1"}
	s.fail(t, l, "ada")
	address, user := s.seen(t, l, "ada")
	err := s.prove(t.Context(), l, findings{address: address, owner: user})
	require.True(t, problem.Is(err, problem.KindTooMany), "%v", err)
	_, user = s.seen(t, l, "ada")
	assert.EqualValues(t, 1, user.seen.count)
}

// TestWatched says which logins are counted together.
func TestWatched(t *testing.T) {
	b := Bound{3, time.Minute}
	s := newCounting(t, b, b)
	name := func(domain, name string) Login {
		return Login{Password: PasswordProof{Name: name, Domain: directory.DomainRef{ID: domain}}}
	}
	from := func(a string) Login { return Login{Address: a} }
	for _, c := range []struct {
		name  string
		a, b  Login
		users [2]string
		same  bool
	}{
		{"C-018 another port", from("192.0.2.1:1"), from("192.0.2.1:2"), [2]string{}, true},
		{"C-018 no port", from("192.0.2.1:1"), from("192.0.2.1"), [2]string{}, true},
		{"C-018 another address", from("192.0.2.1"), from("192.0.2.2"), [2]string{}, false},
		{"C-018 IPv4 within IPv6", from("[::ffff:192.0.2.1]:1"), from("192.0.2.1"), [2]string{}, true},
		{"C-018 others within IPv6", from("::ffff:192.0.2.1"), from("::ffff:192.0.2.2"), [2]string{}, false},
		{"C-018 one network of IPv6", from("[2001:db8:0:1::1]:1"), from("2001:db8:0:1:ffff::2"), [2]string{}, true},
		{"C-018 another network of IPv6", from("2001:db8:0:1::1"), from("2001:db8:0:2::1"), [2]string{}, false},
		{"C-018 a zone", from("fe80::1%eth0"), from("fe80::1"), [2]string{}, true},
		{"C-017 one user by id and name", name("d", "ada"), Login{}, [2]string{"ada", "ada"}, true},
		{"C-017 another user", Login{}, Login{}, [2]string{"ada", "bob"}, false},
		{"C-017 one name of nobody", name("d", "eve"), name("d", "eve"), [2]string{nobody, nobody}, true},
		{"C-017 another name of nobody", name("d", "eve"), name("d", "joe"), [2]string{nobody, nobody}, false},
		{"C-017 another domain of nobody", name("d", "eve"), name("e", "eve"), [2]string{nobody, nobody}, false},
		{"C-017 nobody is no user", name("d", "eve"), Login{}, [2]string{nobody, "eve"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			addressA, userA := s.seen(t, c.a, c.users[0])
			addressB, userB := s.seen(t, c.b, c.users[1])
			one, other := addressA, addressB
			if c.users[0] != "" {
				assert.Nil(t, addressA)
				one, other = userA, userB
			}
			require.NotNil(t, one)
			require.NotNil(t, other)
			assert.Equal(t, c.same, one.key == other.key)
		})
	}
	for _, a := range []string{"", "unix", "192.0.2", "192.0.2.1:x"} {
		t.Run("C-018 no address: "+a, func(t *testing.T) {
			address, user := s.seen(t, from(a), "")
			assert.Nil(t, address)
			assert.Nil(t, user)
		})
	}
}
