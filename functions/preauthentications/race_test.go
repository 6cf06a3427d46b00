package preauthentications_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mandate/shared/store"
	"mandate/shared/store/faults"
	"mandate/shared/store/tear"
	"mandate/test/service"
)

// TestAtOnce lets owners change a pre-authentication while a delegate fetches tokens and
// others of the owner's clients look on, over a table that tears reads apart, is
// throttled, loses answers and conflicts. Nobody is ever told that there is nothing, or
// several; in the end one trust is behind it, and each change that was acknowledged counts.
func TestAtOnce(t *testing.T) {
	w := newWorld(t, service.WithTable(func(engine store.Table) store.Table {
		return faults.New(tear.New(engine, tear.Options{Seed: 5, Pause: 20 * time.Microsecond}),
			faults.Options{Seed: 5, Throttle: 0.02, Lost: 0.02, Contend: 0.02})
	}))
	id := w.arrange()["id"].(string)
	patches := []object{
		{"roles": []any{object{"id": w.watcher}}}, {"roles": []any{object{"id": w.operator}}}, {"impersonation": false},
		{"expires_at": "2031-06-01T00:00:00Z"}, {"expires_at": nil, "impersonation": true}, {"description": "servers"},
	}
	var owners, others sync.WaitGroup
	done := make(chan struct{})
	answers := struct {
		sync.Mutex
		of map[string]map[int]int
	}{of: map[string]map[int]int{}}
	count := func(what string, status int) {
		answers.Lock()
		defer answers.Unlock()
		if answers.of[what] == nil {
			answers.of[what] = map[int]int{}
		}
		answers.of[what][status]++
	}
	for n := range 2 {
		owners.Go(func() {
			for round := range 20 {
				count("patch", w.patch(id, patches[(round+3*n)%len(patches)]).Status)
			}
		})
	}
	watch := func(what string, do func() int) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					count(what, do())
				}
			}
		})
	}
	watch("fetch", func() int { return w.fetch(w.bobs, "").Status })
	watch("show", func() int { return w.Do("GET", path(w.ada, id), w.adas, nil).Status })
	watch("list", func() int {
		r := w.Do("GET", path(w.ada), w.adas, nil)
		if r.Status == http.StatusOK {
			assert.Equal(t, []string{id}, ids(r))
		}
		return r.Status
	})
	owners.Wait()
	close(done)
	others.Wait()

	t.Log(answers.of)
	for what, allowed := range map[string][]int{
		"patch": {200, 409, 503}, "fetch": {201, 503}, "show": {200, 503}, "list": {200, 503},
	} {
		for status := range answers.of[what] {
			assert.Contains(t, allowed, status, what)
		}
		assert.Positive(t, answers.of[what][allowed[0]], what)
	}
	require.Equal(t, 40, answers.of["patch"][200]+answers.of["patch"][409]+answers.of["patch"][503])
	if answers.of["patch"][503] == 0 { // else one may have been made without an answer
		tag := w.Must(http.StatusOK, "GET", path(w.ada, id), w.adas, nil).Header.Get("ETag")
		assert.Equal(t, fmt.Sprintf("%q", strconv.Itoa(1+answers.of["patch"][200])), tag)
	}
	now := w.show(id)
	assert.Equal(t, []string{now["trust_id"].(string)}, w.trusts(), "one trust")
	token := w.fetched("")
	assert.Equal(t, http.StatusOK, w.Validate(token).Status)
}
