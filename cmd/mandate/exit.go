package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"mandate/shared/bulk"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/embedded"
)

// Exit codes tell apart what a script can do about a failure.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnavailable = 4
	exitInterrupted = 130 // 128 and SIGINT, as shells say it
)

// exitCodes is what --help says of them.
func exitCodes() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range []struct {
		code    int
		meaning string
	}{
		{0, "done; serve and events --follow: told to stop"},
		{exitFailed, "failed, for none of the reasons below"},
		{exitUsage, "a flag or a variable is wrong, or a file that one names is not there"},
		{exitRefused, "refused: lines of an import, a sign-in, or a data or key file that is not as it must be"},
		{exitUnavailable, "unavailable: port or data in use, cloud or DynamoDB not answering; the same may work later"},
		{exitInterrupted, "interrupted before the end"},
	} {
		fmt.Fprintf(&b, "  %-4d %s\n", e.code, e.meaning)
	}
	return b.String()
}

// coded is an error that knows its exit code.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }
func (c coded) ExitCode() int { return c.code }

func usage(err error) error       { return coded{err, exitUsage} }
func refused(err error) error     { return coded{err, exitRefused} }
func unavailable(err error) error { return coded{err, exitUnavailable} }

// exitCode is what an error means to a script.
func exitCode(err error) int {
	var (
		known   coded
		answer  bulk.Answer
		request *url.Error
		network *net.OpError
	)
	p, isProblem := problem.As(err)
	switch {
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &answer):
		if answer.Code >= http.StatusInternalServerError || answer.Code == http.StatusTooManyRequests {
			return exitUnavailable
		}
		return exitRefused
	case isProblem && (p.Kind == problem.KindUnavailable || p.Kind == problem.KindTooMany),
		errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrContended), errors.Is(err, embedded.ErrLocked),
		errors.As(err, &request), errors.As(err, &network):
		return exitUnavailable
	case isProblem && p.Kind == problem.KindInvalid, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return exitUsage
	case isProblem, errors.Is(err, embedded.ErrDamaged), errors.Is(err, embedded.ErrFormat), errors.Is(err, secret.ErrNoKeyset):
		return exitRefused
	}
	return exitFailed
}
