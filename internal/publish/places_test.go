package publish_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// places are all the places of a run on a CI system. Those that are files are in a folder of their own.
type places struct {
	publish.Sinks
	dir            string
	stdout, stderr bytes.Buffer
}

// newPlaces makes the places of a run whose report on standard output has a form, with report files of these names.
func newPlaces(t *testing.T, system string, form report.Form, reports ...string) *places {
	t.Helper()
	p := &places{dir: t.TempDir()}
	p.Sinks = publish.Sinks{
		Out: &p.stdout, Form: form, Console: publish.NewConsole(&p.stderr, now), CI: ci.System{Name: system}, Now: now, ResultsDir: p.at("results"),
		Getenv: env(map[string]string{"GITHUB_STEP_SUMMARY": p.at("summary"), "GITHUB_OUTPUT": p.at("output"), "AGENT_TEMPDIRECTORY": p.dir}),
	}
	for _, name := range reports {
		p.Files = append(p.Files, opened(t, p.dir+"/"+name)...)
	}
	return p
}

// everyReport is the names of reports of every sort: files and a folder.
var everyReport = []string{"x.json", "x.txt", "page/"}

// at returns the path of a place.
func (p *places) at(name string) string { return filepath.Join(p.dir, name) }

// plain makes the same of what two runs write to folders of their own, on every operating system.
func (p *places) plain(text string) string { return strings.ReplaceAll(lines(text), p.dir, "DIR") }

// all returns what the places have, by their names. Those that are folders have their files one after the other.
func (p *places) all(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"stdout": p.plain(p.stdout.String()), "stderr": p.plain(p.stderr.String())}
	for _, name := range []string{"summary", "output", "x.json", "x.txt", "page", "results"} {
		var text strings.Builder
		files := []string{p.at(name)}
		if info, err := os.Stat(p.at(name)); err == nil && info.IsDir() {
			if files, err = filepath.Glob(p.at(name) + "/*"); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range files {
			if len(files) > 1 {
				text.WriteString(filepath.Base(file) + ": ")
			}
			text.WriteString(get(file))
		}
		out[name] = p.plain(text.String())
	}
	return out
}

// compare holds what the places have to what they should have, without those that are not asked about.
func compare(t *testing.T, got, want map[string]string, except ...string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(except, name) && got[name] != want[name] {
			t.Errorf("%s has\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
}
