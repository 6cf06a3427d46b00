// Command init is the part of a Lambda container that starts the function and hands it its
// invocations, for LocalStack on machines where the vendor's own program for it cannot be
// had. It speaks to both sides: Lambda's Runtime API to the function, and to LocalStack what
// version 4.14.0 of it speaks (services/lambda_/invocation/executor_endpoint.py). It does no
// more than that: no extensions, no dropped privileges, one invocation at a time.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

const (
	runtimeAPI = "127.0.0.1:9001" // where the function asks for invocations
	invokeAPI  = ":9563"          // where LocalStack brings them; the container's own network
	function   = "/var/task/bootstrap"
	version    = "/2018-06-01/runtime/"
)

// invocation is one, as LocalStack brings it.
type invocation struct {
	ID      string `json:"invoke-id"`
	ARN     string `json:"invoked-function-arn"`
	Payload string `json:"payload"`
	Trace   string `json:"trace-id"`
}

// host stands between LocalStack and the function.
type host struct {
	localStack, id string // its address for this container, and the container's name there
	timeout        time.Duration
	next           chan invocation

	ready   sync.Once
	mu      sync.Mutex
	current *invocation
	timer   *time.Timer
	logs    bytes.Buffer
	process *exec.Cmd
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	}
}

func run() error {
	seconds, _ := strconv.Atoi(os.Getenv("AWS_LAMBDA_FUNCTION_TIMEOUT"))
	h := &host{
		localStack: os.Getenv("LOCALSTACK_RUNTIME_ENDPOINT"), id: os.Getenv("LOCALSTACK_RUNTIME_ID"),
		timeout: time.Duration(cmp.Or(seconds, 60)) * time.Second, next: make(chan invocation, 1),
	}
	if h.localStack == "" || h.id == "" {
		return errors.New("LOCALSTACK_RUNTIME_ENDPOINT and LOCALSTACK_RUNTIME_ID are not set")
	}
	towards := http.NewServeMux()
	towards.HandleFunc("GET "+version+"invocation/next", h.give)
	towards.HandleFunc("POST "+version+"invocation/{id}/response", h.done("response"))
	towards.HandleFunc("POST "+version+"invocation/{id}/error", h.done("error"))
	towards.HandleFunc("POST "+version+"init/error", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		h.tell("/status/"+h.id+"/error", text)
		w.WriteHeader(http.StatusAccepted)
	})
	from := http.NewServeMux()
	from.HandleFunc("POST /invoke", h.take)

	failed := make(chan error, 2)
	for address, handler := range map[string]http.Handler{runtimeAPI: towards, invokeAPI: from} {
		s := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { failed <- s.ListenAndServe() }()
	}
	go h.keep()
	return <-failed
}

// Write takes the function's output, for LocalStack and for the container's log.
func (h *host) Write(text []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs.Write(text)
	return os.Stderr.Write(text)
}

// keep runs the function, again when it ended during an invocation. One that ends before
// it asks for any is reported as failed, and left.
func (h *host) keep() {
	for {
		c := exec.Command(function)
		c.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+runtimeAPI)
		c.Stdout, c.Stderr = h, h
		err := c.Start()
		if err == nil {
			h.mu.Lock()
			h.process = c
			h.mu.Unlock()
			err = c.Wait()
		}
		message, _ := json.Marshal(map[string]string{"errorType": "Runtime.ExitError", "errorMessage": fmt.Sprintf("the function ended: %v", err)})
		if i := h.finish(""); i != nil {
			h.report(i.ID, "error", message)
			continue
		}
		h.ready.Do(func() { h.tell("/status/"+h.id+"/error", message) })
		return
	}
}

// give hands the function its next invocation. Asking for the first says that it is ready.
func (h *host) give(w http.ResponseWriter, r *http.Request) {
	h.ready.Do(func() { go h.tell("/status/"+h.id+"/ready", nil) })
	var i invocation
	select {
	case i = <-h.next:
	case <-r.Context().Done():
		return
	}
	h.mu.Lock()
	h.current = &i
	h.timer = time.AfterFunc(h.timeout, h.end)
	h.mu.Unlock()
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.ID)
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(h.timeout).UnixMilli(), 10))
	w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", i.ARN)
	w.Header().Set("Lambda-Runtime-Trace-Id", i.Trace)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, i.Payload)
}

// end ends a function whose time is up; keep reports that and starts it again.
func (h *host) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.process.Process.Kill()
}

// finish returns the invocation under way, or nil when it is not the one named, and ends it.
func (h *host) finish(id string) *invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.current
	if i == nil || id != "" && i.ID != id {
		return nil
	}
	h.current = nil
	h.timer.Stop()
	return i
}

// done takes what the function answered.
func (h *host) done(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		i := h.finish(r.PathValue("id"))
		if err != nil || i == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h.report(i.ID, kind, text)
		w.WriteHeader(http.StatusAccepted)
	}
}

// take queues an invocation.
func (h *host) take(w http.ResponseWriter, r *http.Request) {
	var i invocation
	if err := json.NewDecoder(r.Body).Decode(&i); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.next <- i
	w.WriteHeader(http.StatusOK)
}

// report tells LocalStack what was printed and what came out.
func (h *host) report(id, kind string, text []byte) {
	h.mu.Lock()
	logs, _ := json.Marshal(map[string]string{"logs": h.logs.String()})
	h.logs.Reset()
	h.mu.Unlock()
	h.tell("/invocations/"+id+"/logs", logs)
	h.tell("/invocations/"+id+"/"+kind, text)
}

func (h *host) tell(path string, text []byte) {
	reply, err := http.Post(h.localStack+path, "application/json", bytes.NewReader(text)) //nolint:noctx // as long as the process
	if err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		return
	}
	_ = reply.Body.Close()
}
