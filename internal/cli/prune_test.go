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
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// denied is how a registry says that the login may not do what it asks for.
const denied = `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// builds pushes b1 (the oldest) to b<n>, one a day.
func builds(p fixture.Tester, n int) []oci.Digest {
	var out []oci.Digest
	for i := range n {
		out = append(out, p.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", i+1)}, Created: testNow.AddDate(0, 0, i+1-n), Size: 100}))
	}
	return out
}

// sweep runs the program with arguments, in which HOST stands for the registry, and an environment.
func sweep(t *testing.T, reg *registrytest.Registry, env map[string]string, args ...string) outcome {
	t.Helper()
	return sweepUntil(t, t.Context(), reg, env, args...)
}

func sweepUntil(t *testing.T, ctx context.Context, reg *registrytest.Registry, env map[string]string, args ...string) outcome {
	t.Helper()
	fill := strings.NewReplacer("HOST", reg.Host(), "TMP", t.TempDir())
	args = slices.Clone(args)
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	return start(ctx, World{
		Args:   args,
		Getenv: func(name string) string { return fill.Replace(env[name]) },
		Environ: func() (out []string) {
			for name, value := range env {
				out = append(out, name+"="+fill.Replace(value))
			}
			return out
		},
	})
}

func TestPrune(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 9)
	got := sweep(t, reg, nil, "HOST/team/app:b9", "--keep-last", "2")
	if got.code != exitDone || got.stderr != "" || !strings.Contains(got.stdout, "deleted 7 images") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if tags := reg.Tags("team/app"); len(tags) != 2 || tags["b9"] == "" || tags["b8"] == "" {
		t.Errorf("left %v, want b8 and b9", tags)
	}
	again := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "2")
	if again.code != exitDone || reg.Count("DELETE", "*") != 7 {
		t.Errorf("the second run: exit %d, %d deletions in all", again.code, reg.Count("DELETE", "*"))
	}
}

func TestDryRunDeletesNothing(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 5)
	for _, env := range []map[string]string{nil, {"REGSWEEP_DRY_RUN": "true"}, {"INPUT_DRY-RUN": "true"}} {
		args := []string{"HOST/team/app", "--keep-last", "2"}
		if env == nil {
			args = append(args, "--dry-run")
		}
		got := sweep(t, reg, env, args...)
		if got.code != exitDone || reg.Count("DELETE", "*") != 0 || !strings.Contains(got.stdout, "would delete 3") {
			t.Errorf("%v: exit %d, %d deletions\n%s%s", env, got.code, reg.Count("DELETE", "*"), got.stdout, got.stderr)
		}
	}
}

// Everything that is wrong with a run is said in one line, with a hint where one helps, and nothing is deleted.
func TestNothingIsDeletedWhen(t *testing.T) {
	t.Parallel()
	keep := []string{"HOST/team/app", "--keep-last", "2"}
	closed := registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "s3cret"}
	never := oci.Digest("sha256:" + strings.Repeat("1", 64))
	for name, c := range map[string]struct {
		options registrytest.Options
		fault   registrytest.Fault
		env     map[string]string
		args    []string
		code    int
		says    []string
	}{
		"unknown flag":                  {args: []string{"HOST/team/app", "--keep-lats", "2"}, code: exitUsage, says: []string{"unknown flag --keep-lats"}},
		"unknown command is no image":   {args: []string{"prunes", "--keep-last", "2"}, code: exitUsage, says: []string{"no command is called", "did you mean prune?"}},
		"malformed reference":           {args: []string{"HOST/Team/App", "--keep-last", "2"}, code: exitUsage, says: []string{"invalid repository name Team/App"}},
		"reference with a scheme":       {args: []string{"https://HOST/team/app", "--keep-last", "2"}, code: exitUsage, says: []string{"has no scheme"}},
		"malformed digest":              {args: []string{"HOST/team/app@sha256:abc", "--keep-last", "2"}, code: exitUsage, says: []string{"invalid digest"}},
		"no image":                      {args: []string{"--keep-last", "2"}, code: exitUsage, says: []string{"no image is named", "hint: name it"}},
		"no keep rule":                  {args: []string{"HOST/team/app"}, code: exitUsage, says: []string{"no keep rule", "hint: say what to keep"}},
		"keep-last of 0":                {args: []string{"HOST/team/app", "--keep-last", "0"}, code: exitUsage, says: []string{"at least 1"}},
		"keep-last below 0":             {args: []string{"HOST/team/app", "--keep-last=-1"}, code: exitUsage, says: []string{"at least 1"}},
		"a bare number as an age":       {args: []string{"HOST/team/app", "--keep-younger-than", "30"}, code: exitUsage, says: []string{"no unit"}},
		"an age that overflows":         {args: []string{"HOST/team/app", "--keep-younger-than", "999999d"}, code: exitUsage, says: []string{"hundred years"}},
		"a bare number as a timeout":    {args: with(keep, "--timeout", "10"), code: exitUsage, says: []string{"--timeout"}},
		"an unknown sort":               {args: with(keep, "--sort", "size"), code: exitUsage, says: []string{"--sort"}},
		"a bad pattern":                 {args: with(keep, "--protect", "re:("), code: exitUsage, says: []string{"not a regular expression"}},
		"a bad limit":                   {args: with(keep, "--max-delete", "many"), code: exitUsage, says: []string{"not a limit"}},
		"an unknown CI":                 {args: with(keep, "--ci", "hudson"), code: exitUsage, says: []string{"unknown system", "jenkins"}},
		"a value from the environment":  {env: map[string]string{"INPUT_KEEP-LAST": "two"}, args: []string{"HOST/team/app"}, code: exitUsage, says: []string{"--keep-last", "from INPUT_KEEP-LAST"}},
		"a report without a form":       {args: with(keep, "--report", "TMP/report.pdf"), code: exitUsage, says: []string{".pdf"}},
		"a report in no folder":         {args: with(keep, "--report", "TMP/nowhere/report.md"), code: exitUsage, says: []string{noFolder}},
		"a password without a name":     {env: map[string]string{"REGSWEEP_PASSWORD": "s3cret"}, args: keep, code: exitUsage, says: []string{"a login needs both"}},
		"a password file that is none":  {args: with(keep, "--username", "ci", "--password-file", "TMP/none"), code: exitUsage, says: []string{"--password-file"}},
		"a login for two registries":    {env: map[string]string{"REGSWEEP_PASSWORD": "s3cret"}, args: []string{"HOST/team/app", "elsewhere.example/app", "--keep-last", "1", "--username", "ci"}, code: exitUsage, says: []string{"docker login"}},
		"a CA file that is none":        {args: with(keep, "--ca-file", "TMP/none"), code: exitUsage, says: []string{"certificate authority"}},
		"no such repository":            {args: []string{"HOST/team/typo", "--keep-last", "2"}, code: exitUsage, says: []string{"knows no such repository", "hint: check the name"}},
		"a pattern that fits none":      {args: []string{"HOST/nobody/*", "--keep-last", "2"}, code: exitUsage, says: []string{"matches the pattern"}},
		"no login":                      {options: closed, args: keep, code: exitRegistry, says: []string{"401", "hint: run docker login"}},
		"a wrong password":              {options: closed, env: map[string]string{"REGSWEEP_USERNAME": "ci", "REGSWEEP_PASSWORD": "wr0ng"}, args: keep, code: exitRegistry, says: []string{"401", "hint: run docker login"}},
		"deletion is disabled":          {options: registrytest.Options{DisableDelete: true}, args: keep, code: exitRegistry, says: []string{"deletion is disabled there (405 UNSUPPORTED); nothing was deleted", "storage.delete.enabled: true"}},
		"deletion is disabled, 2.8":     {options: registrytest.Options{DisableDelete: true, Version: registrytest.V2}, args: keep, code: exitRegistry, says: []string{"deletion is disabled there"}},
		"the registry is read-only":     {options: registrytest.Options{ReadOnly: true}, args: keep, code: exitRegistry, says: []string{"read-only mode", "storage.maintenance.readonly"}},
		"the just-built tag is missing": {args: []string{"HOST/team/app:b10", "--keep-last", "2"}, code: exitRefused, says: []string{"refused", "does not have this tag", "hint: check that the push was successful"}},
		"the just-built tag is another": {args: []string{"HOST/team/app:b9@" + never.String(), "--keep-last", "2"}, code: exitRefused, says: []string{"the tag points at"}},
		"the just-built digest is gone": {args: []string{"HOST/team/app@" + never.String(), "--keep-last", "2"}, code: exitRefused, says: []string{"does not have this digest"}},
		"more than max-delete":          {args: with(keep, "--max-delete", "6"), code: exitRefused, says: []string{"the plan deletes 7 of 9 images", "hint: look at the plan"}},
		"a list that is no JSON":        {fault: registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: registrytest.SetBody("<html>")}, args: keep, code: exitRefused, says: []string{"not a list"}},
		"a list that loops":             {fault: registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: registrytest.SetHeader("Link", `</v2/team/app/tags/list?n=5>; rel="next"`)}, args: keep, code: exitRefused, says: []string{"has no end"}},
		"a list that goes elsewhere":    {fault: registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: registrytest.SetHeader("Link", `<http://elsewhere.example/>; rel="next"`)}, args: keep, code: exitRefused, says: []string{"another host"}},
		"a media type never seen":       {fault: registrytest.Fault{Path: "*/manifests/b3", Times: -1, Edit: registrytest.SetHeader("Content-Type", "application/x")}, args: keep, code: exitRefused, says: []string{"b3", "not understood", "hint: no image of this repository"}},
		"a manifest is denied":          {fault: registrytest.Fault{Path: "*/manifests/b3", Times: -1, Status: 403}, args: keep, code: exitRegistry, says: []string{"b3", "403"}},
		"a second look that fails":      {fault: registrytest.Fault{Path: "*/manifests/b9", After: 1, Times: -1, Status: 403, Body: denied}, args: keep, code: exitRegistry, says: []string{"look again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, c.options)
			builds(reg.Pusher(t, "team/app"), 9)
			if c.fault.Path != "" {
				reg.AddFault(c.fault)
			}
			got := sweep(t, reg, c.env, c.args...)
			if got.code != c.code {
				t.Errorf("exit %d, want %d", got.code, c.code)
			}
			for _, s := range c.says {
				if !strings.Contains(got.stderr, s) {
					t.Errorf("stderr does not say %q", s)
				}
			}
			for line := range strings.Lines(got.stderr) {
				if !strings.HasPrefix(line, "regsweep: ") {
					t.Errorf("a line without regsweep in front: %q", line)
				}
			}
			if n := len(reg.Tags("team/app")); n != 9 {
				t.Errorf("%d tags are left of 9", n)
			}
			if all := got.stdout + got.stderr; strings.Contains(all, "s3cret") || strings.Contains(all, "wr0ng") {
				t.Error("a password was printed")
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
			}
		})
	}
}

// with returns a copy of args with more behind.
func with(args []string, more ...string) []string { return append(slices.Clone(args), more...) }

func TestSeveralRepositories(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for _, path := range []string{"team/a", "team/b", "team/sub/c", "other/d"} {
		builds(reg.Pusher(t, path), 4)
	}
	reg.AddFault(registrytest.Fault{Path: "/v2/team/a/manifests/*", Times: -1, Status: 403})
	got := sweep(t, reg, nil, "HOST/team/*", "HOST/team/b", "HOST/nowhere", "--keep-last", "1")
	for path, want := range map[string]int{"team/a": 4, "team/b": 1, "team/sub/c": 4, "other/d": 4} {
		if n := len(reg.Tags(path)); n != want {
			t.Errorf("%s has %d tags, want %d", path, n, want)
		}
	}
	if got.code != exitRegistry || strings.Count(got.stdout, "team/b: keep") != 1 {
		t.Errorf("exit %d, want %d\n%s%s", got.code, exitRegistry, got.stdout, got.stderr)
	}
	deep := sweep(t, reg, nil, "HOST/**", "--keep-last", "1")
	if n := len(reg.Tags("team/sub/c")) + len(reg.Tags("other/d")); n != 2 || deep.code != exitRegistry {
		t.Errorf("%d tags are left in the other repositories, want 2; exit %d", n, deep.code)
	}
}

func TestPartialFailure(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	ds := builds(reg.Pusher(t, "team/app"), 9)
	reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*" + ds[3].String(), Times: -1, Status: 409, Body: "\x1b[31mno::error::"})
	got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "2")
	if got.code != exitFailed || len(reg.Tags("team/app")) != 3 || !strings.Contains(got.stdout, "b4") || strings.Contains(got.stdout+got.stderr, "\x1b") {
		t.Errorf("exit %d, left %v\n%s%s", got.code, reg.Tags("team/app"), got.stdout, got.stderr)
	}
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	reg.Remove("team/app", reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}}))
	if got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "2"); got.code != exitDone {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// report is the part of the JSON report that these tests look at.
type jsonReport struct {
	ExitCode     int `json:"exit_code"`
	Policy       string
	Repositories []struct {
		Policy                         string
		Error                          *string
		Late                           bool
		Kept, Deleted, Failed, Skipped int
		Images                         []struct{ Verdict string }
	}
}

func readReport(t *testing.T, text []byte) jsonReport {
	t.Helper()
	var r jsonReport
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return r
}

// The report says what was done, also on a cancel, in every place that was asked for.
func TestCancelIsReported(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 30)
	builds(reg.Pusher(t, "team/next"), 3)
	ctx, cancel := context.WithCancel(t.Context())
	reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/team/app/*", After: 3, Before: cancel})
	reg.AddFault(registrytest.Fault{Path: "*/team/held*", Times: -1, Until: ctx.Done(), Break: true}) // as many as run at once
	file := filepath.Join(t.TempDir(), "report.json")
	got := sweepUntil(t, ctx, reg, nil, "HOST/team/app", "HOST/team/held1", "HOST/team/held2", "HOST/team/held3", "HOST/team/next",
		"--keep-last", "2", "--report", file, "--delete-by", "digest")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := readReport(t, text)
	if got.code != exitCancelled || r.ExitCode != exitCancelled || len(r.Repositories) != 5 {
		t.Fatalf("exit %d, the report says %+v\n%s", got.code, r, got.stderr)
	}
	first := r.Repositories[0]
	if left := len(reg.Tags("team/app")); first.Deleted != 30-left || first.Deleted < 4 || first.Deleted+first.Skipped != 28 || first.Skipped == 0 || first.Kept != 2 || first.Error == nil {
		t.Errorf("%d tags are left, the report says %+v", left, first)
	}
	if next := r.Repositories[4]; next.Error == nil || len(reg.Tags("team/next")) != 3 {
		t.Errorf("the next repository: %+v", next)
	}
}

// timeUp is a deadline that has come when a test says so.
type timeUp struct{ end func() }

// deadline is [World].Deadline. The time that the run asks for does not matter.
func (u *timeUp) deadline(ctx context.Context, _ time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	u.end = func() { cancel(cause) }
	return ctx, func() { cancel(nil) }
}

// late is a run with --timeout whose time is over when a request comes that the fault is for.
func late(t *testing.T, reg *registrytest.Registry, env map[string]string, fault registrytest.Fault, args ...string) outcome {
	t.Helper()
	var u timeUp
	fault.Before = func() { u.end() }
	reg.AddFault(fault)
	fill := strings.NewReplacer("HOST", reg.Host())
	args = append(slices.Clone(args), "--timeout", "10m", "--output", "json")
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	return start(t.Context(), World{Args: args, Getenv: func(name string) string { return env[name] }, Deadline: u.deadline})
}

func TestTimeoutStopsCleanly(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 9)
	env := map[string]string{"GITHUB_ACTIONS": "true"}
	got := late(t, reg, env, registrytest.Fault{Method: "DELETE", After: 2}, "HOST/team/app", "--keep-last", "2", "--workers", "1")
	r := readReport(t, []byte(got.stdout))
	if got.code != exitDone || r.Repositories[0].Skipped == 0 || r.Repositories[0].Deleted+r.Repositories[0].Skipped != 7 || !strings.Contains(got.stderr, "--timeout") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if n := strings.Count(got.stderr, "::warning title=regsweep::"); n != 1 || strings.Count(got.stderr, " title=regsweep::") != 1 {
		t.Errorf("%d annotations\n%s", n, got.stderr)
	}
}

// A run that has read no repository when its time is over has failed: the registry did not answer.
func TestTimeoutBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault registrytest.Fault
		args  []string
	}{
		"all":         {registrytest.Fault{Path: "/v2/team/*", Times: -1, Until: t.Context().Done()}, []string{"HOST/team/a", "HOST/team/b"}},
		"the catalog": {registrytest.Fault{Path: "/v2/_catalog", Times: -1, Until: t.Context().Done()}, []string{"HOST/team/*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/a"), 4)
			builds(reg.Pusher(t, "team/b"), 4)
			env := map[string]string{"GITHUB_ACTIONS": "true"}
			got := late(t, reg, env, c.fault, append(c.args, "--keep-last", "1")...)
			if got.code != exitRegistry || !strings.Contains(got.stderr, "and no repository was read") {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			if n := strings.Count(got.stderr, "::error title=regsweep::"); n != 1 || strings.Count(got.stderr, " title=regsweep::") != 1 {
				t.Errorf("%d annotations\n%s", n, got.stderr)
			}
			r := readReport(t, []byte(got.stdout))
			for _, one := range r.Repositories {
				if !one.Late || one.Error == nil {
					t.Errorf("the report says of a repository: %+v", one)
				}
			}
			if r.ExitCode != exitRegistry {
				t.Errorf("the report says exit %d", r.ExitCode)
			}
		})
	}
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 9)
	dir := t.TempDir()
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
		"DOCKER_METADATA_OUTPUT_TAGS": "HOST/team/app:b9\nHOST/team/app:b5", "INPUT_KEEP-LAST": "2",
	}
	for _, f := range []string{"summary", "output"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := sweep(t, reg, env)
	summary, _ := os.ReadFile(filepath.Join(dir, "summary"))
	output, _ := os.ReadFile(filepath.Join(dir, "output"))
	if got.code != exitDone || reg.Tags("team/app")["b5"] == "" || len(reg.Tags("team/app")) != 3 {
		t.Errorf("exit %d, left %v\n%s", got.code, reg.Tags("team/app"), got.stderr)
	}
	if !strings.HasPrefix(string(summary), "before\n") || !strings.Contains(string(summary), "b5") {
		t.Errorf("summary: %s", summary)
	}
	if s := strings.ReplaceAll(string(output), "\r\n", "\n"); !strings.Contains(s, "deleted<<") || !strings.Contains(s, "\n6\n") {
		t.Errorf("output: %s", s)
	}
}

// A summary that cannot be written costs a warning: the deletions are reported all the same.
func TestUnwritableSummary(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 3)
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "TMP/nowhere/summary", "GITHUB_OUTPUT": "TMP/nowhere/output"}
	got := sweep(t, reg, env, "HOST/team/app", "--keep-last", "2")
	if got.code != exitDone || !strings.Contains(got.stdout, "deleted 1 image") || strings.Count(got.stderr, "regsweep: warning: ") != 2 {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// Standard output carries the report alone, so that it can be piped.
func TestOutputIsTheReportAlone(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 3)
	got := sweep(t, reg, nil, "HOST/team/app", "HOST/team/typo", "--keep-last", "2", "--protect", "v*", "--output", "json")
	if r := readReport(t, []byte(got.stdout)); r.ExitCode != exitUsage || got.code != exitUsage {
		t.Errorf("exit %d, report %+v", got.code, r)
	}
	if !strings.Contains(got.stderr, "warning: ") {
		t.Errorf("no warning about the pattern: %s", got.stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for _, args := range [][]string{{"--help"}, {"prune", "--help"}, {"--version"}} {
		got := sweep(t, reg, map[string]string{"REGSWEEP_HELP": "x", "INPUT_VERSION": "1"}, args...)
		if got.code != 0 || got.stdout == "" || got.stderr != "" {
			t.Errorf("%v: exit %d, %q, %q", args, got.code, got.stdout, got.stderr)
		}
	}
}
