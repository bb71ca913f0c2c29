package report

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// summaryBudget is the room of a job summary, as the CI package has it.
const summaryBudget = 900 << 10

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares got with the file testdata/<test>/<case>.golden, which leaves out the style of a page.
func golden(t *testing.T, got []byte) {
	t.Helper()
	got = bytes.ReplaceAll(got, []byte(styleSheet), nil)
	file := filepath.Join("testdata", filepath.FromSlash(t.Name())+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant (%s, rewritten by -update)\n%s", got, file, want)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for form, write := range map[string]func(io.Writer, Summary) error{
		"table":    func(w io.Writer, s Summary) error { return WriteTable(w, s, TableOptions{}) },
		"narrow":   func(w io.Writer, s Summary) error { return WriteTable(w, s, TableOptions{Width: 80}) },
		"markdown": func(w io.Writer, s Summary) error { return WriteMarkdown(w, s, summaryBudget) },
		"json":     WriteJSON,
		"html":     WriteHTML,
		"junit":    WriteJUnit,
		"dotenv":   WriteDotenv,
		"metrics":  WriteMetrics,
		"links":    WriteAnnotations,
		"line":     WriteLine,
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			all := cases()
			maps.Copy(all, collectionCases())
			for name, s := range all {
				if only := formCases[form]; only != nil && !slices.Contains(only, name) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					var b bytes.Buffer
					if err := write(&b, s); err != nil {
						t.Fatal(err)
					}
					for line := range strings.Lines(b.String()) {
						if trimmed := strings.TrimSuffix(line, "\n"); strings.TrimRight(trimmed, " \t\r") != trimmed {
							t.Errorf("line ends in white space: %q", line)
						}
					}
					golden(t, b.Bytes())
				})
			}
		})
	}
}

// formCases are the cases of a form that has not all of them: those that it says in its own way, and short enough to be
// read.
var formCases = map[string][]string{
	"narrow":  {"partial", "refused_twice", "grouped", "grouped_many"}, // more in a line than a terminal has room for
	"json":    {"unread", "partial", "multi_arch", "refused_twice", "empty", "hostile", "none", "gc", "gc_down"},
	"html":    {"ordinary", "dry_run", "unread", "partial", "refused_twice", "several", "grouped", "multi_arch", "hostile", "none", "gc", "gc_alone", "gc_down", "gc_skipped"},
	"junit":   {"dry_run", "unread", "partial", "refused_twice", "several", "hostile", "none", "gc_alone", "gc_down"},
	"dotenv":  {"ordinary", "dry_run", "hostile", "gc", "gc_unmeasured"},
	"metrics": {"several", "dry_run", "hostile", "none"},
	"links":   {"ordinary", "hostile", "none"},
	"line":    {"ordinary", "cancelled", "several", "unread", "hostile", "none", "gc", "gc_several"},
}
