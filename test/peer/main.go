// Command peer measures Mandate beside a real Keystone (make bench-peer): the same people,
// trusts and programs on both, the same requests by the same generator, in turn on the same
// processors, so that whatever else the machine does meets both. What is compared first is
// processor time per answer, all processes of a side counted: it says what a request costs,
// and other loads on the machine move it least.
//
//	go run ./test/peer -mandate bin/mandate -out docs
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mandate/test/load"
)

type measurement struct {
	mandate, dir, out string
	seconds           float64
	rounds            int
	levels            []int
	first             int // first validations after a revocation in a round
	only              string
	running           bool
}

func main() {
	m := measurement{}
	var levels string
	short := flag.Bool("short", false, "three rounds at one concurrency, three minutes; writes no report")
	flag.StringVar(&m.mandate, "mandate", "bin/mandate", "the command")
	flag.StringVar(&m.dir, "dir", ".cache/peer", "folder for what both sides keep")
	flag.StringVar(&m.out, "out", "", "folder for performance.md and its chart; none when empty")
	flag.Float64Var(&m.seconds, "seconds", 1.2, "how long a side is measured in a round")
	flag.IntVar(&m.rounds, "rounds", 5, "how often the sides take turns")
	flag.StringVar(&levels, "concurrency", "1,8,32", "how many connections ask at once")
	flag.IntVar(&m.first, "first", 10, "first validations after a revocation in a round")
	flag.StringVar(&m.only, "only", "", "measure only cases whose name has this in it")
	flag.BoolVar(&m.running, "running", false, "use the Keystone that keystone.sh has started in the folder, and leave it")
	flag.Parse()
	if *short {
		m.seconds, m.rounds, levels, m.out = 0.6, 3, "8", ""
	}
	for text := range strings.SplitSeq(levels, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			fmt.Fprintf(os.Stderr, "peer: concurrency %q is no number from 1 to 256\n", text)
			os.Exit(2)
		}
		m.levels = append(m.levels, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := m.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func (m measurement) run(ctx context.Context) error {
	dir, err := filepath.Abs(m.dir)
	if err != nil {
		return err
	}
	theirs, stop, err := startKeystone(ctx, filepath.Join(dir, "keystone"), m.running)
	if err != nil {
		return err
	}
	defer stop()
	ours, stopOurs, err := startMandate(ctx, m.mandate, filepath.Join(dir, "mandate"), mandatePort)
	if err != nil {
		return err
	}
	defer stopOurs()
	r := report{machine: describe(filepath.Join(dir, "keystone", "versions")), began: time.Now(), measurement: m}
	return errors.Join(m.compare(ctx, &r, ours, theirs), r.write(m.out))
}

// compare is the whole of the measurement, in an order in which nothing that slows one
// side down comes before what it would slow down.
func (m measurement) compare(ctx context.Context, r *report, ours, theirs *side) error {
	r.head()
	for n := range ours.cases {
		if strings.HasPrefix(ours.cases[n].Name, "delete") {
			// Deletions and revocations slow Keystone's validations down; lists come before.
			if err := errors.Join(m.lists(ctx, r, ours, theirs), m.firsts(ctx, r, ours, theirs)); err != nil {
				return err
			}
		}
		for _, level := range m.levels {
			if err := m.row(ctx, r, level, ours.world.Client, ours.cases[n], theirs.world.Client, theirs.cases[n]); err != nil {
				return err
			}
		}
	}
	var err error
	r.memory[0], err = ours.pids.Memory()
	if err != nil {
		return err
	}
	r.memory[1], err = theirs.pids.Memory()
	return err
}

// row measures a case on both sides in turn.
func (m measurement) row(ctx context.Context, r *report, level int, ours *load.Client, a *load.Case, theirs *load.Client, b *load.Case) error {
	if !strings.Contains(a.Name, m.only) || (a.Heavy && level > 8) {
		return nil
	}
	length := time.Duration(m.seconds * float64(time.Second))
	if a.Heavy {
		length *= 2
	}
	row := row{name: a.Name, level: level}
	for round := range m.rounds + 1 { // the first warms up
		order := []int{0, 1}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		lasts := length
		if round == 0 {
			lasts /= 4
		}
		var pair [2]load.Cell
		for _, which := range order {
			if err := ctx.Err(); err != nil {
				return err
			}
			client, k := ours, a
			if which == 1 {
				client, k = theirs, b
			}
			var err error
			if pair[which], err = client.Measure(k, level, lasts); err != nil {
				return err
			}
		}
		if round > 0 {
			row.rounds = append(row.rounds, pair)
		}
	}
	r.add(row)
	return nil
}

// many is how many trusts a trustor has whose list is compared.
const many = 10_000

func (m measurement) lists(ctx context.Context, r *report, ours, theirs *side) error {
	if !strings.Contains("list 10,000 trusts", m.only) && !strings.Contains("list a page", m.only) {
		return nil
	}
	if m.out == "" && m.rounds < 5 { // short
		return nil
	}
	a, err := ours.trusts(ctx, many)
	if err != nil {
		return err
	}
	b, err := theirs.trusts(ctx, many)
	if err != nil {
		return err
	}
	few, err := ours.trusts(ctx, 100)
	if err != nil {
		return err
	}
	all, err1 := a.All()
	theirAll, err2 := b.All()
	page, err3 := a.Page()
	small, err4 := few.Page()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	if err := m.row(ctx, r, 1, ours.world.Client, all, theirs.world.Client, theirAll); err != nil {
		return err
	}
	page.Name = "list a page of 10,000 : of 100, both Mandate's"
	return m.row(ctx, r, 1, ours.world.Client, page, ours.world.Client, small)
}

// firsts measures the first validation after a revocation, among ever more of them.
func (m measurement) firsts(ctx context.Context, r *report, ours, theirs *side) error {
	if !strings.Contains("first validation", m.only) {
		return nil
	}
	there := 0
	for _, among := range []int{0, 1000, 10_000} {
		for _, s := range []*side{ours, theirs} {
			if among > there {
				if err := s.revoked(ctx, among-there); err != nil {
					return err
				}
			}
		}
		there = among
		if err := errors.Join(ours.world.Quiet(), theirs.world.Quiet()); err != nil {
			return err
		}
		row := row{name: fmt.Sprintf("first validation, %d revocations", among), level: 1}
		for round := range m.rounds {
			var pair [2]load.Cell
			order := []int{0, 1}
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, which := range order {
				if err := ctx.Err(); err != nil {
					return err
				}
				var err error
				if pair[which], err = []*side{ours, theirs}[which].world.FirstAfter(m.first); err != nil {
					return err
				}
			}
			row.rounds = append(row.rounds, pair)
		}
		r.add(row)
	}
	return nil
}
