package report

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkInert holds that a terminal or a CI log that shows a report acts upon nothing in it.
func checkInert(t testing.TB, form Form, text []byte) {
	t.Helper()
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%s: control characters in %q", form, text)
	}
	for line := range bytes.Lines(text) {
		command := bytes.HasPrefix(bytes.TrimSpace(line), []byte("::")) || bytes.Contains(line, []byte("##[")) || bytes.Contains(line, []byte("##vso"))
		if command {
			t.Errorf("%s: a command in %q", form, line)
		}
	}
}

func TestFormsAreInert(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		for _, s := range []Summary{hostile(nasty), groupedIll(nasty), collectedIll(nasty)} {
			var b bytes.Buffer
			if err := f.write(&b, s); err != nil {
				t.Fatal(err)
			}
			checkInert(t, f.form, b.Bytes())
		}
	}
}

// FuzzForms holds that a text changes the shape of no page and no test report, wherever in the summary it stands.
func FuzzForms(f *testing.F) {
	shape := func(t testing.TB, in string) string {
		var all []string
		summaries := []Summary{hostile("x" + in), groupedIll(strings.ReplaceAll(in, ", ", ",")), collectedIll("x" + in)} // no tag has a comma in it
		for _, s := range summaries {
			page := writeHTML(t, s)
			checkInert(t, FormHTML, []byte(page))
			all = append(all, checkHTML(t, page)...)
			read, text := readJUnit(t, s)
			checkInert(t, FormJUnit, text)
			for _, suite := range read.Suites {
				all = append(all, fmt.Sprintf("%+v", suite.junitNumbers))
			}
			if got, want := read.Suites[0].Name, long(s.Repositories[0].Name.String()); got != want {
				t.Errorf("a suite is called %q, want %q", got, want)
			}
			var b bytes.Buffer
			if err := WriteMetrics(&b, s); err != nil {
				t.Fatal(err)
			}
			checkMetrics(t, b.String())
		}
		return strings.Join(all, " ")
	}
	want := shape(f, "")
	f.Add(nasty)
	f.Add("</h1><script>")
	f.Add("]]>&#0;\ufffe\x00")
	f.Add(`"} 1` + "\n# EOF")
	f.Fuzz(func(t *testing.T, in string) {
		if got := shape(t, in); got != want {
			t.Errorf("got the elements\n%s\nwant\n%s", got, want)
		}
	})
}

var metricLine = regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)+\})? -?[0-9]+$`)

// checkMetrics holds that each line is one of the format, that each sample belongs to the family above it, that none
// occurs twice and that the text ends where it says.
func checkMetrics(t testing.TB, text string) {
	t.Helper()
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended || strings.Contains(body, "\n# EOF") {
		t.Errorf("no single end in %q", text)
	}
	family, seen := "", map[string]bool{}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if of, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family = strings.TrimSuffix(of, " gauge")
			if seen[family] {
				t.Errorf("%s is two families", family)
			}
			seen[family] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP "+family+" ") {
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil || m[1] != family || seen[m[1]+m[2]] && m[2] != "" {
			t.Errorf("sample %q in family %s", line, family)
			continue
		}
		seen[m[1]+m[2]] = true
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	summaries := cases()
	summaries["700 repositories"] = large(700, 4)
	for name, s := range summaries {
		var b bytes.Buffer
		if err := WriteMetrics(&b, s); err != nil {
			t.Fatal(err)
		}
		checkMetrics(t, b.String())
		if b.Len() > 1<<20 {
			t.Errorf("%s: %d bytes", name, b.Len())
		}
		if want := fmt.Sprintf("regsweep_images{outcome=\"deleted\"} %d\n", s.Totals().Deleted); !strings.Contains(b.String(), want) {
			t.Errorf("%s: no %s", name, want)
		}
	}
}

// GitLab refuses a dotenv report that breaks its rules, and fails the job for it.
func TestDotenvObeysGitLab(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^REGSWEEP_[A-Z_]+=(-?[0-9]+|true|false)$`)
	for _, name := range slices.Sorted(maps.Keys(cases())) {
		var b bytes.Buffer
		if err := WriteDotenv(&b, cases()[name]); err != nil {
			t.Fatal(err)
		}
		n := 0
		for l := range strings.Lines(b.String()) {
			n++
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				t.Errorf("%s: line %q", name, l)
			}
		}
		if n > 20 || b.Len() > 5<<10 {
			t.Errorf("%s: %d variables in %d bytes, GitLab takes 20 in 5 KiB", name, n, b.Len())
		}
	}
}

func TestAnnotationsLink(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ci   CI
		want string
	}{
		{CI{Name: "gitlab", BuildURL: "https://gitlab.example/a/-/jobs/7", ArtifactsPath: "/artifacts/browse"}, `"url": "https://gitlab.example/a/-/jobs/7/artifacts/browse"`},
		{CI{Name: "jenkins", BuildURL: "https://ci.example/job/a/7/"}, `"url": "https://ci.example/job/a/7/"`},
		{CI{Name: "gitlab", BuildURL: "javascript:alert(1)", ArtifactsPath: "/artifacts/browse"}, `"regsweep": []`},
		{CI{}, `"regsweep": []`},
	} {
		s := ordinary()
		s.CI = test.ci
		var b bytes.Buffer
		if err := WriteAnnotations(&b, s); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), test.want) {
			t.Errorf("%+v: got %s, want %s", test.ci, b.String(), test.want)
		}
	}
}
