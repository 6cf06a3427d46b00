package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// fault is one change of one place.
type fault struct {
	n          int
	path       string
	line       int
	what, text string
}

// piece is text that is put into a source, in the place of the cut bytes that stand there.
type piece struct {
	at, cut int
	text    string
	opens   bool
}

// seeder puts faults into one source.
type seeder struct {
	path   string
	source []byte
	files  *token.FileSet
	next   func() int
	faults []fault
	pieces []piece
}

// seed returns a source with a switch at every place where a fault may be, each on its old
// line, and the faults. next draws their numbers.
func seed(path string, source []byte, next func() int) ([]byte, []fault, error) {
	s := &seeder{path: path, source: source, files: token.NewFileSet(), next: next}
	f, err := parser.ParseFile(s.files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			ast.Inspect(d.Body, s.visit)
		}
	}
	if len(s.faults) == 0 {
		return source, nil, nil
	}
	s.pieces = append(s.pieces, piece{at: s.offset(f.Name.End()), text: `; import "mandate/test/mutation/switched"`})
	return s.assemble(), s.faults, nil
}

func (s *seeder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BlockStmt:
		s.statements(n.List)
	case *ast.CaseClause:
		s.statements(n.Body)
	case *ast.CommClause:
		s.statements(n.Body)
	case *ast.IfStmt:
		s.bare(n.Cond)
	case *ast.ReturnStmt:
		for _, r := range n.Results {
			if id, ok := r.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
				s.wrap(r, "returns the other", "switched.Flip(%d, ", ")")
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			s.wrap(n, "loses its not", "switched.Flip(%d, ", ")")
		}
	case *ast.CallExpr:
		if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Where" && len(n.Args) > 0 && !n.Ellipsis.IsValid() {
			id := s.fault(n, "writes without its conditions")
			s.put(n.Args[0].Pos(), 0, fmt.Sprintf("switched.All(%d, ", id), true)
			s.put(n.Args[len(n.Args)-1].End(), 0, ")...", false)
		}
	case *ast.BinaryExpr:
		s.binary(n)
	}
	return true
}

func (s *seeder) binary(n *ast.BinaryExpr) {
	switch n.Op {
	case token.EQL, token.NEQ:
		s.wrap(n, "is turned round", "switched.Flip(%d, ", ")")
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		s.wrap(n, "is turned round", "switched.Flip(%d, ", ")")
		id := s.fault(n, "moves its edge")
		name, end := "Less", ")"
		if n.Op == token.LEQ || n.Op == token.GTR {
			name = "AtMost"
		}
		if n.Op == token.GTR || n.Op == token.GEQ { // a > b is !(a <= b)
			name = "!switched." + name
		} else {
			name = "switched." + name
		}
		s.put(n.X.Pos(), 0, fmt.Sprintf("%s(%d, ", name, id), true)
		s.put(n.OpPos, len(n.Op.String()), ",", false)
		s.put(n.Y.End(), 0, end, false)
	case token.LAND, token.LOR:
		id, name := s.fault(n, "confuses and with or"), "And"
		if n.Op == token.LOR {
			name = "Or"
		}
		s.put(n.X.Pos(), 0, fmt.Sprintf("switched.%s(%d, ", name, id), true)
		s.put(n.OpPos, len(n.Op.String()), ", func() bool { return (", false)
		s.put(n.Y.End(), 0, ") })", false)
	}
}

// bare turns round a condition that is a name or a call; others have faults of their own.
func (s *seeder) bare(cond ast.Expr) {
	switch cond.(type) {
	case *ast.Ident, *ast.CallExpr, *ast.SelectorExpr, *ast.IndexExpr:
		s.wrap(cond, "is turned round", "switched.Flip(%d, ", ")")
	}
}

// statements leaves out calls and assignments, one at a time.
func (s *seeder) statements(list []ast.Stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *ast.ExprStmt:
			if call, ok := st.X.(*ast.CallExpr); ok && !s.unnoticed(call) {
				s.wrap(st, "is left out", "if switched.Keep(%d) { ", " }")
			}
		case *ast.AssignStmt:
			if id, ok := st.Lhs[0].(*ast.Ident); st.Tok != token.DEFINE && (!ok || id.Name != "_") {
				s.wrap(st, "is left out", "if switched.Keep(%d) { ", " }")
			}
		case *ast.IncDecStmt:
			s.wrap(st, "is left out", "if switched.Keep(%d) { ", " }")
		}
	}
}

// unnoticed are calls that no answer depends on, or that must not be left out: what ends a
// function, sizes of memory, locks.
func (s *seeder) unnoticed(call *ast.CallExpr) bool {
	name := s.shown(call.Fun)
	return name == "panic" || strings.HasPrefix(name, "slog.") || strings.HasSuffix(name, "ock") || strings.HasSuffix(name, ".Grow")
}

func (s *seeder) wrap(n ast.Node, what, before, after string) {
	id := s.fault(n, what)
	s.put(n.Pos(), 0, fmt.Sprintf(before, id), true)
	s.put(n.End(), 0, after, false)
}

func (s *seeder) fault(n ast.Node, what string) int {
	id := s.next()
	line := s.files.Position(n.Pos()).Line
	s.faults = append(s.faults, fault{id, s.path, line, what, s.shown(n)})
	return id
}

// shown is the first line of a piece of the source.
func (s *seeder) shown(n ast.Node) string {
	text, _, _ := strings.Cut(string(s.source[s.offset(n.Pos()):s.offset(n.End())]), "\n")
	return text
}

func (s *seeder) offset(p token.Pos) int { return s.files.Position(p).Offset }

func (s *seeder) put(at token.Pos, cut int, text string, opens bool) {
	s.pieces = append(s.pieces, piece{s.offset(at), cut, text, opens})
}

// assemble puts the pieces in. The tree is walked from the outside in: of what opens at one
// place the outer comes first, of what closes there the inner; and what closes comes before
// what opens.
func (s *seeder) assemble() []byte {
	order := make([]int, len(s.pieces))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := s.pieces[a], s.pieces[b]
		switch {
		case p.at != q.at:
			return p.at - q.at
		case p.opens != q.opens:
			if q.opens {
				return -1
			}
			return 1
		case p.opens:
			return a - b
		default:
			return b - a
		}
	})
	var out []byte
	at := 0
	for _, n := range order {
		p := s.pieces[n]
		out = append(out, s.source[at:p.at]...)
		out = append(out, p.text...)
		at = p.at + p.cut
	}
	return append(out, s.source[at:]...)
}
