package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	password    = "secret-admin"
	startWithin = 30 * time.Second
)

// process is a service that is started and killed.
type process struct {
	binary, folder, url string
	port                int
	running             *exec.Cmd
	log                 bytes.Buffer
	took                time.Duration // the last start, until GET /v3 was answered
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
	return &process{binary: binary, folder: folder, port: port, url: "http://127.0.0.1:" + strconv.Itoa(port) + "/v3"}, nil
}

func (p *process) start() error {
	began := time.Now()
	p.log.Reset()
	p.running = exec.Command(p.binary, "serve") //nolint:gosec // G204: our own program
	p.running.Env = append(os.Environ(), "DATA="+filepath.Join(p.folder, "data"), "PORT="+strconv.Itoa(p.port),
		"ADMIN_PASSWORD="+password, "LOG_LEVEL=error", "DYNAMODB_ENDPOINT=", "PUBLIC_URL=")
	p.running.Stdout, p.running.Stderr = &p.log, &p.log
	if err := p.running.Start(); err != nil {
		return err
	}
	for time.Since(began) < startWithin {
		if res, err := http.Get(p.url); err == nil {
			_ = res.Body.Close()
			p.took = time.Since(began)
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.kill()
	return fmt.Errorf("the service did not answer within %s:\n%s", startWithin, p.log.String())
}

// kill is SIGKILL: nothing is flushed, nobody is told.
func (p *process) kill() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Kill()
	_ = p.running.Wait() // says that it was killed
	p.running = nil
}
