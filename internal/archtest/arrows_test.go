// Package archtest tests the structure of the module: which package may import which, which package is the home of a
// dependency, and how large functions and types may be. It has tests only.
package archtest

import (
	"go/ast"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/regsweep/regsweep"

// arrows lists what each package of the product may import of the others.
var arrows = map[string][]string{
	"internal/oci":                   nil,
	"internal/inuse":                 {"internal/oci"},
	"internal/live":                  nil,
	"internal/retain":                {"internal/inuse", "internal/live", "internal/oci"},
	"internal/registry":              {"internal/oci"},
	"internal/registry/wire":         {"internal/registry"},
	"internal/registry/distribution": {"internal/registry", "internal/registry/wire", "internal/oci"},
	"internal/registry/ghcr":         {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/registry/kinds":        {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/registry/ghcr", "internal/oci", "internal/registry/ecr", "internal/registry/gitlab", "internal/registry/harbor", "internal/registry/dockerhub", "internal/registry/gar", "internal/registry/acr"},
	"internal/registry/ecr":          {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/registry/gitlab":       {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/registry/harbor":       {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/prune":                 {"internal/registry", "internal/retain", "internal/oci"},
	"internal/gc":                    {"internal/oci"},
	"internal/ci":                    {"internal/oci"},
	"internal/state":                 {"internal/oci"},
	"internal/rank":                  {"internal/gc", "internal/oci"},
	"internal/policy":                {"internal/retain", "internal/inuse", "internal/live", "internal/oci", "internal/spelling"},
	"internal/spelling":              nil,
	"internal/draw":                  nil,
	"internal/heap":                  nil,
	"internal/run":                   {"internal/registry", "internal/retain", "internal/prune", "internal/gc", "internal/rank", "internal/state", "internal/report", "internal/oci"},
	"internal/publish":               {"internal/report", "internal/rank", "internal/ci"},
	"internal/registry/dockerhub":    {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/registry/gar":          {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/registry/acr":          {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/oci"},
	"internal/cli": {
		"internal/run", "internal/publish", "internal/policy", "internal/ci", "internal/registry", "internal/registry/kinds", "internal/state", "internal/gc", "internal/prune",
		"internal/rank", "internal/report", "internal/retain", "internal/inuse", "internal/live", "internal/oci", "internal/spelling",
	},
	"":                {"internal/cli", "internal/heap"},
	"internal/report": {"internal/draw", "internal/prune", "internal/rank", "internal/retain", "internal/gc", "internal/oci"},

	"internal/registry/registrytest": {
		"internal/registry", "internal/registry/wire", "internal/registry/registrytest/fixture", "internal/prune", "internal/retain", "internal/state", "internal/oci",
	},
	"internal/registry/registrytest/fixture": {"internal/oci"},
	"internal/registry/registrytest/vendors": {"internal/registry/registrytest", "internal/registry/registrytest/fixture", "internal/oci"},
	"internal/registry/registrytest/kindtest": {
		"internal/registry", "internal/registry/registrytest", "internal/registry/registrytest/fixture", "internal/registry/registrytest/vendors", "internal/prune", "internal/retain",
		"internal/state", "internal/oci",
	},
	"internal/archtest": nil,
	"internal/doctest":  nil,
}

// homes lists the only packages that may import a dependency, by the longest prefix that fits.
var homes = map[string][]string{
	"github.com/alecthomas/kong":            {"internal/cli"},
	"github.com/goccy/go-yaml":              {"internal/policy", "internal/gc"},
	"github.com/schollz/progressbar/v3":     {"internal/publish"},
	"golang.org/x/term":                     {"internal/publish"},
	"github.com/gofrs/flock":                {"internal/state"},
	"github.com/sethvargo/go-githubactions": {"internal/ci"},
	"github.com/cenkalti/backoff/v4":        {"internal/registry/wire"},
	"github.com/aws/aws-sdk-go-v2/aws":      {"internal/registry/ecr"}, // the signer, a tenth of a megabyte
	"oras.land/oras-go/v2/registry/remote":  {"internal/registry/wire"},
	"github.com/distribution/reference":     {"internal/oci"},
	"github.com/opencontainers/go-digest":   {"internal/oci", "internal/registry/distribution", "internal/registry/registrytest", "internal/registry/registrytest/fixture", "internal/registry/registrytest/vendors"},
	"github.com/Masterminds/semver/v3":      {"internal/retain"},
	"github.com/mattn/go-runewidth":         {"internal/report"},
	"golang.org/x/sync/errgroup":            {"internal/run", "internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/prune", "internal/registry/registrytest/fixture"},
	"net/http":                              {"internal/registry", "internal/registry/wire", "internal/registry/distribution", "internal/registry/ghcr", "internal/registry/registrytest", "internal/registry/registrytest/fixture", "internal/registry/registrytest/vendors", "internal/registry/registrytest/kindtest", "internal/registry/ecr", "internal/registry/gitlab", "internal/registry/harbor", "internal/registry/kinds", "internal/registry/dockerhub", "internal/registry/gar", "internal/registry/acr"},
	"os":                                    {"", "internal/cli", "internal/publish", "internal/policy", "internal/ci", "internal/registry/wire", "internal/state", "internal/registry/ecr"},
	"os/exec":                               {"internal/gc"},
	"os/signal":                             {""},
}

// pure packages take values and return values: their code reads no clock.
var pure = []string{"internal/oci", "internal/rank", "internal/inuse", "internal/live", "internal/retain", "internal/report", "internal/draw"}

func TestArrows(t *testing.T) {
	t.Parallel()
	eachFile(t, func(dir, file string, parsed *ast.File) {
		for _, i := range parsed.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if inner, ours := strings.CutPrefix(path, module+"/"); ours {
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
}

func TestPurePackagesReadNoClock(t *testing.T) {
	t.Parallel()
	eachFile(t, func(dir, file string, _ *ast.File) {
		if !slices.Contains(pure, dir) {
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
