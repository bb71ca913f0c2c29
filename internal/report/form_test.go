package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestFormOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, err string
		want      Form
	}{
		{path: "x.md", want: FormMarkdown},
		{path: "out/x.json", want: FormJSON},
		{path: "a.b/X.TXT", want: FormTable},
		{path: "x.html", want: FormHTML},
		{path: "x.xml", want: FormJUnit},
		{path: "build.env", want: FormDotenv},
		{path: ".env", want: FormDotenv},
		{path: "x.prom", want: FormMetrics},
		{path: "x.line", want: FormLine},
		{path: "x.annotations.json", want: FormAnnotations},
		{path: "annotations.json", want: FormAnnotations},
		{path: "my-annotations.json", want: FormJSON},
		{path: "out/", want: FormFolder},
		{path: "x.json/", want: FormFolder},
		{path: "x.doc", err: `report file "x.doc": unknown ending ".doc": ` + endings},
		{path: "a.md/report", err: `report file "a.md/report" has no ending to tell its form by: ` + endings},
	} {
		got, err := FormOf(test.path)
		if text := errorText(err); got != test.want || text != test.err {
			t.Errorf("FormOf(%q) = %q, %q, want %q, %q", test.path, got, text, test.want, test.err)
		}
	}
}

func TestRankingFormOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"x.html": "html", "out/": "folder", "x.annotations.json": "json",
		"x.xml": `report file "x.xml": unknown ending ".xml": .txt, .md, .json or .html`,
	} {
		got, err := RankingFormOf(path)
		if text := string(got) + errorText(err); text != want {
			t.Errorf("%s: got %s, want %s", path, text, want)
		}
	}
}

const endings = ".txt, .md, .json, .html, .xml, .env, .prom, .annotations.json or .line"

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for form, start := range map[Form]string{
		FormTable: "registry.example.com", FormMarkdown: "### ", FormJSON: "{\n  \"schema\": \"regsweep/v1\"",
		FormHTML: "<!doctype html>", FormJUnit: "<?xml", FormDotenv: "REGSWEEP_", FormMetrics: "# TYPE", FormAnnotations: "{", FormLine: "registry",
	} {
		var b bytes.Buffer
		if err := Write(&b, form, ordinary()); err != nil || !strings.HasPrefix(b.String(), start) {
			t.Errorf("%s: error %v, starts with %.30q, want %q", form, err, b.String(), start)
		}
		if err := Write(full{}, form, ordinary()); !errors.Is(err, errFull) {
			t.Errorf("%s: got error %v, want %v", form, err, errFull)
		}
	}
	if got, want := errorText(Write(nil, "pdf", Summary{})), `unknown form of report "pdf": table, markdown, json, html, junit, dotenv, metrics, annotations or line`; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

var errFull = errors.New("no space left on device")

// full is a writer that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"keep the last 3 weeks", 0, "keep the last 3 weeks"},
		{"keep the last 3 weeks", 21, "keep the last 3 weeks"},
		{"keep the last 3 weeks", 20, "keep the last 3\n  weeks"},
		{"  deleted   2994 blobs of all", 24, "  deleted   2994 blobs\n  of all"},
		{"kept 3 · freed 4", 8, "kept 3 ·\n  freed\n  4"},
		{"registry.example.com/team/app: keep 3", 10, "registry.example.com/team/app:\n  keep 3"},
		{"of registry.example.com/team/app: keep 3", 10, "of\n  registry.example.com/team/app:\n  keep 3"},
	} {
		if got := Wrap(test.text, test.width, gridGap); got != test.want {
			t.Errorf("%q in %d: got %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
