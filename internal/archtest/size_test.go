package archtest

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a reader can take in at once. A function or type above its limit is split, not excused.
const (
	maxRootLines     = 60 // of main.go
	maxFunctionLines = 60 // from func to the closing brace
	maxParameters    = 5
	maxFields        = 15 // of a struct; an embedded struct counts as one
)

// double is the registry of the tests. It is not a part of the product.
const double = "internal/registry/registrytest"

// TestRoot checks that main.go is the only Go file of the top level, and short: it starts the program, and cli is the program.
func TestRoot(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "main.go" {
		t.Errorf("the top level has %q, %v; want main.go alone", files, err)
	}
	eachFile(t, func(dir, file string, parsed *ast.File) {
		if lines := line(parsed.FileEnd); dir == "" && lines > maxRootLines {
			t.Errorf("%s has %d lines, more than %d", file, lines, maxRootLines)
		}
	})
}

func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	eachFile(t, func(dir, file string, parsed *ast.File) {
		if strings.HasPrefix(dir, double) {
			return
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			f, ok := n.(*ast.FuncDecl)
			if !ok {
				return true
			}
			if lines := line(f.End()) - line(f.Pos()) + 1; lines > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d", file, line(f.Pos()), f.Name, lines, maxFunctionLines)
			}
			if n := count(f.Type.Params); n > maxParameters {
				t.Errorf("%s:%d: %s has %d parameters, more than %d", file, line(f.Pos()), f.Name, n, maxParameters)
			}
			return true
		})
	})
}

func TestStructsAreSmall(t *testing.T) {
	t.Parallel()
	eachFile(t, func(dir, file string, parsed *ast.File) {
		if !slices.Contains([]string{"internal/cli", "internal/run", "internal/prune"}, dir) {
			return
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if ok && count(s.Fields) > maxFields {
				t.Errorf("%s:%d: the struct has %d fields, more than %d", file, line(s.Pos()), count(s.Fields), maxFields)
			}
			return true
		})
	})
}

// count returns the number of parameters or fields; one without a name counts as well.
func count(list *ast.FieldList) int {
	n := 0
	for _, f := range list.List {
		n += max(1, len(f.Names))
	}
	return n
}

// TestExitCodes checks that one file chooses the exit codes: the only file that calls os.Exit is main.go, and the constants
// of cli's exit.go are used in that file alone.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	const home = "exit.go"
	var codes []string
	used := map[string][]string{} // by a name of cli, the files that use it
	eachFile(t, func(dir, file string, parsed *ast.File) {
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "os" && n.Sel.Name == "Exit" && dir != "" {
					t.Errorf("%s:%d calls os.Exit, which only main.go may do", file, line(n.Pos()))
				}
			case *ast.ValueSpec:
				for _, name := range n.Names {
					if dir == "internal/cli" && filepath.Base(file) == home && len(n.Values) == 1 && isNumber(n.Values[0]) {
						codes = append(codes, name.Name)
					}
				}
			case *ast.Ident:
				if dir == "internal/cli" && filepath.Base(file) != home {
					used[n.Name] = append(used[n.Name], filepath.Base(file))
				}
			}
			return true
		})
	})
	if len(codes) != 6 { // the codes of the README's table
		t.Errorf("%s has the constants %q, want the six exit codes", home, codes)
	}
	for _, code := range codes {
		if len(used[code]) > 0 {
			t.Errorf("%s is used in %q, want it in %s alone", code, used[code], home)
		}
	}
}

func isNumber(e ast.Expr) bool {
	_, ok := e.(*ast.BasicLit)
	return ok
}
