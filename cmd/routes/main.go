// Command routes writes functions/routes/table.go from template.yaml, so that a deployed
// function knows which operation a route is for although the template stays the only
// place where routes are said. It is run by go generate ./functions/routes.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"

	"mandate"
	"mandate/shared/sam"
)

func main() {
	out := flag.String("o", "table.go", "the file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "routes:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	t, err := sam.Parse(mandate.Template)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("// Code generated from template.yaml by cmd/routes. DO NOT EDIT.\n\n")
	b.WriteString("package routes\n\nimport \"mandate/shared/route\"\n\n")
	b.WriteString("// Table is every route of the API.\nvar Table = []route.Route{\n")
	for _, r := range t.Routes() {
		fmt.Fprintf(&b, "\t{Method: %q, Path: %q, Operation: %q, Function: %q},\n", r.Method, r.Path, r.Operation, r.Function)
	}
	b.WriteString("}\n")
	text, err := format.Source(b.Bytes())
	if err != nil {
		return fmt.Errorf("format the table: %w", err)
	}
	return os.WriteFile(out, text, 0o644) //nolint:gosec // G306: source code is for everybody to read
}
