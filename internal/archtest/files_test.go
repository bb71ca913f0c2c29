package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// root is the project's top level.
const root = "../.."

// positions has the lines of all files that eachFile has parsed.
var positions = token.NewFileSet()

// line returns the line of a position in its file.
func line(p token.Pos) int { return positions.Position(p).Line }

// eachFile calls f for every Go file of the module that is not a test. dir is the package's folder, with slashes, relative
// to the top level, which is "". A package of arrows without a file fails the test, so that no test passes because it has
// seen nothing.
func eachFile(t *testing.T, f func(dir, file string, parsed *ast.File)) {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name() == "e2e" || d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		if dir == "." {
			dir = ""
		}
		seen[dir] = true
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
		if err == nil {
			f(dir, path, parsed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("%q is in arrows and has no files", dir)
		}
	}
}
