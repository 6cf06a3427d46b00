package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exampleLine is a command in a help text; what it does stands in the line below.
var exampleLine = regexp.MustCompile(`(?m)^  \$ (.+)\n    (\S.*)$`)

// TestHelp: every command, flag and argument says what it is, and every command gives
// examples, which are run.
func TestHelp(t *testing.T) {
	model := newParser(&commands{}).Model
	require.Greater(t, len(model.Leaves(true)), 6)
	examples(t, "mandate", model.Help)
	for _, command := range model.Leaves(true) {
		t.Run(command.Name, func(t *testing.T) {
			assert.NotEmpty(t, command.Help)
			for _, group := range command.AllFlags(true) {
				for _, flag := range group {
					assert.NotEmpty(t, flag.Help, "--%s", flag.Name)
				}
			}
			for _, argument := range command.Positional {
				assert.NotEmpty(t, argument.Help, argument.Name)
			}
			examples(t, command.Name, command.Detail)
		})
	}
}

// examples runs what a help text gives as examples of a command.
func examples(t *testing.T, command, text string) {
	t.Helper()
	found := exampleLine.FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, found)
	require.Len(t, found, strings.Count(text, "  $ "), "examples without a meaning")
	for _, example := range found {
		t.Run(example[1], func(t *testing.T) {
			assert.Contains(t, example[1], command)
			t.Parallel()
			f := newFolder(t)
			if command == "export" || command == "events" {
				f.serve()
			}
			f.try(example[1])
		})
	}
}

// folder is where an example is run: with the data of a first start in .mandate, an openrc,
// a clouds.yaml and a file to import.
type folder struct {
	t    *testing.T
	path string
	port string
}

func newFolder(t *testing.T) folder {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	f := folder{t: t, path: t.TempDir(), port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}
	f.run("mandate bootstrap")
	f.write("cloud.jsonl", `{"role":{"id":"r1","name":"pilot"}}`+"\n")
	return f
}

func (f folder) write(name, text string) {
	require.NoError(f.t, os.WriteFile(filepath.Join(f.path, name), []byte(text), 0o600))
}

func (f folder) read(name string) string {
	text, err := os.ReadFile(filepath.Join(f.path, name)) //nolint:gosec // G304: below a folder of this test
	require.NoError(f.t, err)
	return string(text)
}

// start runs a line of bash in the folder. What it says goes to a file; end tells it to stop.
func (f folder) start(line, said string) (end, wait func() error) {
	out, err := os.Create(filepath.Join(f.path, said)) //nolint:gosec // G304: as above
	require.NoError(f.t, err)
	c := exec.Command("bash", "-c", line)
	c.Dir, c.Stdout, c.Stderr = f.path, out, out
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.path, "PORT=" + f.port, "ADMIN_PASSWORD=secret"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(f.t, c.Start())
	wait = sync.OnceValue(func() error { return errors.Join(c.Wait(), out.Close()) })
	return func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }, wait
}

func (f folder) run(line string) {
	_, wait := f.start(line, "said")
	err := wait()
	require.NoError(f.t, err, f.read("said"))
}

// serve serves the folder until the test ends, as the cloud of openrc and of clouds.yaml,
// and lets two events happen.
func (f folder) serve() {
	end, wait := f.start("mandate serve", "served")
	f.t.Cleanup(func() { require.NoError(f.t, errors.Join(end(), wait()), f.read("served")) })
	f.until(func() bool { return answers(f.port) })
	f.write("openrc", f.read(".mandate/openrc"))
	f.write("clouds.yaml", strings.Replace(f.read(".mandate/clouds.yaml"), "  mandate:", "  production:", 1))
	require.NoError(f.t, revokeAt(f.port, "secret"))
}

func (f folder) until(holds func() bool) {
	require.Eventually(f.t, holds, 20*time.Second, 10*time.Millisecond)
}

// try runs an example as it is written, but for ports, which are free ones. It must succeed;
// what goes on until it is told to stop is told so once it works.
func (f folder) try(line string) {
	working := func() bool { return f.read("said") != "" }
	switch {
	case strings.Contains(line, "mandate serve"):
		working = func() bool { return answers(f.port) }
	case !strings.Contains(line, "--follow"):
		f.run(line)
		return
	}
	end, wait := f.start(strings.ReplaceAll(line, "PORT=5001", "PORT="+f.port), "said")
	f.until(working)
	err := errors.Join(end(), wait())
	require.NoError(f.t, err, f.read("said"))
}

// TestHelpNamesTheVariables: what shared/config reads, and no flag sets, stands in --help with its default.
func TestHelpNamesTheVariables(t *testing.T) {
	source, err := os.ReadFile("../../shared/config/config.go")
	require.NoError(t, err)
	variables := regexp.MustCompile(`(?m)// ([A-Z][A-Z0-9_]+)(?:, seconds)?: .*\((\w+)\)$`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(variables), 10)
	help := newParser(&commands{}).Model.Help
	for _, v := range variables {
		assert.Regexp(t, `(?m)^  `+v[1]+`=`+v[2]+` `, help)
	}
}
