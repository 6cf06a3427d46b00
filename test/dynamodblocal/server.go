// Package dynamodblocal runs DynamoDB Local, the vendor's own engine, as the reference that
// tests hold store/dynamodb to. It decides that nothing outside this machine can reach it:
// it listens on 127.0.0.1 (Loopback.java), or on another address that it is told, and keeps
// everything in memory.
//
//	table := dynamodblocal.Unfollowed(t) // in a file with the build tag dynamodb; Table(t) has a stream too
//
// It needs Java 17 (a JDK), and Maven with a network when it is first run: pom.xml pins
// what is fetched into .cache/. Tests that use it carry the build tag dynamodb, so that
// `make test` needs neither.
package dynamodblocal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// Server is a running DynamoDB Local.
type Server struct {
	Endpoint string // http://127.0.0.1:PORT, or the other address

	process *exec.Cmd
	stdin   io.Closer // it ends when this is closed, and so when this process ends
	ended   chan struct{}
}

const (
	startWithin = time.Minute // some 3 s on two idle cores
	stopWithin  = 5 * time.Second
)

// Loopback is where nothing outside this machine reaches.
const Loopback = "127.0.0.1"

// Start starts DynamoDB Local with no tables on an address of this machine, on a port or,
// when it is 0, on any free one. It ends by Stop, or with the process that started it.
func Start(ctx context.Context, address string, port int) (*Server, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	jars, err := fetch(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("fetch DynamoDB Local: %w", err)
	}
	s := &Server{
		process: exec.Command("java", //nolint:gosec // G204: our own arguments
			"-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // starts sooner
			"-Djava.library.path="+jars, "-cp", filepath.Join(jars, "*"),
			filepath.Join(root, source, "Loopback.java"), strconv.Itoa(port), address),
		ended: make(chan struct{}),
	}
	if err := s.start(ctx, address); err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	if err := s.warm(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("ask DynamoDB Local for its tables: %w", err)
	}
	return s, nil
}

// warm waits for a first answer, whatever it is. It loads half of the server, and on a busy
// machine takes longer than a client of ours would wait.
func (s *Server) warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20300101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return w.Body.Close()
}

func (s *Server) start(ctx context.Context, address string) error {
	var complaints bytes.Buffer
	s.process.Stderr = &complaints
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	s.stdin = stdin
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, stdout)
		_ = s.process.Wait() // how it ended says nothing: we end it
		close(s.ended)
	}()

	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case <-ctx.Done():
		s.Stop()
		return ctx.Err()
	case port := <-first:
		if _, err := strconv.Atoi(port); err != nil {
			s.Stop()
			return errors.New(strings.TrimSpace(port + "\n" + complaints.String()))
		}
		s.Endpoint = "http://" + net.JoinHostPort(address, port)
		return nil
	}
}

// Stop ends the server and returns when it has ended.
func (s *Server) Stop() {
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(stopWithin):
		_ = s.process.Process.Kill()
		<-s.ended
	}
}

// Ended is closed when the server has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// source is where this package is in the module.
var source = filepath.Join("test", "dynamodblocal")

// moduleRoot finds the module that holds the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, source, "pom.xml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not in Mandate's source")
		}
	}
}

// fetch returns the folder of what pom.xml names, which it fetches by Maven once for all
// processes. The folder is named by the file, so that a change of it is noticed.
func fetch(ctx context.Context, root string) (string, error) {
	pom := filepath.Join(root, source, "pom.xml")
	text, err := os.ReadFile(pom) //nolint:gosec // G304: our own file
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	jars := filepath.Join(root, ".cache", "dynamodb-local-"+hex.EncodeToString(sum[:4]))
	if err := os.MkdirAll(filepath.Dir(jars), 0o750); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(jars+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: our own file
	if err != nil {
		return "", err
	}
	defer lock.Close() //nolint:errcheck // gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	partial := jars + ".partial"
	out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", pom, //nolint:gosec // G204: our own arguments
		"dependency:copy-dependencies", "-DoutputDirectory="+partial).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return jars, os.Rename(partial, jars)
}
