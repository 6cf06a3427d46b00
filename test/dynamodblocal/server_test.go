//go:build dynamodb

package dynamodblocal_test

import (
	"bufio"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"mandate/test/dynamodblocal"
)

func port(t *testing.T, endpoint string) string {
	t.Helper()
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", u.Hostname())
	return u.Port()
}

func reachable(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// TestLoopbackOnly dials every other address of this machine. 127.0.0.2 is one wherever
// Linux runs, and is answered by whoever listens on all.
func TestLoopbackOnly(t *testing.T) {
	p := port(t, dynamodblocal.Shared(t).Endpoint)
	require.True(t, reachable("127.0.0.1:"+p))
	others := []string{"127.0.0.2", "::1"}
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if ip, isNet := a.(*net.IPNet); isNet && !ip.IP.IsLoopback() {
			others = append(others, ip.IP.String())
		}
	}
	for _, host := range others {
		require.False(t, reachable(net.JoinHostPort(host, p)), "listens on %s", host)
	}
}

func TestPortTaken(t *testing.T) {
	p, err := strconv.Atoi(port(t, dynamodblocal.Shared(t).Endpoint))
	require.NoError(t, err)
	_, err = dynamodblocal.Start(t.Context(), dynamodblocal.Loopback, p)
	require.ErrorContains(t, err, "Address already in use")
}

// TestCommand starts the server from another process and ends that in each way.
func TestCommand(t *testing.T) {
	program := filepath.Join(t.TempDir(), "dynamodb-local")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, c := range []struct {
		name string
		end  func(*exec.Cmd, func() error) error
	}{
		{"by signal", func(p *exec.Cmd, _ func() error) error { return p.Process.Signal(syscall.SIGTERM) }},
		{"by end of input", func(_ *exec.Cmd, closeInput func() error) error { return closeInput() }},
		{"by kill", func(p *exec.Cmd, _ func() error) error { return p.Process.Kill() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			process := exec.CommandContext(t.Context(), program, "-port", "0", "-until-eof")
			stdin, err := process.StdinPipe()
			require.NoError(t, err)
			stdout, err := process.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, process.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			address := "127.0.0.1:" + port(t, strings.TrimSpace(line))
			require.True(t, reachable(address))

			require.NoError(t, c.end(process, stdin.Close))
			err = process.Wait()
			if c.name != "by kill" {
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { return !reachable(address) }, 10*time.Second, 20*time.Millisecond)
		})
	}
}
