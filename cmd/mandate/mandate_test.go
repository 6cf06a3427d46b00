package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mandate/shared/bulk"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mandate": main})
}

// TestCommand runs the scripts in testdata against the command itself.
func TestCommand(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", Deadline: time.Now().Add(3 * time.Minute),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport": freePort, "await": await, "damage": damage, "mode": mode,
			"generate": generate, "awaitwrites": awaitWrites,
			"awaitlines": awaitLines, "revoke": revoke, "exits": exits, "silent": silent,
		},
	})
}

// freePort sets a variable to a port that nobody listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// await returns when a service answers on a port.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answers(args[0]) {
			return
		}
	}
	ts.Fatalf("nobody answers at port %s", args[0])
}

// damage overwrites the first pages of a data file behind its two meta pages.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	ts.Check(err)
	_, err = f.WriteAt(bytes.Repeat([]byte("damage! "), 8*4096/8), 2*4096)
	ts.Check(err)
	ts.Check(f.Close())
}

// mode compares the permissions of a file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// generate writes a directory of a number of users with ten assignments each.
func generate(ts *testscript.TestScript, _ bool, args []string) {
	users, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(bulk.Generate(f, users, 50, 10))
	ts.Check(f.Close())
}

// awaitWrites returns when a file has been seen to change a number of times.
func awaitWrites(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	var last time.Time
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		info, err := os.Stat(ts.MkAbs(args[0]))
		if err != nil || info.ModTime().Equal(last) {
			continue
		}
		last = info.ModTime()
		if want--; want <= 0 {
			return
		}
	}
	ts.Fatalf("%s did not change so often", args[0])
}

// awaitLines returns when a file has so many lines.
func awaitLines(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && bytes.Count(text, []byte("\n")) >= want {
			return
		}
	}
	ts.Fatalf("%s has no %d lines", args[0], want)
}

// revoke makes two events.
func revoke(ts *testscript.TestScript, _ bool, args []string) { ts.Check(revokeAt(args[0], args[1])) }

// revokeAt signs the admin in at a port and revokes a token made of that one, which are two events.
func revokeAt(port, password string) error {
	send := func(method, body string, headers ...string) (string, error) {
		r, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1:"+port+"/v3/auth/tokens", strings.NewReader(body))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/json")
		for n := 0; n < len(headers); n += 2 {
			r.Header.Set(headers[n], headers[n+1])
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		if reply.StatusCode >= http.StatusBadRequest {
			err = fmt.Errorf("%s tokens: %s", method, reply.Status)
		}
		return reply.Header.Get("X-Subject-Token"), errors.Join(err, reply.Body.Close())
	}
	token, err := send("POST", `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"id": "default"},
		"password": "`+password+`"}}}}}`)
	if err != nil {
		return err
	}
	derived, err := send("POST", `{"auth": {"identity": {"methods": ["token"], "token": {"id": "`+token+`"}}}}`)
	if err != nil {
		return err
	}
	_, err = send("DELETE", "", "X-Auth-Token", token, "X-Subject-Token", derived)
	return err
}

// answers reports whether a service answers on a port.
func answers(port string) bool {
	r, err := http.Get("http://127.0.0.1:" + port + "/v3") //nolint:noctx // it answers or nobody is there
	if err != nil {
		return false
	}
	return r.Body.Close() == nil && r.StatusCode == http.StatusOK
}

// exits runs a command and compares its exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d", got)
	}
}

// silent serves on a port, which a variable names, and never answers.
func silent(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	ts.Setenv(args[0], fmt.Sprint(server.Listener.Addr().(*net.TCPAddr).Port))
	ts.Defer(server.Close)
}
