// Package deployed runs the executable of a function as Lambda does: with an environment, and
// against a Runtime API, which here is a listener on loopback.
package deployed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Build makes the executable of an area as `make build` does, and returns where it is. arch
// "" is this machine's.
func Build(ctx context.Context, dir, area, arch string) (string, error) {
	out := filepath.Join(dir, "bootstrap-"+area+arch)
	if text, err := Building(ctx, out, area, arch).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	return out, nil
}

// Building is the command that Build runs; flags are further ones for the linker.
func Building(ctx context.Context, out, area, arch string, flags ...string) *exec.Cmd {
	linker := strings.Join(append([]string{"-s", "-w"}, flags...), " ")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", linker, "-o", out, "mandate/functions/"+area+"/lambda") //nolint:gosec // G204: our own arguments
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if arch != "" {
		c.Env = append(c.Env, "GOARCH="+arch)
	}
	return c
}

// Start is how an executable started.
type Start struct {
	Ready     bool          // it asked for an event when there were no more, and was ended then
	After     time.Duration // until it asked for its first, or ended by itself
	Processor time.Duration
	ExitCode  int // of one that ended by itself
	Replies   []string
	Log       string
}

// TraceID is the trace that all events belong to.
const TraceID = "1-67891233-abcdef012345678912345678"

// runtimeAPI hands out events and takes replies
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
type runtimeAPI struct {
	began   time.Time
	events  []string
	first   time.Duration // until the first event was asked for
	replies []string
	ready   chan struct{} // closed when an event was asked for and there were no more
	handed  int
}

// ServeHTTP answers a function, which asks for one thing after the other.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.first == 0 {
		a.first = time.Since(a.began)
	}
	switch {
	case r.Method == http.MethodPost: // …/response, …/error
		body, _ := io.ReadAll(r.Body)
		a.replies = append(a.replies, string(body))
		w.WriteHeader(http.StatusAccepted)
	case a.handed < len(a.events):
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(a.handed))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root="+TraceID+";Parent=53995c3f42cd8ad8;Sampled=0")
		a.handed++
		_, _ = io.WriteString(w, a.events[a.handed-1])
	default:
		close(a.ready)
		<-r.Context().Done()
	}
}

// Run starts an executable with an environment, and nothing but that, gives it events, and
// waits until it has replied to all or has ended.
func Run(ctx context.Context, executable string, env map[string]string, events ...string) (Start, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Start{}, err
	}
	api := &runtimeAPI{events: events, ready: make(chan struct{})}
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: api}
	go func() { _ = s.Serve(listener) }()
	defer s.Close() //nolint:errcheck // nothing is kept

	var log bytes.Buffer
	c := exec.CommandContext(ctx, executable)
	c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stderr = &log
	api.began = time.Now()
	if err := c.Start(); err != nil {
		return Start{}, err
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }() // how it ended is in ProcessState
	var out Start
	select {
	case <-api.ready:
		out.Ready, out.After, out.Replies = true, api.first, api.replies
		_ = c.Process.Kill()
		<-ended
	case <-ended:
		out.After, out.ExitCode = time.Since(api.began), c.ProcessState.ExitCode()
	}
	out.Processor, out.Log = c.ProcessState.UserTime()+c.ProcessState.SystemTime(), log.String()
	return out, nil
}
