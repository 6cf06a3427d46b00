package load

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// RevokeMany issues and revokes n tokens.
func (w *World) RevokeMany(n int) error {
	issue, revoke, err := w.pair()
	if err != nil {
		return err
	}
	p := issue.pile
	for left := n; left > 0; {
		batch := min(left, 2000)
		if err := w.sendExactly(&issue.Case, batch); err != nil {
			return err
		}
		if err := w.sendExactly(revoke, len(p.rest)); err != nil {
			return err
		}
		left -= batch
	}
	return nil
}

type maker struct {
	Case
	pile *pile
}

// pair is a case that issues tokens and one that revokes them.
func (w *World) pair() (*maker, *Case, error) {
	raw, err := w.raw(http.MethodPost, "/auth/tokens", nil, byToken(w.ada, w.onProject()))
	if err != nil {
		return nil, nil, err
	}
	p := &pile{}
	issue := &maker{Case{Name: "issue", want: http.StatusCreated, next: same(raw), took: func(r reply) { p.put(r.token) }}, p}
	revoke := &Case{Name: "revoke", want: http.StatusNoContent, next: func() ([]byte, error) {
		token, err := p.take()
		if err != nil {
			return nil, err
		}
		return w.raw(http.MethodDelete, "/auth/tokens", map[string]string{"X-Auth-Token": w.admin, "X-Subject-Token": token}, nil)
	}}
	return issue, revoke, nil
}

// sendExactly sends n requests, all of which must succeed.
func (w *World) sendExactly(k *Case, n int) error {
	counted := *k
	tickets := make(chan struct{}, n)
	for range n {
		tickets <- struct{}{}
	}
	close(tickets)
	counted.next = func() ([]byte, error) {
		if _, more := <-tickets; !more {
			return nil, errDry
		}
		return k.next()
	}
	cell, err := w.send(&counted, makers, time.Now().Add(10*time.Minute))
	if err == nil && cell.Errors > 0 {
		err = fmt.Errorf("%s: %d of %d answers were %s", k.Name, cell.Errors, n, cell.First)
	}
	return err
}

// Quiet waits until the service does nothing on its own any more, such as tidying after
// what was revoked, for at most a minute.
func (w *World) Quiet() error {
	const look, most = 500 * time.Millisecond, time.Minute
	before, err := w.processes.cpu()
	for began := time.Now(); err == nil && time.Since(began) < most; {
		time.Sleep(look)
		var after reading
		if after, err = w.processes.cpu(); err != nil || after.since(before) < look/50 {
			break
		}
		before = after
	}
	return err
}

// FirstAfter measures the first validation after a revocation, n times: each time a token
// is revoked, which empties whatever a service keeps of validations, then one is validated.
func (w *World) FirstAfter(n int) (Cell, error) {
	issue, revoke, err := w.pair()
	if err != nil {
		return Cell{}, err
	}
	raw, err := w.raw(http.MethodGet, "/auth/tokens", map[string]string{"X-Auth-Token": w.admin, "X-Subject-Token": w.ada}, nil)
	if err != nil {
		return Cell{}, err
	}
	conn, err := dial(w.host)
	if err != nil {
		return Cell{}, err
	}
	defer conn.close()
	var sum Cell
	for range n {
		if err := errors.Join(w.sendExactly(&issue.Case, 1), w.sendExactly(revoke, 1)); err != nil {
			return Cell{}, err
		}
		before, err := w.processes.cpu()
		if err != nil {
			return Cell{}, err
		}
		start := time.Now()
		r, err := conn.do(raw, false)
		if err != nil {
			return Cell{}, err
		}
		took := time.Since(start)
		after, err := w.processes.cpu()
		if err != nil {
			return Cell{}, err
		}
		sum.took = append(sum.took, took)
		sum.CPU += after.since(before).Seconds() * 1000 / float64(n)
		if r.status != http.StatusOK {
			sum.Errors, sum.First = sum.Errors+1, fmt.Sprintf("%d %s", r.status, r.body)
		}
	}
	slices.SortFunc(sum.took, cmp.Compare)
	sum.N = n
	return sum, nil
}

// Trustor is somebody with many trusts.
type Trustor struct {
	ID     string
	token  string
	world  *World
	pages  []string // with Mandate, which pages: the markers of its pages of a thousand
	marker string   // … and of the last hundred
	Whole  int      // trusts in an answer without a page: all of them, with Keystone
}

// NewTrustor makes one more user with the role.
func (w *World) NewTrustor() (Trustor, error) {
	t := Trustor{world: w}
	var err error
	if t.ID, err = w.make("/users", "user", w.admin, object{"name": "trustor-" + strings.ToLower(rand.Text()), "domain_id": "default", "password": password}); err != nil {
		return t, err
	}
	if _, err = w.do(http.MethodPut, "/projects/"+w.Project+"/users/"+t.ID+"/roles/"+w.Role, w.admin, nil); err != nil {
		return t, err
	}
	t.token, err = w.issue(w.login(t.ID, w.onProject()))
	return t, err
}

// TrustMany makes a trustor of n trusts.
func (w *World) TrustMany(n int) (Trustor, error) {
	t, err := w.NewTrustor()
	if err != nil {
		return t, err
	}
	grant := w.grantTo(w.Bob)
	grant["trustor_user_id"] = t.ID
	raw, err := w.raw(http.MethodPost, "/OS-TRUST/trusts", map[string]string{"X-Auth-Token": t.token}, object{"trust": grant})
	if err != nil {
		return t, err
	}
	made := &pile{}
	k := &Case{Name: "create a trust", want: http.StatusCreated, next: same(raw), body: true, took: func(r reply) {
		if id, err := idOf(r.body); err == nil {
			made.put(id)
		}
	}}
	if err := w.sendExactly(k, n); err != nil {
		return t, err
	}
	slices.Sort(made.rest)
	t.Whole = min(n, pageFull)
	for at := pageFull; at < n; at += pageFull {
		t.pages = append(t.pages, made.rest[at-1])
	}
	if n > pageOf {
		t.marker = made.rest[n-pageOf-1]
	}
	return t, nil
}

// Sizes of pages: of those that are compared, and of a full one of Mandate.
const (
	pageOf   = 100
	pageFull = 1000
)

// Page lists the last hundred of the trustor's trusts, or all where there are no more.
func (t Trustor) Page() (*Case, error) {
	k := &Case{Name: fmt.Sprintf("a page of %d trusts", pageOf), want: http.StatusOK}
	raw, err := t.list(t.marker)
	k.next = same(raw)
	return k, err
}

// All lists all the trustor's trusts, page after page where the service has pages. It
// counts by the thousand trusts.
func (t Trustor) All() (*Case, error) {
	k := &Case{Name: "list 10,000 trusts, per 1,000", want: http.StatusOK, Heavy: true, each: float64(t.Whole) / pageFull}
	requests := make([][]byte, 0, len(t.pages)+1)
	for _, marker := range append([]string{""}, t.pages...) {
		raw, err := t.list(marker)
		if err != nil {
			return nil, err
		}
		requests = append(requests, raw)
	}
	turn := atomic.Int64{}
	k.next = func() ([]byte, error) { return requests[int(turn.Add(1))%len(requests)], nil }
	return k, nil
}

func (t Trustor) list(marker string) ([]byte, error) {
	path := "/OS-TRUST/trusts?trustor_user_id=" + t.ID
	if marker != "" {
		path += "&marker=" + marker
	}
	return t.world.raw(http.MethodGet, path, map[string]string{"X-Auth-Token": t.token}, nil)
}
