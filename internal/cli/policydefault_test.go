package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// inFolder makes a folder with a default policy file the working directory.
func inFolder(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(policy.DefaultFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The policy file of the working directory counts where nothing else says what to keep, and only there.
func TestDefaultPolicyFile(t *testing.T) {
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 4)
	inFolder(t, "policies:\n  - repositories: team/web\n    keep-last: 3\n")
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"no rule":         {want: "would delete 1 image, keep 3"},
		"a flag":          {args: []string{"--keep-last", "1"}, want: "would delete 3 images, keep 1"},
		"a variable":      {env: map[string]string{"REGSWEEP_KEEP_LAST": "2"}, want: "would delete 2 images, keep 2"},
		"another setting": {args: []string{"--protect", "b1"}, want: "nothing to delete, kept 4"},
	} {
		got := sweep(t, reg, c.env, append([]string{reg.Host() + "/team/web", "--dry-run", "--output", "line"}, c.args...)...)
		if got.code != 0 || !strings.Contains(got.stdout, c.want) {
			t.Errorf("%s: exit %d\n%s%s\nwant %q", name, got.code, got.stdout, got.stderr, c.want)
		}
	}
	if got := sweep(t, reg, nil, reg.Host()+"/team/web", "--dry-run"); !strings.Contains(got.stdout, "keep the last 3; protect latest; from .regsweep.yml:2; dry run\n") {
		t.Errorf("the report does not name the file:\n%s", got.stdout)
	}
}

// A mistake in the default file is told with its place, and nothing is deleted. Where a flag has the keep rule, the file is
// not read.
func TestBadDefaultPolicyFile(t *testing.T) {
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 2)
	inFolder(t, "policies:\n  - repositories: team/web\n    keep-lst: 3\n")
	got := sweep(t, reg, nil, reg.Host()+"/team/web")
	if got.code != 2 || !strings.HasPrefix(got.stderr, `regsweep: .regsweep.yml:3:5: unknown key "keep-lst"`) {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if got := sweep(t, reg, nil, reg.Host()+"/team/web", "--keep-last", "2"); got.code != 0 {
		t.Errorf("with a keep rule: exit %d\n%s", got.code, got.stderr)
	}
}

// A default file that is there and cannot be read is an error: it may say what to keep.
func TestUnreadableDefaultPolicyFile(t *testing.T) {
	reg := registrytest.New(t, registrytest.Options{})
	t.Chdir(t.TempDir())
	if err := os.Mkdir(policy.DefaultFile, 0o700); err != nil {
		t.Fatal(err)
	}
	got := sweep(t, reg, nil, reg.Host()+"/team/web")
	if got.code != 2 || !strings.HasPrefix(got.stderr, "regsweep: policy file: ") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}

// A check says which policy a repository gets, and from where; without one it goes on.
func TestCheckPolicy(t *testing.T) {
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 2)
	t.Chdir(t.TempDir())
	name := reg.Host() + "/team/web"
	r, got := check(t, reg, nil, name)
	if text := r.text("policy"); got.code != 0 || !strings.HasPrefix(text, "no keep rule was given") || !strings.Contains(text, "--keep-last 5") {
		t.Errorf("without a rule: exit %d, %q", got.code, text)
	}
	r, _ = check(t, reg, map[string]string{"REGSWEEP_KEEP_LAST": "4"}, name)
	if text := r.text("policy"); !strings.HasPrefix(text, "keep the last 4; protect latest; from the flags and variables") {
		t.Errorf("by a variable: %q", text)
	}
	inFolder(t, "policies:\n  - repositories: other\n    keep-last: 1\n  - repositories: team/*\n    keep-daily: 7\n")
	r, _ = check(t, reg, nil, name)
	if text := r.text("policy"); !strings.HasPrefix(text, "keep the newest of each of the last 7 days; protect latest; from .regsweep.yml:4") {
		t.Errorf("by the file: %q", text)
	}
	inFolder(t, "policies:\n  - repositories: other\n")
	if got := sweep(t, reg, nil, "check", name); got.code != 2 || !strings.Contains(got.stderr, ".regsweep.yml:2:5: no keep rule") {
		t.Errorf("a bad file: exit %d\n%s", got.code, got.stderr)
	}
}

// --scope, its variable and its key are other names of --tags.
func TestScope(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 4)
	file := policyIn(t, reg, "policies:\n  - repositories: team/web\n    keep-last: 1\n    scope: b[12]\n")
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"a flag":              {args: []string{"--keep-last", "1", "--scope", "b[12]"}},
		"the old flag":        {args: []string{"--keep-last", "1", "--tags", "b[12]"}},
		"a variable":          {env: map[string]string{"REGSWEEP_SCOPE": "b[12]"}, args: []string{"--keep-last", "1"}},
		"a key":               {args: []string{"--policy", file}},
		"the action's input":  {env: map[string]string{"INPUT_SCOPE": "b[12]"}, args: []string{"--keep-last", "1"}},
		"the flag goes first": {env: map[string]string{"REGSWEEP_SCOPE": "b4"}, args: []string{"--keep-last", "1", "--scope=b[12]"}},
	} {
		got := sweep(t, reg, c.env, append([]string{"HOST/team/web", "--dry-run", "--output", "line"}, c.args...)...)
		if got.code != 0 || !strings.Contains(got.stdout, "would delete 1 image, keep 3") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	twice := policyIn(t, reg, "policies:\n  - repositories: team/web\n    keep-last: 1\n    scope: b1\n    tags: b2\n")
	if got := sweep(t, reg, nil, "HOST/team/web", "--policy", twice); got.code != exitUsage || !strings.Contains(got.stderr, "the key tags appears twice") {
		t.Errorf("both keys: exit %d\n%s", got.code, got.stderr)
	}
}
