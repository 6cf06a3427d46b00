package load

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

func unmarshal(body []byte, into any) error { return json.Unmarshal(body, into) }

// Cases are what is measured, in this order: what ends something comes last, since ended
// tokens slow some services down.
func (w *World) Cases() ([]*Case, error) {
	l := &lister{World: w}
	validate := func(name, subject, query string, want int) *Case {
		return l.get(name, "/auth/tokens"+query, map[string]string{"X-Auth-Token": w.admin, "X-Subject-Token": subject}, want)
	}
	issue := func(name string, body object) *Case {
		return l.add(name, http.MethodPost, "/auth/tokens", nil, body, http.StatusCreated)
	}
	tokens, trusts := &pile{}, &pile{}
	cases := []*Case{
		validate("validate project", w.ada, "", http.StatusOK),
		validate("validate project, no catalog", w.ada, "?nocatalog", http.StatusOK),
		validate("validate trust", w.trusted, "", http.StatusOK),
		validate("validate trust, depth 3", w.deep, "", http.StatusOK),
		validate("validate OAuth1", w.signed, "", http.StatusOK),
		validate("validate garbage", strings.Repeat("garbage-", 20), "", http.StatusNotFound),
		issue("issue by rescope", byToken(w.ada, w.onProject())),
		issue("issue by trust", byToken(w.bob, byTrust(w.Trust))),
		{Name: "issue by OAuth1", want: http.StatusCreated, next: w.program.signedIssue},
		issue("issue by password", w.login(w.Ada, w.onProject())),
		l.add("create a trust", http.MethodPost, "/OS-TRUST/trusts", map[string]string{"X-Auth-Token": w.ada},
			object{"trust": w.grantTo(w.Bob)}, http.StatusCreated),
		{Name: "delete a trust", want: http.StatusNoContent},
		{Name: "revoke a token", want: http.StatusNoContent},
	}
	if l.err != nil {
		return nil, l.err
	}
	of := func(name string) *Case {
		for _, k := range cases {
			if k.Name == name {
				return k
			}
		}
		panic(name)
	}
	of("issue by password").Heavy = true
	of("delete a trust").uses(trusts, w.Client, *of("create a trust"), func(r reply) (string, error) { return idOf(r.body) },
		func(id string) []byte {
			return request(http.MethodDelete, w.host, w.base+"/OS-TRUST/trusts/"+id, map[string]string{"X-Auth-Token": w.ada}, "")
		})
	of("revoke a token").uses(tokens, w.Client, *of("issue by rescope"), func(r reply) (string, error) { return r.token, nil },
		func(token string) []byte {
			return request(http.MethodDelete, w.host, w.base+"/auth/tokens", map[string]string{"X-Auth-Token": w.admin, "X-Subject-Token": token}, "")
		})
	return cases, nil
}

// A pile is what was made to be used up.
type pile struct {
	mu   sync.Mutex
	rest []string
}

func (p *pile) put(one string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, one)
}

func (p *pile) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.rest)
	if n == 0 {
		return "", errDry
	}
	one := p.rest[n-1]
	p.rest = p.rest[:n-1]
	return one, nil
}

// makers is how many connections make what is used up.
const makers = 8

// uses lets a case use up what another makes, as much as is made in twice its own time.
func (k *Case) uses(p *pile, c *Client, from Case, name func(reply) (string, error), render func(string) []byte) {
	from.body = true
	from.took = func(r reply) {
		if one, err := name(r); err == nil {
			p.put(one)
		}
	}
	k.stock = func(until time.Time) error {
		cell, err := c.send(&from, makers, until.Add(time.Until(until)))
		if err == nil && cell.Errors > 0 {
			err = fmt.Errorf("%d answers were %s", cell.Errors, cell.First)
		}
		return err
	}
	k.next = func() ([]byte, error) {
		one, err := p.take()
		if err != nil {
			return nil, err
		}
		return render(one), nil
	}
}

// lister renders requests and keeps the first error.
type lister struct {
	*World
	err error
}

func (l *lister) add(name, method, path string, headers map[string]string, body any, want int) *Case {
	raw, err := l.raw(method, path, headers, body)
	if err != nil {
		l.err = err
	}
	return &Case{Name: name, want: want, next: same(raw)}
}

func (l *lister) get(name, path string, headers map[string]string, want int) *Case {
	return l.add(name, http.MethodGet, path, headers, nil, want)
}
