// Command sweep measures what becomes of an OAuth1 consumer with a million access tokens
// when it is deleted (make sweep): that every one of them is dead by that one write, how
// long it takes until nothing of them is left, what the sweep costs those who validate
// meanwhile, and that it finishes though the service is killed in the middle.
//
//	go run ./test/sweep -mandate bin/mandate -tokens 50000
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

type measurement struct {
	mandate, dir  string
	tokens, every int
	domain        int
	rate          int
	window        time.Duration
	windows       int
	limit         float64
	within        time.Duration
}

func main() {
	m := measurement{}
	flag.StringVar(&m.mandate, "mandate", "bin/mandate", "the command")
	flag.StringVar(&m.dir, "dir", "", "folder for the table; a temporary one when empty")
	flag.IntVar(&m.tokens, "tokens", 1_000_000, "access tokens of the consumer")
	flag.IntVar(&m.every, "every", 10, "each how many-th access token has an identity token")
	flag.IntVar(&m.domain, "domain", 0, "delete a domain with so many users instead")
	flag.IntVar(&m.rate, "rate", 100, "validations a second")
	flag.DurationVar(&m.window, "window", 20*time.Second, "how long each percentile is taken over")
	flag.IntVar(&m.windows, "windows", 3, "how many windows are measured before, and again after")
	flag.Float64Var(&m.limit, "limit", 1.5, "how much higher the 99th percentile may be meanwhile")
	flag.DurationVar(&m.within, "within", 30*time.Minute, "in what time it must be done")
	flag.Parse()
	if err := m.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "sweep:", err)
		os.Exit(1)
	}
}

func (m measurement) run(ctx context.Context) (err error) {
	if m.windows < 1 {
		return errors.New("-windows must be 1 or more")
	}
	if m.dir == "" {
		if m.dir, err = os.MkdirTemp("", "mandate-sweep-*"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(m.dir)) }()
	}
	if m.domain > 0 {
		return m.deleteDomain(ctx)
	}
	p, err := newProcess(m.mandate, m.dir)
	if err != nil {
		return err
	}
	if err := errors.Join(p.start(), p.stop()); err != nil { // makes the table ready
		return err
	}
	began := time.Now()
	samples, err := m.seed(ctx)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	fmt.Printf("seeded       %d access tokens, %d identity tokens, in %s\n", m.tokens, m.tokens/m.every, time.Since(began).Round(time.Second))
	if err := p.start(); err != nil {
		return err
	}
	defer p.kill()
	c := client{url: p.url}
	if err := c.login(); err != nil {
		return err
	}
	if err := c.all(samples, http.StatusOK); err != nil {
		return fmt.Errorf("before the deletion: %w", err)
	}
	time.Sleep(2 * time.Second) // what seeding left in the log is read
	idle := m.watch(ctx, &c, "before", m.windows, nil)

	began = time.Now()
	if status, err := c.do("DELETE", "/OS-OAUTH1/consumers/"+consumerID, ""); err != nil || status != http.StatusNoContent {
		return fmt.Errorf("delete the consumer: %d %w", status, err)
	}
	fmt.Printf("deleted      by one write, acknowledged after %s\n", time.Since(began).Round(time.Millisecond))
	if err := c.all(samples, http.StatusNotFound); err != nil {
		return fmt.Errorf("after the acknowledgement: %w", err)
	}
	fmt.Printf("dead         all of %d identity tokens looked at, at once\n", len(samples))

	during := m.watch(ctx, &c, "meanwhile", 1, p.swept)
	p.kill()
	left, err := m.count(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("killed       after %s, with %s left\n", time.Since(began).Round(time.Second), left)
	if err := p.start(); err != nil {
		return err
	}
	during = append(during, m.watch(ctx, &c, "started again", int((m.within-time.Since(began))/m.window), p.swept)...)
	for {
		if err := p.stop(); err != nil {
			return err
		}
		if left, err = m.count(ctx); err != nil {
			return err
		}
		if left.behind == 0 && left.jobs == 0 || time.Since(began) > m.within {
			break
		}
		if err := p.start(); err != nil {
			return err
		}
		c.load(ctx, m.rate, 5*time.Second, nil)
	}
	took := time.Since(began)
	fmt.Printf("swept        in %s, with %s left\n", took.Round(time.Second), left)
	fmt.Printf("processor    %s by the service in all, its starts and validations included\n", p.cpu.Round(time.Second/10))
	if err := p.start(); err != nil {
		return err
	}
	idle = append(idle, m.watch(ctx, &c, "after", m.windows, nil)...)
	ratio := median(during) / median(idle)
	fmt.Printf("p99          %.2f ms (%.2f–%.2f in %d windows), %.2f times the %.2f ms (%.2f–%.2f in %d) before and after; limit %.2f\n",
		median(during), slices.Min(during), slices.Max(during), len(during),
		ratio, median(idle), slices.Min(idle), slices.Max(idle), len(idle), m.limit)
	switch {
	case left.access+left.listed+left.live > 0 || left.marked != m.tokens/m.every:
		return fmt.Errorf("not all is swept: %s", left)
	case took > m.within:
		return fmt.Errorf("it took longer than %s", m.within)
	case ratio > m.limit:
		return errors.New("it costs those who validate too much")
	}
	return nil
}

// watch measures windows until something is done, and returns the 99th percentile of each in
// milliseconds. One such figure is at the mercy of what else the machine's host does; their
// median is not. A window cut short counts when nothing else is there.
func (m measurement) watch(ctx context.Context, c *client, when string, windows int, done <-chan struct{}) (p99 []float64) {
	for range windows {
		t := c.load(ctx, m.rate, m.window, done)
		if len(t.took) == 0 || t.over < m.window/2 && len(p99) > 0 {
			break
		}
		fmt.Printf("%-14s%s\n", when, t)
		p99 = append(p99, t.at(99).Seconds()*1000)
	}
	return p99
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// client validates over HTTP as the admin.
type client struct{ url, token string }

// connections keeps as many as are ever in use, as those who validate do.
var connections = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func (c *client) do(method, path, subject string) (int, error) {
	r, err := http.NewRequest(method, c.url+path, http.NoBody) //nolint:noctx // a process under test, killed in the end
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Auth-Token", c.token)
	if subject != "" {
		r.Header.Set("X-Subject-Token", subject)
	}
	res, err := connections.Do(r)
	if err != nil {
		return 0, err
	}
	var discard bytes.Buffer
	_, err = discard.ReadFrom(res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

func (c *client) login() error {
	body, err := json.Marshal(map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{
			"user": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}, "password": password}}},
		"scope": map[string]any{"project": map[string]any{"name": "admin", "domain": map[string]any{"id": "default"}}},
	}})
	if err != nil {
		return err
	}
	res, err := http.Post(c.url+"/auth/tokens", "application/json", bytes.NewReader(body)) //nolint:noctx // as above
	if err != nil {
		return err
	}
	c.token = res.Header.Get("X-Subject-Token")
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusCreated {
		return fmt.Errorf("log in: %d %w", res.StatusCode, err)
	}
	return nil
}

// all validates tokens and fails when one is not answered so.
func (c *client) all(tokens []string, want int) error {
	for _, t := range tokens {
		if status, err := c.do("GET", "/auth/tokens", t); err != nil || status != want {
			return fmt.Errorf("a token is answered by %d, not %d: %w", status, want, err)
		}
	}
	return nil
}

// timings are how long validations took.
type timings struct {
	took   []time.Duration
	failed int
	over   time.Duration
}

// at is a percentile.
func (t timings) at(percent int) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func (t timings) String() string {
	return fmt.Sprintf("%d validations in %s: p50 %.2f ms, p99 %.2f ms, %d failed", len(t.took), t.over.Round(time.Second),
		t.at(50).Seconds()*1000, t.at(99).Seconds()*1000, t.failed)
}

// load validates at a rate, whether the ones before have been answered or not, until the
// time is over or something is done.
func (c *client) load(ctx context.Context, rate int, long time.Duration, done <-chan struct{}) timings {
	var mu sync.Mutex
	var all timings
	var group sync.WaitGroup
	began := time.Now()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	end := time.After(long)
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-end:
			running = false
		case <-done:
			running = false
		case <-tick.C:
			due := time.Now() // not when it was due: how late this process wakes is not the service's doing
			group.Go(func() {
				status, err := c.do("GET", "/auth/tokens", c.token)
				took := time.Since(due)
				mu.Lock()
				defer mu.Unlock()
				if all.took = append(all.took, took); err != nil || status != http.StatusOK {
					all.failed++
				}
			})
		}
	}
	group.Wait()
	all.over = time.Since(began)
	return all
}

func (m measurement) table() string { return filepath.Join(m.dir, "data", "table.db") }
