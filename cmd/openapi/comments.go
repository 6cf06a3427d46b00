package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// comments are what the source says: of operations by their names, of areas by theirs.
type comments struct {
	operations map[string]string
	areas      map[string]string
}

// readComments reads the doc comment of each function that makes an operation, which is
// the one whose body says `Name: "CreateTrust"`, and the comment of each area's package.
func readComments(root string) (comments, error) {
	said := comments{operations: map[string]string{}, areas: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "*.go"))
	if err != nil {
		return said, err
	}
	if len(files) == 0 {
		return said, errors.New("no source below functions")
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return said, fmt.Errorf("read comments: %w", err)
		}
		if f.Doc != nil {
			_, text, _ := strings.Cut(f.Doc.Text(), " ") // Package
			_, text, _ = strings.Cut(text, " ")          // its name
			said.areas[f.Name.Name] = paragraph(strings.TrimPrefix(text, "is "))
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Doc != nil {
				_, text, _ := strings.Cut(fn.Doc.Text(), " ") // a comment begins with the name
				for _, name := range named(fn) {
					said.operations[name] = paragraph(text)
				}
			}
		}
	}
	return said, nil
}

// named lists the values of all members Name in a function's body.
func named(fn *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(fn, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, isName := pair.Key.(*ast.Ident)
		value, isText := pair.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "Name" && value.Kind == token.STRING {
			if name, err := strconv.Unquote(value.Value); err == nil {
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

// reference is what a comment says for those who read the source: rows and pages of the contract.
var reference = regexp.MustCompile(` \([^()]*([A-Z]+-\d{3}|\.md)[^()]*\)`)

// paragraph is the first paragraph of a comment on one line, as a sentence.
func paragraph(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n\n")
	text = reference.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
