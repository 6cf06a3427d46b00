// Command growth measures whether the service stays as quick when the directory grows
// (make growth). It writes a file of 100,000 users and 1,000,000 assignments, imports it
// with the command itself, kills that in the middle and runs it again, counts what is in
// the table, and compares listing users and validating a token with a table of 100 users.
//
//	go run ./test/growth -mandate bin/mandate
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

type measurement struct {
	mandate               string
	users, projects, each int
	rounds                int
	limit                 float64
	dir                   string
	again                 bool
}

func main() {
	m := measurement{}
	flag.StringVar(&m.mandate, "mandate", "bin/mandate", "the command")
	flag.IntVar(&m.users, "users", 100_000, "users of the large table")
	flag.IntVar(&m.projects, "projects", 1000, "projects of the large table")
	flag.IntVar(&m.each, "each", 10, "assignments of each user")
	flag.IntVar(&m.rounds, "rounds", 40, "rounds in which both tables are measured in turn")
	flag.Float64Var(&m.limit, "limit", 1.2, "how much longer the large table may take")
	flag.StringVar(&m.dir, "dir", "", "folder for file and tables, kept; a temporary one when empty")
	flag.BoolVar(&m.again, "again", false, "only compare, with the tables that an earlier run left in -dir")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := m.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func (m measurement) run(ctx context.Context) (err error) {
	if m.dir == "" {
		if m.dir, err = os.MkdirTemp("", "mandate-growth-*"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(m.dir)) }()
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	if !m.again {
		whole, err := m.whole(ctx)
		if err != nil {
			return err
		}
		if err := m.broken(ctx, whole.took); err != nil {
			return err
		}
	}
	few, small := m, filepath.Join(m.dir, "small")
	few.users, few.projects = 100, 20
	file := filepath.Join(m.dir, "small.jsonl")
	if err := few.generate(file); err != nil {
		return err
	}
	if _, err := m.start(ctx, small, file, nil); err != nil {
		return err
	}
	return m.compare(ctx, small, m.large())
}

func (m measurement) file() string  { return filepath.Join(m.dir, "large.jsonl") }
func (m measurement) large() string { return filepath.Join(m.dir, "large") }
