package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	password    = "secret-admin"
	startWithin = time.Minute
)

// process is a service that is started, stopped and killed.
type process struct {
	binary, folder, url string
	port                int
	running             *exec.Cmd
	cpu                 time.Duration // of all runs that have ended
	swept               chan struct{} // closed when it says that the consumer is swept
}

func newProcess(binary, folder string) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only asks for a free port
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	return &process{
		binary: binary, folder: folder, port: port, url: "http://127.0.0.1:" + strconv.Itoa(port) + "/v3", swept: make(chan struct{}),
	}, nil
}

func (p *process) start() error {
	p.running = exec.Command(p.binary, "serve") //nolint:gosec // G204: our own program
	p.running.Env = append(os.Environ(), "DATA="+filepath.Join(p.folder, "data"), "PORT="+strconv.Itoa(p.port),
		"ADMIN_PASSWORD="+password, "LOG_LEVEL=info", "DYNAMODB_ENDPOINT=", "PUBLIC_URL=")
	out, err := p.running.StderrPipe()
	if err != nil {
		return err
	}
	if err := p.running.Start(); err != nil {
		return err
	}
	go p.listen(bufio.NewScanner(out))
	for began := time.Now(); time.Since(began) < startWithin; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(p.url); err == nil { //nolint:noctx // bounded by the loop
			return res.Body.Close()
		}
	}
	p.kill()
	return fmt.Errorf("the service did not answer within %s", startWithin)
}

// listen looks for the line that says that the consumer is swept.
func (p *process) listen(lines *bufio.Scanner) {
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"sweep done"`) && strings.Contains(lines.Text(), consumerID) {
			select {
			case <-p.swept:
			default:
				close(p.swept)
			}
		}
		if strings.Contains(lines.Text(), `"level":"ERROR"`) {
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}
}

// kill ends the service as a power cut would.
func (p *process) kill() {
	if p.running != nil {
		_ = p.running.Process.Kill()
		_ = p.running.Wait() // how it ended says nothing: we end it
		p.cpu += p.running.ProcessState.UserTime() + p.running.ProcessState.SystemTime()
	}
	p.running = nil
}

func (p *process) stop() error {
	err := errors.Join(p.running.Process.Signal(syscall.SIGTERM), p.running.Wait())
	p.cpu += p.running.ProcessState.UserTime() + p.running.ProcessState.SystemTime()
	p.running = nil
	return err
}
