// Package deployed runs the executable of a function as Lambda does: with an environment, and
// against a Runtime API, which here is a listener on loopback.
package deployed

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Build makes the executable of an area as `make build` does, and returns where it is. arch
// "" is this machine's.
func Build(ctx context.Context, dir, area, arch string) (string, error) {
	out := filepath.Join(dir, "bootstrap-"+area+arch)
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", out, "mandate/functions/"+area+"/lambda") //nolint:gosec // G204: our own arguments
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if arch != "" {
		c.Env = append(c.Env, "GOARCH="+arch)
	}
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	return out, nil
}

// Start is how an executable started.
type Start struct {
	Ready     bool          // it asked the Runtime API for its first event, and was ended then
	After     time.Duration // until it asked, or ended by itself
	Processor time.Duration
	ExitCode  int // of one that ended by itself
	Log       string
}

// Run starts an executable with an environment, and nothing but that, and waits until it is
// ready or has ended.
func Run(ctx context.Context, executable string, env map[string]string) (Start, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Start{}, err
	}
	ready := make(chan time.Time, 1)
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ready <- time.Now()
		<-r.Context().Done()
	})}
	go func() { _ = s.Serve(listener) }()
	defer s.Close() //nolint:errcheck // nothing is kept

	var log bytes.Buffer
	c := exec.CommandContext(ctx, executable)
	c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stderr = &log
	began := time.Now()
	if err := c.Start(); err != nil {
		return Start{}, err
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }() // how it ended is in ProcessState
	var out Start
	select {
	case at := <-ready:
		out.Ready, out.After = true, at.Sub(began)
		_ = c.Process.Kill()
		<-ended
	case <-ended:
		out.After, out.ExitCode = time.Since(began), c.ProcessState.ExitCode()
	}
	out.Processor, out.Log = c.ProcessState.UserTime()+c.ProcessState.SystemTime(), log.String()
	return out, nil
}
