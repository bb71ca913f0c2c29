package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// branches pushes two images of each branch, as NAME-1 and NAME-2.
func branches(p fixture.Tester, names ...string) {
	for n, name := range names {
		for build := 1; build <= 2; build++ {
			p.Image(fixture.Image{Tags: []string{fmt.Sprintf("%s-%d", name, build)}, Created: testNow.AddDate(0, 0, build-10-n), Size: 100})
		}
	}
}

// textFile writes a text into a file of its own.
func textFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "refs.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func tagsOf(reg *registrytest.Registry, path string) string {
	return strings.Join(slices.Sorted(maps.Keys(reg.Tags(path))), " ")
}

const byBranch = "--group-by=^(.+)-[0-9]+$"

func TestLive(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	branches(reg.Pusher(t, "team/app"), "main", "fix-login", "old", "older")
	one, two := textFile(t, "refs/heads/main\n"), textFile(t, "fix/login\n")
	got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "5", byBranch, "--live", one+","+two, "--live", one)
	if tags := tagsOf(reg, "team/app"); got.code != exitDone || tags != "fix-login-1 fix-login-2 main-1 main-2" {
		t.Errorf("exit %d, left %s\n%s%s", got.code, tags, got.stdout, got.stderr)
	}
	for _, want := range []string{"keep nothing by rule in groups that " + one + " and " + two + " does not name", "old is not in " + one + " and " + two} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the report does not say %q:\n%s", want, got.stdout)
		}
	}
}

// A branch can be newer than the list: what was pushed after it was written stays.
func TestLiveIsOlderThanABranch(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	branches(reg.Pusher(t, "team/app"), "main", "new", "old") // new-2 is of nine days ago, old-2 of ten
	list := textFile(t, "main\n")
	if written := testNow.AddDate(0, 0, -9).Add(-time.Hour); os.Chtimes(list, written, written) != nil {
		t.Fatal("cannot change the time of a file")
	}
	for _, sort := range []string{"name", "created"} {
		got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "5", byBranch, "--live", list, "--sort", sort)
		if tags := tagsOf(reg, "team/app"); got.code != exitDone || tags != "main-1 main-2 new-1 new-2" {
			t.Errorf("--sort %s: exit %d, left %s\n%s%s", sort, got.code, tags, got.stdout, got.stderr)
		}
	}
}

// Each entry of a policy file can name the files of another git repository; the flag overrides them.
func TestLiveOfEntries(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for _, path := range []string{"team/app", "team/web"} {
		branches(reg.Pusher(t, path), "main", "a", "b")
	}
	entry := "  - repositories: team/%s\n    keep-last: 1\n    group-by: ^(.+)-[0-9]+$\n    live: %s\n"
	file := textFile(t, "policies:\n"+fmt.Sprintf(entry, "app", textFile(t, "main\na\n"))+fmt.Sprintf(entry, "web", textFile(t, "main\nb\n")))
	got := sweep(t, reg, nil, "HOST/team/app", "HOST/team/web", "--policy", file)
	if app, web := tagsOf(reg, "team/app"), tagsOf(reg, "team/web"); got.code != exitDone || app != "a-2 main-2" || web != "b-2 main-2" {
		t.Errorf("exit %d, left %s and %s\n%s%s", got.code, app, web, got.stdout, got.stderr)
	}
	over := sweepFrom(t, reg, "main", "HOST/team/app", "HOST/team/web", "--policy", file, "--live", "-")
	if app, web := tagsOf(reg, "team/app"), tagsOf(reg, "team/web"); over.code != exitDone || app != "main-2" || web != "main-2" {
		t.Errorf("exit %d, left %s and %s\n%s%s", over.code, app, web, over.stdout, over.stderr)
	}
}

// TestLiveBadInput holds that nothing is sent when the names are not known or the flags do not fit, and that nothing is
// deleted when the names do not fit.
func TestLiveBadInput(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large.txt")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 100<<20); err != nil {
		t.Fatal(err)
	}
	rules := []string{"--keep-last=1", byBranch}
	bad := textFile(t, "policies:\n  - repositories: team/app\n    keep-last: 1\n    group-by: ^(.+)-[0-9]+$\n    live: "+textFile(t, "")+"\n")
	for name, c := range map[string]struct {
		args  []string
		stdin string
		code  int
		says  string
	}{
		"an empty file":             {append(rules, "--live="+os.DevNull), "", exitRefused, "refused: --live " + os.DevNull + ": it names no branch, tag or pull request"},
		"an empty standard input":   {append(rules, "--live=-"), "", exitRefused, "refused: --live standard input: it names no branch"},
		"one of two is empty":       {append(rules, "--live=-,"+os.DevNull), "main", exitRefused, os.DevNull + ": it names no branch"},
		"no such file":              {append(rules, "--live=nowhere"), "", exitRefused, "refused: --live: open nowhere: " + noFile},
		"a folder":                  {append(rules, "--live=."), "", exitRefused, isFolder},
		"of 100 MB":                 {append(rules, "--live="+large), "", exitRefused, fmt.Sprintf("it is larger than %d MiB", live.MaxSize>>20)},
		"HTML":                      {append(rules, "--live=-"), "<!DOCTYPE html>\n<html></html>\n", exitRefused, "standard input: line 1: this is HTML or XML"},
		"a name with a space":       {append(rules, "--live=-"), "main\nold branch\n", exitRefused, `line 2: "old branch" is not a name`},
		"a control character":       {append(rules, "--live=-"), "main\x1b[31m\n", exitRefused, `line 1: "main\x1b[31m" has a control character`},
		"an empty file of an entry": {[]string{"--policy=" + bad}, "", exitRefused, bad + ":2:5: refused: --live "},
		"another repository":        {append(rules, "--live=-"), "refs/heads/master\nrefs/heads/topic\n", exitRefused, "refused: --live standard input names no group of this repository, such as main: the names do not fit; nothing was deleted"},
		"no groups":                 {[]string{"--keep-last=1", "--live=-"}, "main", exitUsage, "live needs group-by, which makes the groups"},
		"no file":                   {append(rules, "--live=,"), "", exitUsage, "it names no file"},
		"standard input twice":      {append(rules, "--live=-", "--protect-file=-"), "main-1", exitUsage, "--live: standard input can be read only once"},
		"nothing, of all tags":      {[]string{"--keep-none"}, "", exitUsage, "keep-none needs tags, because without them it would give up the whole repository"},
		"nothing, of every tag":     {[]string{"--keep-none", "--tags=*"}, "", exitUsage, "keep-none needs tags that do not match every tag, as * does"},
		"nothing and the last":      {[]string{"--keep-none", "--tags=main-*", "--keep-last=1"}, "", exitUsage, "keep-none and a keep rule exclude each other"},
		"nothing in groups":         {[]string{"--keep-none", "--tags=main-*", byBranch}, "", exitUsage, "keep-none and group-by exclude each other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			branches(reg.Pusher(t, "team/app"), "main", "old")
			sent := reg.Count("", "*")
			got := sweepFrom(t, reg, c.stdin, append([]string{"HOST/team/app"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.stderr, c.says) || strings.ContainsRune(got.stderr, 0x1b) || len(reg.Tags("team/app")) != 4 {
				t.Errorf("exit %d, want %d and %q in\n%s", got.code, c.code, c.says, got.stderr)
			}
			if fits := name == "another repository"; !fits && reg.Count("", "*") != sent || !strings.Contains(got.stderr, "hint: ") && c.code == exitRefused {
				t.Errorf("%d requests, or no hint in\n%s", reg.Count("", "*")-sent, got.stderr)
			}
		})
	}
}

func TestKeepNone(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	branches(reg.Pusher(t, "team/app"), "main", "pr-12", "pr-123")
	dry := sweep(t, reg, nil, "HOST/team/app", "--keep-none", "--tags", "pr-12*", "--dry-run")
	if want := "--tags pr-12* also matches pr-123-1 and pr-123-2, whose number is longer: re:pr-12(-.+)? is this number alone"; dry.code != exitDone || !strings.Contains(dry.stderr, want) {
		t.Errorf("exit %d, want %q in\n%s", dry.code, want, dry.stderr)
	}
	got := sweep(t, reg, map[string]string{"REGSWEEP_KEEP_NONE": "true", "REGSWEEP_TAGS": "re:pr-12(-.+)?"}, "HOST/team/app")
	if tags := tagsOf(reg, "team/app"); got.code != exitDone || got.stderr != "" || tags != "main-1 main-2 pr-123-1 pr-123-2" {
		t.Errorf("exit %d, left %s\n%s%s", got.code, tags, got.stdout, got.stderr)
	}
	again := sweep(t, reg, nil, "HOST/team/app", "--keep-none", "--tags", "re:pr-12(-.+)?")
	if again.code != exitDone || !strings.Contains(again.stdout, "nothing to delete") {
		t.Errorf("exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	last := sweep(t, reg, nil, "HOST/team/app", "--keep-none", "--tags", "main-*,pr-*")
	if tags := tagsOf(reg, "team/app"); last.code != exitDone || tags != "main-2" {
		t.Errorf("a repository is never emptied: exit %d, left %s\n%s%s", last.code, tags, last.stdout, last.stderr)
	}
}
