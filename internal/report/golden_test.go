package report

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// summaryBudget is the room of a job summary, as the CI package has it.
const summaryBudget = 900 << 10

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares got with the file testdata/<test>/<case>.golden.
func golden(t *testing.T, got []byte) {
	t.Helper()
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
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			all := cases()
			maps.Copy(all, collectionCases())
			for name, s := range all {
				if form == "narrow" && !narrowCases[name] || form == "json" && !jsonCases[name] {
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

// narrowCases are those that say more in a line than a terminal has room for.
var narrowCases = map[string]bool{"partial": true, "refused_twice": true, "grouped": true, "grouped_many": true}

// jsonCases are those of which the JSON is short enough to be read.
var jsonCases = map[string]bool{"unread": true, "partial": true, "multi_arch": true, "refused_twice": true, "empty": true, "hostile": true, "none": true, "gc": true, "gc_down": true}
