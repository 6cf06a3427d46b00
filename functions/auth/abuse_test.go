package auth_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/test/service"
)

// from asks for a token from an address.
func (w *world) from(address string, body object) service.Reply {
	r := w.Request("POST", "/v3/auth/tokens", "", body)
	r.RemoteAddr = address
	return w.Send(r)
}

// change tries to change a person's password, by what is said to be the old one.
func (w *world) change(p person, old string) service.Reply {
	return w.Do("POST", "/v3/users/"+p.id+"/password", "", object{"user": object{"original_password": old, "password": "fresh"}})
}

// failures is how many counters of failures were written.
func (w *world) failures(t *testing.T) (n int) {
	t.Helper()
	log := w.Engine.(store.Log)
	for after := ""; ; {
		changes, err := log.Changes(t.Context(), after, 100)
		require.NoError(t, err)
		if len(changes) == 0 {
			return n
		}
		for _, c := range changes {
			if strings.HasPrefix(c.Key.PK, "FAILURES#") {
				n++
			}
		}
		after = changes[len(changes)-1].Position
	}
}

func TestLockout(t *testing.T) {
	w := newWorld(t, service.WithVariable("LOCKOUT_FAILURE_ATTEMPTS", "3"), service.WithVariable("LOCKOUT_DURATION", "600"),
		service.WithVariable("ADDRESS_FAILURE_ATTEMPTS", "0"))
	wrong := func(p person) object { p.password = "wrong"; return p.by(nil) }
	t.Run("C-017_locked_after_too_many_failures", func(t *testing.T) {
		p, other := w.person(t), w.person(t)
		named := userBody(object{"name": p.name, "domain": object{"id": "default"}, "password": "wrong"})
		refused := w.ask(t, 401, wrong(p))
		w.ask(t, 201, p.by(nil))
		w.ask(t, 401, named) // the same user, by another name
		w.ask(t, 401, wrong(p))
		for range 5 { // the right password does not help, and trying does not draw it out
			locked := w.ask(t, 401, p.by(nil))
			require.Equal(t, refused.Text, locked.Text)
			w.clock.Advance(time.Minute)
		}
		w.ask(t, 201, other.by(nil))
		w.clock.Advance(5*time.Minute - time.Second)
		w.ask(t, 401, p.by(nil))
		w.clock.Advance(time.Second)
		w.ask(t, 201, p.by(nil))
		w.ask(t, 401, wrong(p)) // counted anew
		w.ask(t, 401, wrong(p))
		w.ask(t, 201, p.by(nil))
	})
	t.Run("C-017_failures_long_ago_do_not_count", func(t *testing.T) {
		p := w.person(t)
		for range 6 {
			w.ask(t, 401, wrong(p))
			w.clock.Advance(6 * time.Minute)
		}
		w.ask(t, 201, p.by(nil))
	})
	t.Run("C-017_not_who_must_not_be_locked", func(t *testing.T) {
		p := w.person(t)
		w.patch(t, "user", p.id, object{"options": object{"ignore_lockout_failure_attempts": true}})
		for range 4 {
			w.ask(t, 401, wrong(p))
		}
		w.ask(t, 201, p.by(nil))
	})
	t.Run("C-017_changing_the_password_is_no_way_round", func(t *testing.T) {
		p, other := w.person(t), w.person(t)
		refused := w.change(p, "wrong")
		require.Equal(t, 401, refused.Status)
		w.ask(t, 401, wrong(p))
		require.Equal(t, 401, w.change(p, "wrong").Status)
		locked := w.change(p, p.password)
		require.Equal(t, refused.Text, locked.Text)
		w.ask(t, 401, p.by(nil))
		require.Equal(t, 204, w.change(other, other.password).Status)
		w.clock.Advance(10 * time.Minute)
		require.Equal(t, 204, w.change(p, p.password).Status)
	})
	t.Run("C-017_off_by_default", func(t *testing.T) {
		w := newWorld(t)
		p := w.person(t)
		for range 20 {
			w.ask(t, 401, wrong(p))
		}
		w.ask(t, 201, p.by(nil))
	})
}

func TestTooMany(t *testing.T) {
	t.Run("C-018_failures_from_one_address", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("ADDRESS_FAILURE_ATTEMPTS", "4"), service.WithVariable("ADDRESS_FAILURE_DURATION", "30"))
		p := w.person(t)
		wrong := person{id: p.id, password: "wrong"}.by(nil)
		failing := []object{wrong, person{id: "unknown", password: "x"}.by(nil), userBody(object{"id": p.id}), wrong}
		for n, body := range failing { // whoever it was about, and from whatever port
			require.Equal(t, 401, w.from("198.51.100.7:"+strconv.Itoa(1000+n), body).Status)
			require.Equal(t, 401, w.from("[2001:db8:1:2::"+strconv.Itoa(n)+"]:4000", body).Status)
		}
		for _, address := range []string{"198.51.100.7:80", "[2001:db8:1:2:ffff::1]:80", "[::ffff:198.51.100.7]:80"} {
			for _, body := range []object{wrong, p.by(nil)} {
				r := w.from(address, body)
				require.Equal(t, http.StatusTooManyRequests, r.Status, address)
				require.Equal(t, "30", r.Header.Get("Retry-After"))
				require.Equal(t, "Too Many Requests", r.Member("error")["title"])
			}
		}
		for _, address := range []string{"198.51.100.8:80", "[2001:db8:1:3::1]:80"} {
			require.Equal(t, 201, w.from(address, p.by(nil)).Status)
		}
		require.Equal(t, 400, w.from("198.51.100.7:80", object{}).Status)
		w.clock.Advance(30 * time.Second)
		require.Equal(t, 201, w.from("198.51.100.7:80", p.by(nil)).Status)
	})
	t.Run("C-018_failed_changes_of_a_password_from_one_address", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("ADDRESS_FAILURE_ATTEMPTS", "3"))
		p := w.person(t)
		require.Equal(t, 401, w.change(p, "wrong").Status)
		require.Equal(t, 401, w.change(person{id: "unknown"}, "wrong").Status)
		require.Equal(t, 401, w.change(p, "wrong").Status)
		r := w.change(p, p.password)
		require.Equal(t, http.StatusTooManyRequests, r.Status)
		require.NotEmpty(t, r.Header.Get("Retry-After"))
	})
	t.Run("C-018_counters_are_written_on_failures_only", func(t *testing.T) {
		w := newWorld(t, service.WithVariable("LOCKOUT_FAILURE_ATTEMPTS", "3"))
		p := w.person(t)
		for range 10 {
			w.ask(t, 201, p.by(nil))
		}
		require.Equal(t, 0, w.failures(t))
		w.ask(t, 401, person{id: p.id, password: "wrong"}.by(nil))
		require.Equal(t, 2, w.failures(t), "one of the user and one of the address")
	})
	t.Run("C-018_too_many_hashes_at_work", func(t *testing.T) {
		w := newWorld(t, service.WithHasher(secret.NewHasherOf(1, time.Millisecond)))
		p := w.person(t)
		var group sync.WaitGroup
		var mu sync.Mutex
		seen := map[int]int{}
		for range 12 {
			group.Go(func() {
				r := w.from("198.51.100.7:80", p.by(nil))
				mu.Lock()
				defer mu.Unlock()
				seen[r.Status]++
				if r.Status == http.StatusTooManyRequests {
					assert.NotEmpty(t, r.Header.Get("Retry-After"))
				}
			})
		}
		group.Wait()
		require.Positive(t, seen[201])
		require.Positive(t, seen[429])
		require.Equal(t, 12, seen[201]+seen[429])
	})
}
