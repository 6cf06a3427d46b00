// Command timing measures whether the time of a refused login tells why it was refused:
// unknown user, wrong password, disabled user, user without a password, and, with
// -lockout, a locked user. It asks a running service that was started for it:
//
//	ADDRESS_FAILURE_ATTEMPTS=1000000 LOCKOUT_FAILURE_ATTEMPTS=5 make run
//	source .mandate/openrc && go run ./test/timing -tries 2000 -lockout 5
//
// The causes take turns in an order drawn anew for each round, so that whatever else the
// machine does falls on all of them. For each cause it prints quantiles, and the AUC
// against the wrong password: how often a login of the one takes longer than one of the
// other, mirrored to 0.5 and above. 0.5 tells nothing, 1 everything; the aim is 0.55.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

const aim = 0.55

func main() {
	tries := flag.Int("tries", 2000, "logins of each cause")
	lockout := flag.Int("lockout", 0, "the service's LOCKOUT_FAILURE_ATTEMPTS; 0 leaves the locked user out")
	flag.Parse()
	c := &client{base: strings.TrimSuffix(strings.TrimSuffix(os.Getenv("OS_AUTH_URL"), "/"), "/v3") + "/v3"}
	if err := c.run(*tries, *lockout); err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
}

type object = map[string]any

type client struct{ base, token string }

// ask sends a request and returns the status, the time it took, and the body.
func (c *client) ask(method, path string, body any) (status int, took time.Duration, reply object, header http.Header, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(text)) //nolint:noctx // a command that is ended by its user
	if err != nil {
		return 0, 0, nil, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("X-Auth-Token", c.token)
	}
	start := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	all, err := io.ReadAll(answer.Body)
	took = time.Since(start)
	_ = answer.Body.Close()
	if err == nil && len(all) > 0 {
		err = json.Unmarshal(all, &reply)
	}
	return answer.StatusCode, took, reply, answer.Header, err
}

func login(user, scope object) object {
	auth := object{"identity": object{"methods": []string{"password"}, "password": object{"user": user}}}
	if scope != nil {
		auth["scope"] = scope
	}
	return object{"auth": auth}
}

func (c *client) signIn() error {
	user := object{"name": os.Getenv("OS_USERNAME"), "domain": object{"name": os.Getenv("OS_USER_DOMAIN_NAME")}, "password": os.Getenv("OS_PASSWORD")}
	scope := object{"project": object{"name": os.Getenv("OS_PROJECT_NAME"), "domain": object{"name": os.Getenv("OS_PROJECT_DOMAIN_NAME")}}}
	status, _, _, header, err := c.ask("POST", "/auth/tokens", login(user, scope))
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("signing in answered %d: source the openrc that make run wrote", status)
	}
	c.token = header.Get("X-Subject-Token")
	return err
}

// cause is one reason to refuse a login, and the users it is tried with: most are tried
// by the one and only, unknown ones by another name each time.
type cause struct {
	name string
	user func(n int) object
	took []time.Duration
}

// user makes a user, and removes her at the end.
func (c *client) user(attributes object) (name string, remove func(), err error) {
	name = fmt.Sprintf("timing-%08x", rand.Uint32()) //nolint:gosec // G404: a name
	attributes["name"] = name
	status, _, reply, _, err := c.ask("POST", "/users", object{"user": attributes})
	if err != nil || status != http.StatusCreated {
		return "", func() {}, cmp.Or(err, fmt.Errorf("making a user answered %d", status))
	}
	id, _ := reply["user"].(object)["id"].(string)
	return name, func() { _, _, _, _, _ = c.ask("DELETE", "/users/"+id, nil) }, nil
}

func by(name string) object {
	return object{"name": name, "domain": object{"id": "default"}, "password": "a wrong password"}
}

func (c *client) run(tries, lockout int) error {
	if err := c.signIn(); err != nil {
		return err
	}
	causes := []*cause{{name: "unknown user", user: func(n int) object { return by(fmt.Sprintf("nobody-%d-%08x", n, rand.Uint32())) }}} //nolint:gosec // G404: a name
	for _, k := range []struct {
		name       string
		attributes object
	}{
		{"wrong password", object{"password": "the right one", "options": object{"ignore_lockout_failure_attempts": true}}},
		{"disabled user", object{"password": "the right one", "enabled": false}},
		{"user without a password", object{}},
		{"locked user", object{"password": "the right one"}},
	} {
		if k.name == "locked user" && lockout == 0 {
			continue
		}
		name, remove, err := c.user(k.attributes)
		defer remove()
		if err != nil {
			return err
		}
		causes = append(causes, &cause{name: k.name, user: func(int) object { return by(name) }})
	}
	for n := -max(20, lockout); n < tries; n++ { // the first ones warm up, and lock
		for _, i := range rand.Perm(len(causes)) { //nolint:gosec // G404: an order
			status, took, _, _, err := c.ask("POST", "/auth/tokens", login(causes[i].user(n), nil))
			if err != nil {
				return err
			}
			if status != http.StatusUnauthorized {
				return fmt.Errorf("%s answered %d: start the service with ADDRESS_FAILURE_ATTEMPTS=1000000", causes[i].name, status)
			}
			if n >= 0 {
				causes[i].took = append(causes[i].took, took)
			}
		}
	}
	return report(causes)
}

func report(causes []*cause) error {
	reference := causes[1].took
	slices.Sort(reference)
	fmt.Printf("%-26s %7s %10s %10s %10s %7s\n", "cause", "tries", "median ms", "p10 ms", "p90 ms", "AUC")
	var told []error
	for _, k := range causes {
		slices.Sort(k.took)
		at := func(q float64) float64 { return float64(k.took[int(q*float64(len(k.took)-1))].Microseconds()) / 1000 }
		a := auc(k.took, reference)
		fmt.Printf("%-26s %7d %10.2f %10.2f %10.2f %7.3f\n", k.name, len(k.took), at(0.5), at(0.1), at(0.9), a)
		if a > aim {
			told = append(told, fmt.Errorf("the time tells of %s: AUC %.3f", k.name, a))
		}
	}
	return errors.Join(told...)
}

// auc is how often one of a is longer than one of b, equal ones counting half, mirrored to
// 0.5 and above. Both are sorted.
func auc(a, b []time.Duration) float64 {
	var longer float64
	less, most := 0, 0
	for _, v := range a {
		for less < len(b) && b[less] < v {
			less++
		}
		for most < len(b) && b[most] <= v {
			most++
		}
		longer += float64(less) + float64(most-less)/2
	}
	share := longer / float64(len(a)*len(b))
	return max(share, 1-share)
}
