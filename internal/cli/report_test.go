package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/report"
)

// shardHost stands for the registry's address in the fixtures, because the one of a test is different each time.
const shardHost = "registry.example.com:5000"

// invoke runs the program without a registry.
func invoke(t *testing.T, env map[string]string, stdin string, args ...string) outcome {
	t.Helper()
	return start(t.Context(), World{
		Args: args, Stdin: strings.NewReader(stdin),
		Getenv: func(name string) string { return env[name] },
	})
}

// stored compares a text with a file of testdata/reports, or writes it there.
func stored(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", "reports", name)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant (%s, written by -update)\n%s", text, file, want)
	}
}

// The fixtures of merged reports are what three parallel jobs of one registry wrote, and the merged report is what a job
// after them makes of those.
func TestReportOfShards(t *testing.T) { // not parallel: the fixtures are written before they are read
	shards := []struct {
		args []string
		code int
	}{
		{[]string{"HOST/team/api:b40", "HOST/team/docs", "--keep-last", "2"}, exitDone},
		{[]string{"HOST/team/web:b12", "--keep-last", "3"}, exitFailed},
		{[]string{"HOST/team/multi", "HOST/team/worker", "--keep-last", "1", "--max-delete", "50%"}, exitRefused},
	}
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/api"), 40)
	builds(reg.Pusher(t, "team/docs"), 2)
	web := builds(reg.Pusher(t, "team/web"), 12)
	builds(reg.Pusher(t, "team/worker"), 9)
	p := reg.Pusher(t, "team/multi")
	for i, tag := range []string{"v1", "v2"} {
		created := testNow.AddDate(0, 0, 30*(i-2))
		amd := p.Image(fixture.Image{Seed: tag + "amd64", Platform: "linux/amd64", Created: created, Size: 2000})
		arm := p.Image(fixture.Image{Seed: tag + "arm64", Platform: "linux/arm64", Created: created, Size: 3000})
		p.Signature(p.Index(fixture.Index{Tags: []string{tag}, Children: append(web[:0:0], amd, arm)}), ".sig")
	}
	reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*" + web[3].String(), Times: -1, Status: 409})

	if err := os.MkdirAll(filepath.Join("testdata", "reports"), 0o755); err != nil {
		t.Fatal(err)
	}
	var files []string
	for i, shard := range shards {
		name := "shard-" + string(rune('1'+i)) + ".json"
		file := filepath.Join(t.TempDir(), name)
		got := sweep(t, reg, nil, append(shard.args, "--report", file)...)
		text, err := os.ReadFile(file)
		if err != nil || got.code != shard.code {
			t.Fatalf("exit %d, want %d: %v\n%s%s", got.code, shard.code, err, got.stdout, got.stderr)
		}
		stored(t, name, strings.ReplaceAll(string(text), reg.Host(), shardHost))
		files = append(files, filepath.Join("testdata", "reports", name))
	}

	html := filepath.Join(t.TempDir(), "all.html")
	all := filepath.Join(t.TempDir(), "all.json")
	got := invoke(t, nil, "", append([]string{"report", "--output", "markdown", "--report", html, "--report", all}, files...)...)
	if got.code != exitRefused || got.stderr != "" {
		t.Errorf("exit %d, want the gravest, %d\n%s", got.code, exitRefused, got.stderr)
	}
	stored(t, "merged.md", got.stdout)
	if page, err := os.ReadFile(html); err != nil || !bytes.Contains(page, []byte("<h1>5 repositories: deleted 47 images")) {
		t.Errorf("the page: %v\n%s", err, page)
	}
	folder := filepath.Join(t.TempDir(), "new", "out") + "/"
	if got := invoke(t, nil, "", "report", all, "--report", folder); got.code != exitRefused || got.stderr != "" {
		t.Errorf("folder: exit %d\n%s", got.code, got.stderr)
	}
	for name, want := range map[string]string{"index.html": `<link rel="stylesheet" href="style.css">`, "style.css": "color-scheme: light dark;"} {
		if text, err := os.ReadFile(folder + name); err != nil || !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	// The merged report is a report like any other.
	again := invoke(t, nil, "", "report", all, "--output", "line")
	if line := strings.TrimSuffix(again.stdout, "\n"); again.code != exitRefused || !strings.Contains(got.stdout, "### "+line) {
		t.Errorf("exit %d, the line is %q", again.code, line)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, nil, string(text), "report", "-"); got.code != exitDone || !strings.Contains(got.stdout, "deleted 38 images") {
		t.Errorf("standard input: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

func TestReportRefuses(t *testing.T) {
	t.Parallel()
	one := filepath.Join("testdata", "reports", "shard-1.json")
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	dry := write("dry.json", `{"schema": "regsweep/v1", "dry_run": true}`)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no report":          {nil, "expected"},
		"no file":            {[]string{filepath.Join(dir, "none.json")}, noFile},
		"a folder":           {[]string{dir}, isFolder},
		"no JSON":            {[]string{write("page.json", "<html>")}, "invalid character"},
		"another schema":     {[]string{write("next.json", `{"schema": "regsweep/v2"}`)}, `"regsweep/v2"`},
		"an exit code":       {[]string{write("code.json", `{"schema": "regsweep/v1", "exit_code": 77}`)}, "77 is not an exit code of regsweep"},
		"the same twice":     {[]string{one, one}, "both cover " + shardHost + "/team/api"},
		"dry and not":        {[]string{one, dry}, "one is a dry run"},
		"a form":             {[]string{one, "--report", filepath.Join(dir, "x.pdf")}, ".pdf"},
		"a CI":               {[]string{one, "--ci", "hudson"}, "unknown system"},
		"a flag that prunes": {[]string{one, "--keep-last", "2"}, "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", append([]string{"report"}, test.args...)...)
			if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, test.want) || !strings.HasPrefix(got.stderr, "regsweep: ") {
				t.Errorf("exit %d, want %d and %q\n%s%s", got.code, exitUsage, test.want, got.stdout, got.stderr)
			}
		})
	}
}

// The job that collects the reports does not take the part of the jobs that left one for the whole.
func TestReportMissesAShard(t *testing.T) {
	t.Parallel()
	var files []string
	for _, shard := range []string{"1", "3"} {
		file := filepath.Join(t.TempDir(), "shard.json")
		text := `{"schema": "regsweep/v1", "shard": {"index": ` + shard + `, "total": 3, "of_repositories": 9}}`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	got := invoke(t, nil, "", append([]string{"report"}, files...)...)
	if got.code != exitDone || got.stderr != "regsweep: warning: shard 2/3 missing: the numbers cover only the others\n" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// A report that is read and written has been read before it is opened to be written.
func TestReportMayReplaceItsSource(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "reports", "shard-1.json"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got := invoke(t, nil, "", "report", file, "--report", file)
	if after, err := os.ReadFile(file); err != nil || got.code != exitDone || !bytes.Equal(after, text) {
		t.Errorf("exit %d, %v\n%s\n%s", got.code, err, got.stderr, after)
	}
}

// What shards did is shown where a single run would have shown it.
func TestReportInGitHub(t *testing.T) {
	t.Parallel()
	summary := filepath.Join(t.TempDir(), "summary")
	output := filepath.Join(t.TempDir(), "output")
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary, "GITHUB_OUTPUT": output}
	for _, f := range []string{summary, output} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := invoke(t, env, "", "report", filepath.Join("testdata", "reports", "shard-2.json"))
	text, err := os.ReadFile(summary)
	if err != nil || got.code != exitFailed || !bytes.HasPrefix(text, []byte("### ")) || !strings.Contains(got.stderr, "::error") {
		t.Errorf("exit %d, %v\n%s\n%s", got.code, err, got.stderr, text)
	}
}

// A later job of GitLab gets the dotenv's variables as its environment, where a flag's name would set the flag.
func TestDotenvNamesNoFlag(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for _, node := range parser.Model.Children {
		for _, f := range node.Flags {
			flags["REGSWEEP_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))] = true
		}
	}
	var b bytes.Buffer
	if err := report.WriteDotenv(&b, report.Summary{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if name, _, _ := strings.Cut(line, "="); flags[name] || !flags["REGSWEEP_DRY_RUN"] {
			t.Errorf("%s is a flag", name)
		}
	}
}

// A report that was read back leads to where the job that wrote it keeps its files.
func TestReportLinksToArtifacts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"gitlab":    "https://ci.example.com/jobs/7/artifacts/browse",
		"buildkite": "https://ci.example.com/jobs/7",
		"other":     "https://ci.example.com/jobs/7",
	} {
		var text bytes.Buffer
		sum := report.Summary{CI: report.CI{Name: name, BuildURL: "https://ci.example.com/jobs/7"}}
		if err := report.WriteJSON(&text, sum); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "a.annotations.json")
		got := invoke(t, nil, text.String(), "report", "-", "--report", file)
		written, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(written), `"url": "`+want+`"`) {
			t.Errorf("%s: got %s, %v, %s", name, written, err, got.stderr)
		}
	}
}
