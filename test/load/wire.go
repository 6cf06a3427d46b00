package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// conn is an HTTP/1.1 connection, kept alive when the server keeps it. It does only what
// measuring needs, so that the generator takes little of the processors that it shares
// with the service.
type conn struct {
	net.Conn
	host   string
	r      *bufio.Reader
	closed bool // the server said that it closes
}

func dial(host string) (*conn, error) {
	c := &conn{host: host}
	return c, c.open()
}

func (c *conn) open() error {
	raw, err := net.DialTimeout("tcp", c.host, 5*time.Second)
	if err != nil {
		return err
	}
	c.Conn, c.r, c.closed = raw, bufio.NewReaderSize(raw, 32<<10), false
	return nil
}

func (c *conn) close() { _ = c.Close() }

// reply is what measuring and the requests that follow need of an answer.
type reply struct {
	status int
	token  string // X-Subject-Token
	body   []byte // only where it was asked for
}

// do sends raw bytes and reads one answer to its end.
func (c *conn) do(raw []byte, keep bool) (reply, error) {
	if c.closed {
		c.close()
		if err := c.open(); err != nil {
			return reply{}, err
		}
	}
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return reply{}, err
	}
	if _, err := c.Write(raw); err != nil {
		return reply{}, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 12 {
		return reply{}, fmt.Errorf("status line %q", line)
	}
	var r reply
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return reply{}, fmt.Errorf("status line %q", line)
	}
	length, err := c.headers(&r)
	if err != nil {
		return reply{}, err
	}
	return r, c.body(&r, length, keep)
}

// headers reads the headers and returns the length of the body, -1 for up to the end.
func (c *conn) headers(r *reply) (length int, err error) {
	length = -1
	if r.status == http.StatusNoContent {
		length = 0
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("x-subject-token")):
			r.token = string(value)
		case bytes.EqualFold(name, []byte("connection")):
			c.closed = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			return 0, errors.New("the answer has no length")
		}
	}
}

func (c *conn) body(r *reply, length int, keep bool) (err error) {
	var from io.Reader = c.r
	if length >= 0 {
		from = io.LimitReader(c.r, int64(length))
	} else if !c.closed {
		return errors.New("the answer has no length")
	}
	if keep || r.status >= http.StatusBadRequest {
		r.body, err = io.ReadAll(from)
	} else {
		_, err = io.Copy(io.Discard, from)
	}
	return err
}

// request renders a request once, to be sent many times.
func request(method, host, path string, headers map[string]string, body string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	for name, value := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return []byte(b.String())
}
