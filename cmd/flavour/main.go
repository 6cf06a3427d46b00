// Command flavour derives other flavours from template.yaml, which stays the only place
// where functions, routes, roles and variables are said:
//
//	go run ./cmd/flavour -rest -code . -o .build/rest.yaml    # behind WAF or a private endpoint; for LocalStack
//	go run ./cmd/flavour -code amd64 -set DYNAMODB_ENDPOINT=http://… -o …
//
// A REST API costs more per call than the HTTP API that the template defines; docs/costs.md
// has both.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"mandate"
	"mandate/shared/sam"
)

func main() {
	var f sam.Flavour
	flag.BoolVar(&f.REST, "rest", false, "a REST API instead of an HTTP API")
	flag.BoolVar(&f.Latest, "latest", false, "no versions of functions and no shifting between them, as for emulators")
	flag.StringVar(&f.Code, "code", "", "folder of the executables, seen from the new template")
	flag.Func("set", "a variable for all functions, NAME=VALUE; may be repeated", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return fmt.Errorf("%q is not NAME=VALUE", text)
		}
		if f.Variables == nil {
			f.Variables = map[string]string{}
		}
		f.Variables[name] = value
		return nil
	})
	flag.Func("only", "functions to keep, separated by commas; all when not given", func(text string) error {
		f.Only = strings.Split(text, ",")
		return nil
	})
	out := flag.String("o", "", "the file to write; standard output when empty")
	flag.Parse()
	if err := run(f, *out); err != nil {
		fmt.Fprintln(os.Stderr, "flavour:", err)
		os.Exit(1)
	}
}

func run(f sam.Flavour, out string) error {
	text, err := sam.Derive(mandate.Template, f)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(out, text, 0o644) //nolint:gosec // G306: a template is for everybody to read
}
