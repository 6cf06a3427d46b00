// Command openapi writes docs/openapi.yaml from what the service is made of: the routes
// of template.yaml, the types that operations read and answer, their comments, and the
// exchanges of test/transcripts. Nothing in the description is written by hand, so
// nothing in it can be out of date unnoticed: a test makes it again and compares.
//
//	go run ./cmd/openapi -o docs/openapi.yaml
package main

//go:generate go run . -root ../.. -o ../../docs/openapi.yaml

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "docs/openapi.yaml", "the file to write")
	root := flag.String("root", ".", "root of the source tree")
	flag.Parse()
	text, err := describe(*root)
	if err == nil {
		err = os.WriteFile(*out, text, 0o644) //nolint:gosec // G306: a document is for everybody to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}
