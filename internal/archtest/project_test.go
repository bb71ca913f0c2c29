package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of packages in CONTRIBUTING.md")

// row is a row of CONTRIBUTING's table of packages: the folder, what it is for, and what it may import.
var row = regexp.MustCompile("(?m)^\\| `((?:internal/|main\\.go)[^`]*)` \\| ([^|]*) \\| ([^|]*) \\|$")

// TestContributing compares CONTRIBUTING's table of packages with arrows. With -update it rewrites the last column.
func TestContributing(t *testing.T) {
	t.Parallel()
	page := filepath.Join(root, "CONTRIBUTING.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	written := row.ReplaceAllStringFunc(string(text), func(line string) string {
		m := row.FindStringSubmatch(line)
		dir := m[1]
		if dir == "main.go" {
			dir = ""
		}
		allowed, known := arrows[dir]
		if !known {
			t.Errorf("CONTRIBUTING.md names %s, which is not in arrows", m[1])
		}
		named[dir] = true
		want := mayImport(allowed)
		if m[3] != want && !*update {
			t.Errorf("CONTRIBUTING.md: %s may import %q, want %q", m[1], m[3], want)
		}
		return "| `" + m[1] + "` | " + m[2] + " | " + want + " |"
	})
	for dir := range arrows {
		if !named[dir] {
			t.Errorf("CONTRIBUTING.md has no row for %q", dir)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// mayImport writes the packages that a package may import as CONTRIBUTING's table does.
func mayImport(packages []string) string {
	if len(packages) == 0 {
		return "nothing of ours"
	}
	var names []string
	for _, p := range packages {
		names = append(names, strings.TrimPrefix(p, "internal/"))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

var fuzzLine = regexp.MustCompile(`(?m)^\tgo test \./(\S+) .*-fuzz (\w+) `)

// TestMakeFuzz checks that the fuzz tests of "make fuzz" exist: go test only warns about one that does not.
func TestMakeFuzz(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	lines := fuzzLine.FindAllStringSubmatch(string(makefile), -1)
	if len(lines) == 0 {
		t.Fatal("the Makefile runs no fuzz test")
	}
	for _, m := range lines {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(m[1]), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), "\nfunc "+m[2]+"(f *testing.F) {")
		})
		if !found {
			t.Errorf("make fuzz runs %s in %s, which does not have it", m[2], m[1])
		}
	}
}
