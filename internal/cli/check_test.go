package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// checkReport is what a program reads of a check.
type checkReport struct {
	ExitCode    int  `json:"exit_code"`
	Probed      bool `json:"probed"`
	NotLookedAt int  `json:"not_looked_at"`
	Checks      []struct {
		About, Name  string
		RegistryKind *string `json:"registry_kind"`
		Lines        []struct {
			Topic, State, Text, Hint string
			Count, Of                *int64
		}
	}
}

// states are the states of the lines of a kind of section, as topic=state. The policy is in each section, see
// TestCheckPolicy.
func (r checkReport) states(about string) string {
	var out []string
	for _, c := range r.Checks {
		for _, l := range c.Lines {
			if c.About == about && l.Topic != "policy" {
				out = append(out, l.Topic+"="+l.State)
			}
		}
	}
	return strings.Join(out, " ")
}

// text is what the first line on a topic says, with its hint.
func (r checkReport) text(topic string) string {
	for _, c := range r.Checks {
		for _, l := range c.Lines {
			if l.Topic == topic {
				return l.Text + "\n" + l.Hint
			}
		}
	}
	return ""
}

// check runs a check and reads its report.
func check(t *testing.T, reg *registrytest.Registry, env map[string]string, args ...string) (checkReport, outcome) {
	t.Helper()
	got := sweep(t, reg, env, append([]string{"check", "--output", "json"}, args...)...)
	var r checkReport
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", got.code, err, got.stdout, got.stderr)
	}
	if r.ExitCode != got.code {
		t.Errorf("the report says exit %d, the program %d", r.ExitCode, got.code)
	}
	return r, got
}

const checkPassword = "s3cret-of-ci"

// withLogin are registries that know one login, and the environment that has it.
var withLogin = map[string]string{"REGSWEEP_USERNAME": "ci", "REGSWEEP_PASSWORD": checkPassword}

func locked(o registrytest.Options) registrytest.Options {
	o.Username, o.Password = "ci", checkPassword
	return o
}

// readable is what a plain registry has to say of a repository that can be read.
const readable = " tags=ok untagged=no push_times=no build_dates=ok referrers=no "

func TestCheck(t *testing.T) {
	t.Parallel()
	token := locked(registrytest.Options{Auth: registrytest.TokenAuth})
	jwt := locked(registrytest.Options{Auth: registrytest.TokenAuth, JWT: true})
	less := func(o registrytest.Options) registrytest.Options {
		o.Deny = []string{"delete"}
		return o
	}
	for name, c := range map[string]struct {
		options registrytest.Options
		env     map[string]string
		flags   []string
		code    int
		states  string
		says    map[string]string // by topic; "" as topic is standard error
	}{
		"open":                   {states: "registry=ok login=no read=ok" + readable + "delete=unknown", says: map[string]string{"delete": "--probe asks", "read": "without a login"}},
		"open, asked to delete":  {flags: []string{"--probe"}, states: "registry=ok login=no read=ok" + readable + "delete=ok", says: map[string]string{"delete": "by digest and by tag"}},
		"a digest alone":         {options: registrytest.Options{Version: registrytest.V2}, flags: []string{"--probe"}, states: "registry=ok login=no read=ok" + readable + "delete=ok", says: map[string]string{"delete": "by digest alone"}},
		"deletion is disabled":   {options: registrytest.Options{DisableDelete: true}, flags: []string{"--probe"}, code: exitRegistry, states: "registry=ok login=no read=ok" + readable + "delete=problem", says: map[string]string{"delete": "set storage.delete.enabled: true", "": "hint: in the registry's config.yml set storage.delete.enabled"}},
		"it is read-only":        {options: registrytest.Options{ReadOnly: true}, flags: []string{"--probe"}, code: exitRegistry, states: "registry=ok login=no read=ok" + readable + "delete=problem", says: map[string]string{"delete": "read-only mode"}},
		"basic":                  {options: locked(registrytest.Options{Auth: registrytest.BasicAuth}), env: withLogin, states: "registry=ok login=ok read=ok" + readable + "delete=unknown", says: map[string]string{"login": "from --username with REGSWEEP_PASSWORD", "read": "this login may read"}},
		"closed":                 {options: locked(registrytest.Options{Auth: registrytest.BasicAuth}), code: exitRegistry, states: "registry=ok login=no read=problem", says: map[string]string{"read": "run docker login", "": "hint: run docker login"}},
		"a wrong password":       {options: locked(registrytest.Options{Auth: registrytest.TokenAuth}), env: map[string]string{"REGSWEEP_USERNAME": "ci", "REGSWEEP_PASSWORD": "s3cret-wrong"}, code: exitRegistry, states: "registry=ok login=ok read=problem"},
		"a token of its own":     {options: token, env: withLogin, states: "registry=ok login=ok read=ok" + readable + "delete=unknown"},
		"it may delete":          {options: token, env: withLogin, flags: []string{"--probe"}, states: "registry=ok login=ok read=ok" + readable + "delete=ok"},
		"it may not delete":      {options: less(token), env: withLogin, flags: []string{"--probe"}, code: exitRegistry, states: "registry=ok login=ok read=ok" + readable + "delete=problem", says: map[string]string{"delete": "this login may not delete"}},
		"the token grants it":    {options: jwt, env: withLogin, states: "registry=ok login=ok read=ok" + readable + "delete=ok", says: map[string]string{"delete": "--probe also shows whether deletion is enabled there"}},
		"it grants, it is off":   {options: registrytest.Options{Auth: registrytest.TokenAuth, JWT: true, DisableDelete: true}, flags: []string{"--probe"}, code: exitRegistry, states: "registry=ok login=no read=ok" + readable + "delete=problem"},
		"the token grants less":  {options: less(jwt), env: withLogin, code: exitRegistry, states: "registry=ok login=ok read=ok" + readable + "delete=problem", says: map[string]string{"delete": "it grants only pull\nthe registry knows the login"}},
		"anybody's token":        {options: less(registrytest.Options{Auth: registrytest.TokenAuth, JWT: true}), code: exitRegistry, states: "registry=ok login=no read=ok" + readable + "delete=problem", says: map[string]string{"login": "gives tokens without one", "delete": "run docker login"}},
		"no such repository":     {flags: []string{"HOST/team/typo"}, code: exitUsage, states: "registry=ok login=no read=ok" + readable + "delete=unknown registry=ok login=no read=problem", says: map[string]string{"": "/team/typo: the registry knows no such repository"}},
		"no repository matches":  {flags: []string{"HOST/nobody/*"}, code: exitUsage, states: "read=problem registry=ok login=no read=ok" + readable + "delete=unknown", says: map[string]string{"": "matches the pattern"}},
		"the kind that was said": {flags: []string{"--registry-kind", "zot", "--probe"}, states: "registry=ok login=no read=ok" + readable + "delete=ok", says: map[string]string{"registry": "zot (zot), as --registry-kind says", "delete": "by digest\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, c.options)
			builds(reg.Pusher(t, "team/app"), 4)
			before := reg.Tags("team/app")
			got, said := check(t, reg, c.env, append([]string{"HOST/team/app"}, c.flags...)...)
			if said.code != c.code || got.states("repository") != c.states {
				t.Errorf("exit %d, want %d\ngot  %s\nwant %s\n%s", said.code, c.code, got.states("repository"), c.states, said.stderr)
			}
			for topic, want := range c.says {
				text := got.text(topic)
				if topic == "" {
					text = said.stderr
				}
				if !strings.Contains(text, want) {
					t.Errorf("%s says %q, without %q", topic, text, want)
				}
			}
			if n := reg.Count("DELETE", "*"); got.Probed != (n > 0) && said.code != exitUsage || n > 3 || len(reg.Tags("team/app")) != len(before) || reg.Count("PUT", "*")+reg.Count("POST", "*") > 0 {
				t.Errorf("%d deletions were sent, and %d tags are left", n, len(reg.Tags("team/app")))
			}
			if all := said.stdout + said.stderr; strings.Contains(all, "s3cret") || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte("ci:"+checkPassword))) || strings.Contains(all, "token-") || strings.Contains(all, "eyJ") {
				t.Errorf("a secret:\n%s", all)
			}
		})
	}
}

// The login is named by its place, whoever gives it.
func TestCheckLogins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"a password file":    {nil, []string{"--username", "ci", "--password-file", "DIR/password"}, "from --username with --password-file"},
		"docker's":           {map[string]string{"DOCKER_CONFIG": "DIR"}, nil, "from DIR" + string(filepath.Separator) + "config.json"},
		"podman's":           {map[string]string{"REGISTRY_AUTH_FILE": "DIR/config.json"}, nil, "from DIR/config.json"},
		"the CI's":           {map[string]string{"CI_REGISTRY": "HOST", "CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": checkPassword}, nil, "from the CI's variables CI_REGISTRY_USER and CI_REGISTRY_PASSWORD"},
		"a broken file":      {map[string]string{"DOCKER_CONFIG": "DIR/broken"}, nil, "read docker's configuration DIR"},
		"a missing helper":   {map[string]string{"DOCKER_CONFIG": "DIR/helper"}, nil, "find the login for "},
		"another registry's": {map[string]string{"CI_REGISTRY": "other.example", "CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": checkPassword}, nil, "no login is known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, locked(registrytest.Options{Auth: registrytest.BasicAuth}))
			builds(reg.Pusher(t, "team/app"), 1)
			dir := t.TempDir()
			for file, text := range map[string]string{
				"password": checkPassword + "\n", "broken/config.json": "{",
				"config.json":        `{"auths": {"` + reg.Host() + `": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("ci:"+checkPassword)) + `"}}}`,
				"helper/config.json": `{"credHelpers": {"` + reg.Host() + `": "regsweep-that-does-not-exist"}}`,
			} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			fill := strings.NewReplacer("DIR", dir)
			env, args := map[string]string{}, []string{"HOST/team/app"}
			for k, v := range c.env {
				env[k] = fill.Replace(v)
			}
			for _, a := range c.args {
				args = append(args, fill.Replace(a))
			}
			got, said := check(t, reg, env, args...)
			if !strings.Contains(got.text("login"), fill.Replace(c.want)) {
				t.Errorf("got %q, want %q", got.text("login"), fill.Replace(c.want))
			}
			if strings.HasPrefix(c.want, "from ") != (said.code == exitDone) || strings.Contains(said.stdout+said.stderr, checkPassword) {
				t.Errorf("exit %d\n%s%s", said.code, said.stdout, said.stderr)
			}
		})
	}
}

// What a registry is can be told by its first answer; the referrers API by its own type.
func TestCheckRecognizes(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 1)
	header := func(r *registrytest.Response) { r.Header.Set("Server", "zot/2.1") }
	reg.AddFault(registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: header})
	reg.AddFault(registrytest.Fault{Path: "*/referrers/*", Times: -1, Status: http.StatusOK, Body: `{"schemaVersion":2,"manifests":[]}`, Header: http.Header{"Content-Type": {fixture.OCIIndex}}})
	got, said := check(t, reg, nil, "HOST/team/app")
	if said.code != exitDone || !strings.Contains(got.text("registry"), "zot (zot), told by its first answer") || !strings.Contains(got.text("referrers"), "serves the referrers API") || *got.Checks[0].RegistryKind != "zot" {
		t.Errorf("exit %d\n%s%s", said.code, said.stdout, said.stderr)
	}
}

// A pattern stands for the first few repositories, each of them once.
func TestCheckOfAPattern(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for _, path := range []string{"team/a", "team/b", "team/c", "team/d", "team/e", "team/f", "team/g", "other/x"} {
		builds(reg.Pusher(t, path), 1)
	}
	got, said := check(t, reg, nil, "HOST/team/a", "HOST/team/*")
	if said.code != exitDone || len(got.Checks) != 7 || got.NotLookedAt != 1 {
		t.Errorf("exit %d, %d sections, %d not looked at\n%s", said.code, len(got.Checks), got.NotLookedAt, said.stdout)
	}
	reg.AddFault(registrytest.Fault{Path: "*/_catalog", Times: -1, Status: http.StatusForbidden, Body: denied})
	if got, said := check(t, reg, nil, "HOST/team/*"); said.code != exitRegistry || !strings.Contains(got.text("read"), "does not list its repositories") {
		t.Errorf("exit %d\n%s%s", said.code, said.stdout, said.stderr)
	}
}

// The state folder is looked at and not made; the journal in it is read.
func TestCheckState(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 3)
	folder := filepath.Join(t.TempDir(), "state")
	got, said := check(t, reg, nil, "HOST/team/app", "--state-dir", folder)
	if _, err := os.Stat(folder); err == nil || said.code != exitDone || !strings.Contains(got.text("folder"), "does not exist yet") || !strings.Contains(got.text("unfinished"), "no earlier run") {
		t.Errorf("exit %d, %v\n%s", said.code, err, said.stdout)
	}
	if pruned := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "2", "--state-dir", folder); pruned.code != exitDone {
		t.Fatal(pruned)
	}
	before := listing(t, folder)
	if got, said = check(t, reg, nil, "HOST/team/app", "--state-dir", folder); said.code != exitDone || got.states("state") != "folder=ok" || listing(t, folder) != before {
		t.Errorf("exit %d, %s\n%s", said.code, got.states("state"), listing(t, folder))
	}
	for _, journal := range journals(t, folder) {
		if err := os.WriteFile(journal, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, said = check(t, reg, nil, "HOST/team/app", "--state-dir", folder); said.code != exitDone || !strings.Contains(got.text("unfinished"), "it is not a journal") {
		t.Errorf("exit %d, %s", said.code, got.text("unfinished"))
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, said = check(t, reg, nil, "HOST/team/app", "--state-dir", file); said.code != exitRegistry || got.states("state") != "folder=problem" {
		t.Errorf("exit %d, %s", said.code, got.states("state"))
	}
	if got, said = check(t, reg, map[string]string{"XDG_CACHE_HOME": file}, "HOST/team/app"); said.code != exitDone || got.states("state") != "folder=no" {
		t.Errorf("exit %d, %s", said.code, got.states("state"))
	}
}

// listing names what is in a folder.
func listing(t *testing.T, folder string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		out = append(out, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// journals are the journals that the lock files in a state folder belong to.
func journals(t *testing.T, folder string) []string {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(folder, "journal", "*.lock"))
	if err != nil || len(locks) == 0 {
		t.Fatalf("no journal: %v", err)
	}
	for i := range locks {
		locks[i] = strings.TrimSuffix(locks[i], ".lock")
	}
	return locks
}

func TestCheckBadInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nothing to check":      {[]string{"check"}, "no image is named"},
		"no host":               {[]string{"check", "team"}, "must begin with the registry's host"},
		"an unknown kind":       {[]string{"check", "HOST/a", "--registry-kind", "x"}, "unknown kind of registry"},
		"an unknown form":       {[]string{"check", "HOST/a", "--output", "html"}, "--output"},
		"a report without form": {[]string{"check", "HOST/a", "--report", "TMP/x.html"}, "--report"},
		"an unknown CI":         {[]string{"check", "HOST/a", "--ci", "travis"}, "--ci"},
		"a keep rule":           {[]string{"check", "HOST/a", "--keep-last", "2"}, "unknown flag --keep-last"},
		"a user without":        {[]string{"check", "HOST/a", "--username", "x"}, "a login needs both"},
		"an unknown target":     {[]string{"check", "HOST/a", "--gc-via", "ftp://x"}, "a check stops nothing"},
		"two registries":        {[]string{"check", "HOST/a", "other.example/b", "--gc-via", "local:"}, "one registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			got := sweep(t, reg, nil, c.args...)
			if got.code != exitUsage || !strings.Contains(got.stderr, c.says) || len(reg.Requests()) > 0 {
				t.Errorf("exit %d, want %q\n%s", got.code, c.says, got.stderr)
			}
		})
	}
}

// The reports have what standard output has.
func TestCheckReports(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 2)
	dir := t.TempDir()
	got := sweep(t, reg, map[string]string{"REGSWEEP_REPORT": dir + "/c.md," + dir + "/c.json"}, "check", "HOST/team/app", "--probe", "--report", dir+"/c.txt")
	if got.code != exitDone || got.stderr != "" || !strings.HasSuffix(got.stdout, "\na prune would work\n") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if text, err := os.ReadFile(dir + "/c.txt"); err != nil || string(text) != got.stdout {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestCheckIsCancelled(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 2)
	ctx, cancel := context.WithCancel(t.Context())
	reg.AddFault(registrytest.Fault{Path: "*/tags/list", Before: cancel, Until: ctx.Done()})
	got := sweepUntil(t, ctx, reg, nil, "check", "HOST/team/app", "--probe")
	if got.code != exitCancelled || reg.Count("DELETE", "*") > 0 {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// Where a garbage collection cannot be run, the check says so, and nothing is stopped.
func TestCheckGC(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 2)
	got, said := check(t, reg, nil, "HOST/team/app", "--gc-via", "local:", "--gc-binary", "/does/not/exist", "--gc-config", "/does/not/exist.yml")
	if said.code != exitRegistry || got.states("gc") != "host=problem" || !strings.Contains(got.text("host"), "--gc-binary") {
		t.Errorf("exit %d, %s: %s\n%s", said.code, got.states("gc"), got.text("host"), said.stderr)
	}
}
