// Package archtest holds the structure of the module: which package may import which, and where each dependency has
// its home. There is no code here, only the test.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/regsweep/regsweep"

// arrows lists what each package of the product may import of the others. main may import all.
var arrows = map[string][]string{
	"internal/oci":                   nil,
	"internal/retain":                {"internal/oci"},
	"internal/registry":              {"internal/oci"},
	"internal/registry/wire":         {"internal/registry"},
	"internal/registry/distribution": {"internal/registry", "internal/registry/wire", "internal/oci"},
	"internal/registry/kinds":        {"internal/registry", "internal/registry/distribution"},
	"internal/prune":                 {"internal/registry", "internal/retain", "internal/oci"},
	"internal/gc":                    {"internal/oci"},
	"internal/ci":                    {"internal/oci"},
	"internal/state":                 {"internal/oci"},
	"internal/rank":                  {"internal/gc", "internal/oci"},
	"internal/report":                {"internal/prune", "internal/rank", "internal/retain", "internal/gc", "internal/oci"},

	"internal/registry/registrytest": {
		"internal/registry", "internal/registry/wire", "internal/registry/registrytest/fixture", "internal/prune", "internal/retain", "internal/state", "internal/oci",
	},
	"internal/registry/registrytest/fixture": {"internal/oci"},
	"internal/archtest":                      nil,
	"internal/snippet":                       nil,
}

// homes lists the only packages that may import a dependency, by the longest prefix that fits.
var homes = map[string][]string{
	"github.com/alecthomas/kong":            {""},
	"github.com/goccy/go-yaml":              {"", "internal/gc"},
	"github.com/schollz/progressbar/v3":     {""},
	"golang.org/x/term":                     {""},
	"github.com/gofrs/flock":                {"internal/state"},
	"github.com/sethvargo/go-githubactions": {"internal/ci"},
	"github.com/cenkalti/backoff/v4":        {"internal/registry/wire"},
	"oras.land/oras-go/v2/registry/remote":  {"internal/registry/wire"},
	"oras.land/oras-go/v2/registry":         {"internal/oci"},
	"github.com/opencontainers/go-digest":   {"internal/oci", "internal/registry/distribution", "internal/registry/registrytest", "internal/registry/registrytest/fixture"},
	"github.com/Masterminds/semver/v3":      {"internal/retain"},
	"github.com/olekukonko/tablewriter":     {"internal/report"},
	"golang.org/x/sync/errgroup":            {"", "internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/prune", "internal/registry/registrytest/fixture"},
	"net/http":                              {"", "internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/registry/registrytest", "internal/registry/registrytest/fixture"},
	"os":                                    {"", "internal/ci", "internal/registry/wire", "internal/state"},
	"os/exec":                               {"internal/gc"},
	"os/signal":                             {""},
}

// pure packages take values and return values: their code reads no clock.
var pure = []string{"internal/oci", "internal/rank", "internal/retain", "internal/report"}

func TestArrows(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	eachFile(t, func(dir, file string, imports []string) {
		seen[dir] = true
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, path := range imports {
			if inner, ours := strings.CutPrefix(path, module+"/"); ours && dir != "" {
				allowed, known := arrows[dir]
				if !known {
					t.Errorf("%s: package %s has no place in arrows", file, dir)
				} else if !slices.Contains(allowed, inner) {
					t.Errorf("%s imports %s: no arrow leads there", file, inner)
				}
				continue
			}
			if home, known := homeOf(path); known && !slices.Contains(home, dir) {
				t.Errorf("%s imports %s, whose home is %q", file, path, home)
			} else if !known && strings.Contains(strings.Split(path, "/")[0], ".") && !strings.HasPrefix(path, module) {
				t.Errorf("%s imports %s, which has no home: a new dependency is declared here", file, path)
			}
		}
	})
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("%s is in arrows and has no files", dir)
		}
	}
}

func TestPurePackagesReadNoClock(t *testing.T) {
	t.Parallel()
	eachFile(t, func(dir, file string, _ []string) {
		if !slices.Contains(pure, dir) || strings.HasSuffix(file, "_test.go") {
			return
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"time.Now(", "time.Since(", "time.Until("} {
			if strings.Contains(string(text), call) {
				t.Errorf("%s calls %s)", file, call)
			}
		}
	})
}

func homeOf(path string) ([]string, bool) {
	best, found := "", false
	for prefix := range homes {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > len(best) {
			best, found = prefix, true
		}
	}
	return homes[best], found
}

// eachFile calls f for every Go file of the module with the package's folder relative to the root.
func eachFile(t *testing.T, f func(dir, file string, imports []string)) {
	t.Helper()
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "e2e" || d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && d.Name() != "..") || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, p)
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		if dir == "." {
			dir = ""
		}
		files++
		f(dir, path, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 30 {
		t.Fatalf("found %d files", files)
	}
}
