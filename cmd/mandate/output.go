package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// output is where a command says what it did: in words on standard output or, with --json,
// as JSON there and in words on standard error.
type output struct {
	JSON bool `name:"json" help:"Print the result as one line of JSON; all else goes to standard error."`
}

// say says a line to people.
func (o output) say(format string, a ...any) {
	to := io.Writer(os.Stdout)
	if o.JSON {
		to = os.Stderr
	}
	_, _ = fmt.Fprintf(to, format+"\n", a...)
}

// give prints a result for programs, if they are who asked.
func (o output) give(result any) error {
	if !o.JSON {
		return nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}
