package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// standing is what the JSON of rank says of a repository.
type standing struct {
	Repository  string
	Tags        int
	Manifests   int
	Blobs       int
	OwnBytes    int64  `json:"own_bytes"`
	SharedBytes int64  `json:"shared_bytes"`
	Oldest      string `json:"oldest"`
	Newest      string `json:"newest"`
}

// standings are what the JSON of rank says.
type standings struct {
	Schema       string
	ExitCode     int `json:"exit_code"`
	Repositories []standing
	Bytes        int64
	SharedBytes  int64 `json:"shared_bytes"`
	Unread       []struct{ Repository, Error string }
	Gone         []string
	NotLookedAt  int `json:"not_looked_at"`
}

func ranking(t *testing.T, got outcome) standings {
	t.Helper()
	var s standings
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil || s.Schema != "regsweep/rank/v1" || s.ExitCode != got.code {
		t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.stdout, got.stderr)
	}
	return s
}

func (s standings) paths() string {
	var out []string
	for _, r := range s.Repositories {
		out = append(out, r.Repository)
	}
	return strings.Join(out, " ")
}

// fill makes three repositories with one layer of 1024 bytes in common: team/app with 9 builds, team/web with 2 large
// ones, other/idle with 1 that has no layer of its own.
func fill(t testing.TB, reg *registrytest.Registry) {
	t.Helper()
	builds(reg.Pusher(t, "team/app"), 9)
	web := reg.Pusher(t, "team/web")
	for i := range 2 {
		web.Image(fixture.Image{Seed: fmt.Sprint("web", i), Tags: []string{fmt.Sprintf("w%d", i)}, Size: 5000, Created: testNow.AddDate(0, 0, -20)})
	}
	reg.Pusher(t, "other/idle").Image(fixture.Image{Seed: "idle", Tags: []string{"one", "two"}})
}

func TestRank(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	fill(t, reg)
	got := ranking(t, sweep(t, reg, nil, "rank", "HOST", "--output", "json"))
	if got.paths() != "team/web team/app other/idle" || got.SharedBytes != 1024 {
		t.Errorf("got %s, %d bytes shared", got.paths(), got.SharedBytes)
	}
	app := got.Repositories[1]
	if app.Tags != 9 || app.Manifests != 9 || app.Blobs != 19 || app.SharedBytes != 1024 || app.Newest != "2026-11-23T12:00:00Z" || app.Oldest != "2026-11-15T12:00:00Z" {
		t.Errorf("got %+v", app)
	}
	if idle := got.Repositories[2]; idle.Tags != 2 || idle.Manifests != 1 || idle.Oldest != "" {
		t.Errorf("got %+v", idle)
	}
	if writes := reg.Count("DELETE", "*") + reg.Count("PUT", "*") + reg.Count("POST", "*"); writes != 0 {
		t.Errorf("%d requests that write", writes)
	}
	for pattern, want := range map[string]string{"HOST/team/*": "team/web team/app", "HOST/**/idle": "other/idle", "HOST/team/app": "team/app", "HOST/": "team/web team/app other/idle"} {
		if got := ranking(t, sweep(t, reg, nil, "rank", pattern, "--output", "json")); got.paths() != want {
			t.Errorf("%s: got %s, want %s", pattern, got.paths(), want)
		}
	}
	table := sweep(t, reg, map[string]string{"REGSWEEP_TOP": "1"}, "rank", "HOST")
	if lines := strings.Split(table.stdout, "\n"); table.code != exitDone || table.stderr != "" || !strings.HasPrefix(lines[0], reg.Host()+": repositories by own bytes") ||
		!strings.Contains(table.stdout, "… 2 more") || !strings.HasPrefix(lines[len(lines)-2], "3 repositories hold ") {
		t.Errorf("exit %d\n%s%s", table.code, table.stdout, table.stderr)
	}
}

func TestRankOfAnEmptyRegistry(t *testing.T) {
	t.Parallel()
	got := ranking(t, sweep(t, registrytest.New(t, registrytest.Options{}), nil, "rank", "HOST", "--output", "json"))
	if got.ExitCode != exitDone || len(got.Repositories) != 0 {
		t.Errorf("got %+v", got)
	}
}

// A repository that cannot be read, and one that is gone, keep nobody from the others.
func TestRankWithoutSome(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	fill(t, reg)
	reg.Pusher(t, "team/never").Image(fixture.Image{Seed: "untagged"})
	reg.AddFault(registrytest.Fault{Path: "*/team/web/manifests/w1", Times: -1, Status: 403})
	result := sweep(t, reg, nil, "rank", "HOST", "--output", "json")
	got := ranking(t, result)
	if got.ExitCode != exitFailed || got.paths() != "team/app other/idle" || len(got.Unread) != 1 || got.Unread[0].Repository != "team/web" ||
		!strings.Contains(got.Unread[0].Error, "403") || !slices.Equal(got.Gone, []string{"team/never"}) || got.NotLookedAt != 0 {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(result.stderr, "1 of 4 repositories could not be read, the report says why\n") {
		t.Errorf("got %s", result.stderr)
	}
}

func TestRankFails(t *testing.T) {
	t.Parallel()
	closed := registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "s3cret"}
	for name, c := range map[string]struct {
		options registrytest.Options
		fault   registrytest.Fault
		args    []string
		code    int
		says    []string
	}{
		"nothing to rank":       {args: []string{"rank"}, code: exitUsage, says: []string{"no registry to rank is named", "hint: name a registry"}},
		"two things to rank":    {args: []string{"rank", "HOST", "--from", "x"}, code: exitUsage, says: []string{"cannot be combined", "hint: leave one"}},
		"no host":               {args: []string{"rank", "team"}, code: exitUsage, says: []string{"must begin with the registry's host", "hint: a registry is host[:port]"}},
		"a tag":                 {args: []string{"rank", "HOST/team/app:b1"}, code: exitUsage, says: []string{"without a tag or digest"}},
		"a scheme":              {args: []string{"rank", "https://HOST"}, code: exitUsage, says: []string{"has no scheme"}},
		"a top of 0":            {args: []string{"rank", "HOST", "--top", "0"}, code: exitUsage, says: []string{"at least 1", "regsweep rank --help"}},
		"an unknown flag":       {args: []string{"rank", "HOST", "--keep-last", "2"}, code: exitUsage, says: []string{"unknown flag --keep-last", "regsweep rank --help"}},
		"an unknown form":       {args: []string{"rank", "HOST", "--output", "html"}, code: exitUsage, says: []string{"--output"}},
		"a report without form": {args: []string{"rank", "HOST", "--report", "TMP/x.pdf"}, code: exitUsage, says: []string{".pdf"}},
		"no such log":           {args: []string{"rank", "--from", "TMP/none"}, code: exitUsage, says: []string{noFile, "hint: --from needs"}},
		"a folder as a log":     {args: []string{"rank", "--from", "TMP"}, code: exitUsage, says: []string{isFolder}},
		"no such repository":    {args: []string{"rank", "HOST/team/typo"}, code: exitUsage, says: []string{"knows no such repository"}},
		"a pattern of none":     {args: []string{"rank", "HOST/nobody/*"}, code: exitUsage, says: []string{"matches the pattern", "hint: * matches any text"}},
		"no login":              {options: closed, args: []string{"rank", "HOST"}, code: exitRegistry, says: []string{"401", "hint: run docker login"}},
		"the catalog is denied": {fault: registrytest.Fault{Path: "*/_catalog", Times: -1, Status: 403}, args: []string{"rank", "HOST"}, code: exitRegistry, says: []string{"403", "hint: the registry does not list"}},
		"there is no catalog":   {fault: registrytest.Fault{Path: "*/_catalog", Times: -1, Status: 404}, args: []string{"rank", "HOST"}, code: exitRegistry, says: []string{"404", "hint: the registry does not list"}},
		"the catalog is a page": {fault: registrytest.Fault{Path: "*/_catalog", Times: -1, Edit: registrytest.SetBody("<html>")}, args: []string{"rank", "HOST"}, code: exitRegistry, says: []string{"not a list"}},
		"nothing can be read":   {fault: registrytest.Fault{Path: "*/tags/list", Times: -1, Status: 403, Body: denied}, args: []string{"rank", "HOST"}, code: exitRegistry, says: []string{"/other/idle: GET", "403", "hint: the login is valid but may not read this"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, c.options)
			fill(t, reg)
			if c.fault.Path != "" {
				reg.AddFault(c.fault)
			}
			got := sweep(t, reg, nil, c.args...)
			if got.code != c.code {
				t.Errorf("exit %d, want %d", got.code, c.code)
			}
			for _, says := range c.says {
				if !strings.Contains(got.stderr, says) {
					t.Errorf("stderr is %q, without %q", got.stderr, says)
				}
			}
			if lines := strings.Count(got.stderr, "\n"); lines > 2 {
				t.Errorf("%d lines on stderr: %s", lines, got.stderr)
			}
		})
	}
}

func TestRankIsCancelled(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	fill(t, reg)
	ctx, cancel := context.WithCancel(t.Context())
	reg.AddFault(registrytest.Fault{Path: "*/team/web/manifests/*", Before: cancel, Until: ctx.Done()})
	result := sweepUntil(t, ctx, reg, nil, "rank", "HOST", "--output", "json")
	got := ranking(t, result)
	if got.ExitCode != exitCancelled || len(got.Repositories)+got.NotLookedAt != 3 || len(got.Unread) != 0 {
		t.Errorf("got %+v\n%s", got, result.stderr)
	}
}

// rankFrom runs rank over a log on standard input.
func rankFrom(t *testing.T, log string, args ...string) outcome {
	t.Helper()
	return start(t.Context(), World{
		Args:  append([]string{"rank", "--from", "-"}, args...),
		Stdin: strings.NewReader(log),
	})
}

func TestRankFrom(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/gc/dry-run-2.8.log")
	if err != nil {
		t.Fatal(err)
	}
	got := ranking(t, rankFrom(t, string(text), "--output", "json"))
	if got.paths() != "zdtest/web zdtest/gateway zdtest/api zdtest/signed tools/lint zdtest/latest zdtest/emptied" || got.Repositories[0].Manifests != 35 {
		t.Errorf("got %+v", got)
	}
	report := filepath.Join(t.TempDir(), "rank.md")
	table := rankFrom(t, string(text), "--top", "2", "--report", report)
	if table.code != exitDone || table.stderr != "" || !strings.Contains(table.stdout, "7 repositories hold 87 manifests; the top 2 hold 63 %") {
		t.Errorf("exit %d\n%s%s", table.code, table.stdout, table.stderr)
	}
	if md, err := os.ReadFile(report); err != nil || !strings.HasPrefix(string(md), "### 7 repositories hold 87 manifests") {
		t.Errorf("got %s, %v", md, err)
	}
	for name, log := range map[string]string{"empty": "", "cut": string(text)[:2000], "rubbish": "<html>"} {
		if got := rankFrom(t, log, "--report", report); got.code != exitUsage || strings.Count(got.stderr, "\n") != 2 || !strings.Contains(got.stderr, "standard input: not the log") {
			t.Errorf("%s: exit %d, %s", name, got.code, got.stderr)
		}
	}
	if md, err := os.ReadFile(report); err != nil || len(md) == 0 {
		t.Errorf("a run without a ranking has emptied the report of the one before: %v", err)
	}
}

// BenchmarkRank ranks 1000 repositories.
func BenchmarkRank(b *testing.B) {
	reg := registrytest.New(b, registrytest.Options{})
	for i := range 1000 {
		path := fmt.Sprintf("team/app%d", i)
		p := reg.Pusher(b, path)
		for n := range 3 {
			p.Image(fixture.Image{Seed: fmt.Sprint(path, n), Tags: []string{fmt.Sprintf("b%d", n)}, Size: 64, Created: testNow})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		got := start(b.Context(), World{Args: []string{"rank", reg.Host()}})
		if got.code != exitDone || !strings.Contains(got.stdout, "1000 repositories hold ") {
			b.Fatal(got)
		}
	}
}
