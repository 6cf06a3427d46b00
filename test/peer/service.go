package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mandate/test/load"
)

// A side is one of the two services, with the same world made on it.
type side struct {
	name  string
	world *load.World
	cases []*load.Case
	pids  load.Processes
	// rows fills its table with what would take too long to make by requests.
	revoked func(ctx context.Context, n int) error
	trusts  func(ctx context.Context, n int) (load.Trustor, error)
}

const (
	keystonePort = 5601
	mandatePort  = 5611
)

// startKeystone starts the peer; what it is made of is in keystone.sh. One that is running
// already is left alone.
func startKeystone(ctx context.Context, dir string, running bool) (s *side, stop func(), err error) {
	script := func(ctx context.Context, verb string) error {
		cmd := exec.CommandContext(ctx, "test/peer/keystone.sh", verb, dir) //nolint:gosec // G204: our own folder
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(keystonePort))
		return cmd.Run()
	}
	stop = func() {}
	if !running {
		stop = func() { _ = script(context.WithoutCancel(ctx), "stop") }
		fmt.Fprintln(os.Stderr, "starting Keystone (the first time its packages are installed)…")
		if err := script(ctx, "start"); err != nil {
			stop()
			return nil, nil, fmt.Errorf("start Keystone: %w", err)
		}
	}
	s = &side{name: "Keystone"}
	text, err := os.ReadFile(filepath.Join(dir, "pids")) //nolint:gosec // G304: our own folder
	if err == nil {
		for line := range strings.Lines(string(text)) {
			pid, bad := strconv.Atoi(strings.Fields(line)[1])
			s.pids, err = append(s.pids, pid), errors.Join(err, bad)
		}
	}
	if err == nil {
		err = s.make(filepath.Join(dir, "openrc"))
	}
	db := database{filepath.Join(dir, "mysql", "sock")}
	s.revoked = db.revoked
	s.trusts = func(ctx context.Context, n int) (load.Trustor, error) { return db.trusts(ctx, s.world, n) }
	if err != nil {
		stop()
	}
	return s, stop, err
}

// startMandate starts our service as an operator does.
func startMandate(ctx context.Context, binary, dir string, port int) (s *side, stop func(), err error) {
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	logFile, err := os.Create(filepath.Join(dir, "log")) //nolint:gosec // G304: our own folder
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Stdout, cmd.Stderr = &out, logFile
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), "DATA="+data, "PORT="+strconv.Itoa(port), "TOKEN_EXPIRATION=14400")
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait(); _ = logFile.Close() }
	s = &side{name: "Mandate", pids: load.Processes{cmd.Process.Pid}}
	openrc := filepath.Join(data, "openrc")
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err = s.make(openrc); err == nil {
			break
		}
		if time.Since(began) > 30*time.Second {
			stop()
			return nil, nil, fmt.Errorf("start mandate: %w", err)
		}
	}
	s.revoked = func(_ context.Context, n int) error { return s.world.RevokeMany(n) }
	s.trusts = func(_ context.Context, n int) (load.Trustor, error) { return s.world.TrustMany(n) }
	return s, stop, nil
}

// make signs in and makes the world.
func (s *side) make(openrc string) error {
	text, err := os.ReadFile(openrc) //nolint:gosec // G304: what the side wrote
	if err != nil {
		return err
	}
	values := map[string]string{}
	for word := range strings.FieldsSeq(string(text)) {
		if name, value, ok := strings.Cut(word, "="); ok {
			values[name] = strings.Trim(value, `'"`)
		}
	}
	client, err := load.SignIn(func(name string) string { return values[name] }, s.pids)
	if err != nil {
		return err
	}
	if s.world, err = client.Build(); err != nil {
		return err
	}
	s.cases, err = s.world.Cases()
	return err
}
