package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// junitRead is what a reader of JUnit makes of a report.
type junitRead struct {
	junitNumbers
	Suites []struct {
		junitNumbers
		Name       string          `xml:"name,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitNumbers struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

// readJUnit writes a summary and reads it again, and holds that its numbers are those of its cases.
func readJUnit(t testing.TB, s Summary) (junitRead, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJUnit(&b, s); err != nil {
		t.Fatal(err)
	}
	var read junitRead
	if err := xml.Unmarshal(b.Bytes(), &read); err != nil {
		t.Fatalf("%v in %s", err, b.Bytes())
	}
	one := map[bool]int{true: 1}
	var all junitNumbers
	for _, suite := range read.Suites {
		var n junitNumbers
		for _, c := range suite.Cases {
			n.Tests++
			n.Failures += one[c.Failure != nil]
			n.Errors += one[c.Error != nil]
			n.Skipped += one[c.Skipped != nil]
		}
		if n != suite.junitNumbers || n.Tests == 0 {
			t.Errorf("%s: cases %+v, the suite says %+v", suite.Name, n, suite.junitNumbers)
		}
		all = junitNumbers{all.Tests + n.Tests, all.Failures + n.Failures, all.Errors + n.Errors, all.Skipped + n.Skipped}
	}
	if all != read.junitNumbers || len(read.Suites) == 0 {
		t.Errorf("suites %+v, the report says %+v", all, read.junitNumbers)
	}
	return read, b.Bytes()
}

// What became of a deletion decides whether a pipeline is told of a failure.
func TestJUnitResults(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]junitNumbers{
		"ordinary":      {Tests: 1},
		"dry_run":       {Tests: 1},
		"refused_many":  {Tests: 1, Errors: 1},
		"unread":        {Tests: 1, Errors: 1},
		"partial":       {Tests: 3, Failures: 2},
		"cancelled":     {Tests: 1, Errors: 1},
		"nothing_to_do": {Tests: 1},
		"empty":         {Tests: 1},
		"none":          {Tests: 1, Errors: 1},
	} {
		if got, _ := readJUnit(t, cases()[name]); got.junitNumbers != want {
			t.Errorf("%s: got %+v, want %+v", name, got.junitNumbers, want)
		}
	}
}

// A large run is cut, but not its failures, as long as there is room, nor its numbers.
func TestJUnitIsBounded(t *testing.T) {
	t.Parallel()
	summaries := []Summary{large(1, 50_000)}
	if !testing.Short() {
		summaries = append(summaries, large(1, 60_000), large(40, 1000), large(1500, 3))
	}
	for _, s := range summaries {
		total := s.Totals()
		read, text := readJUnit(t, s)
		if len(text) > 4<<20 {
			t.Errorf("%d bytes", len(text))
		}
		if want := min(total.Failed, maxCases); read.Failures != want {
			t.Errorf("%d failures, want %d", read.Failures, want)
		}
		value := func(of []junitProperty, name string) int {
			for _, p := range of {
				if p.Name == name {
					n, err := strconv.Atoi(p.Value)
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
			}
			return 0
		}
		for _, suite := range read.Suites[:len(read.Suites)-1] {
			failed := value(suite.Properties, "failed")
			if got := suite.Tests - 1 + value(suite.Properties, "failures_left_out"); got != failed {
				t.Fatalf("%s: %d cases and left out, want %d", suite.Name, got, failed)
			}
		}
	}
}

// A repository that --timeout came before is skipped, also in a report that was made of another.
func TestJUnitOfALateRepository(t *testing.T) {
	t.Parallel()
	s := summary(repo("zdtest").pair(12))
	late := Outcome{Name: oci.Repository{Host: "h.example", Path: "late"}, Err: fmt.Errorf("not looked at: %w", ErrTimeout)}
	s.Repositories = append(s.Repositories, late)
	var text strings.Builder
	if err := WriteJSON(&text, s); err != nil {
		t.Fatal(err)
	}
	again, err := ReadJSON(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Summary{s, again} {
		var b strings.Builder
		if err := WriteJUnit(&b, s); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.Contains(got, `failures="0" errors="0" skipped="1"`) || !strings.Contains(got, `<skipped message="not looked at: the time given by --timeout is over">`) {
			t.Errorf("got\n%s", got)
		}
	}
}

// The reports obey the schema. Debian's libxml2-utils has xmllint.
func TestJUnitSchema(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("REGSWEEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--schema", filepath.Join("testdata", "junit.xsd")}
	for name, s := range cases() {
		_, text := readJUnit(t, s)
		file := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.CommandContext(t.Context(), xmllint, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := filepath.Join(dir, "bad.xml")
	if err := os.WriteFile(bad, []byte(`<testsuites name="x"><testsuite name="y"><testcase name="z"/></testsuite></testsuites>`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), xmllint, append(args[:4:4], bad)...).CombinedOutput(); err == nil {
		t.Errorf("a case without a class obeys the schema\n%s", out)
	}
}
