package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// policyIn writes a policy file, in which HOST stands for the registry.
func policyIn(t *testing.T, reg *registrytest.Registry, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "regsweep.yml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "HOST", reg.Host())), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Everything that is wrong with a policy file is found before anything is sent to a registry, and said in one line.
func TestBadPolicyFile(t *testing.T) {
	t.Parallel()
	entry := func(lines string) string { return "policies:\n  - repositories: [\"**\"]\n" + lines }
	for name, c := range map[string]struct {
		text string
		args []string
		want string
		hint string
	}{
		"empty":                        {text: "", want: "FILE: the file is empty: a mapping with the key policies is expected"},
		"a comment alone":              {text: "# nothing\n---\n", want: "FILE: the file is empty: a mapping with the key policies is expected"},
		"no YAML":                      {text: "policies: [\n", want: "FILE:1:11: not YAML: sequence end token ']' not found"},
		"deep brackets":                {text: "policies:\n  " + strings.Repeat("[", 1<<18), want: "FILE:2:1: nested too deeply"},
		"deep lists":                   {text: strings.Repeat("- ", 1<<18), want: "FILE:1:1: nested too deeply"},
		"tabs":                         {text: "policies:\n\t- repositories: a\n", want: "FILE:2:1: not YAML: found character '\\t' that cannot start any token"},
		"no text":                      {text: "\xff\xfe", want: "FILE: not UTF-8 text"},
		"another kind of file":         {text: "just text\n", want: "FILE:1:1: a mapping with the key policies is expected"},
		"a list":                       {text: "- repositories: [a]\n", want: "FILE:1:1: a mapping with the key policies is expected"},
		"larger than 1 MiB":            {text: strings.Repeat("# 4567890123456\n", 1<<16) + "\n", want: "FILE: larger than 1 MiB"},
		"two documents":                {text: entry("    keep-last: 1\n---\npolicies:\n"), want: "FILE:5:1: a second document: a policy file has only one"},
		"no policies":                  {text: "{}\n", want: "FILE: it contains no policy"},
		"policies of nothing":          {text: "policies:\n", want: "FILE:1:1: policies has no value"},
		"an empty list":                {text: "policies: []\n", want: "FILE:1:11: the list of policies is empty"},
		"a policy that is a text":      {text: "policies:\n  - web\n", want: "FILE:2:5: a mapping with the key repositories is expected"},
		"an entry of nothing":          {text: "policies:\n  -\n", want: "FILE:2:5: a mapping with the key repositories is expected"},
		"an empty entry":               {text: "policies:\n  - {}\n", want: "FILE:2:5: the entry has no key repositories, which says what it applies to"},
		"no repositories":              {text: "policies:\n  - keep-last: 1\n", want: "FILE:2:5: the entry has no key repositories, which says what it applies to"},
		"an empty list of them":        {text: "policies:\n  - repositories: []\n    keep-last: 1\n", want: "FILE:2:19: the list of repositories is empty"},
		"an unknown key at the top":    {text: "policy: []\n", want: `FILE:1:1: unknown key "policy"`, hint: "the keys here are policies"},
		"an unknown key":               {text: entry("    keep-lst: 1\n"), want: `FILE:3:5: unknown key "keep-lst"`, hint: "did you mean keep-last? The keys here are repositories, keep-last, "},
		"a flag that is no key":        {text: entry("    keep-last: 1\n    dry-run: true\n"), want: `FILE:4:5: unknown key "dry-run"`, hint: "the keys here are"},
		"an empty key":                 {text: entry("    '': 1\n"), want: `FILE:3:5: unknown key ""`},
		"a merge key":                  {text: entry("    <<: {keep-last: 1}\n"), want: `FILE:3:5: unknown key "<<"`},
		"a key given twice":            {text: entry("    keep-last: 1\n    keep-last: 2\n"), want: `FILE:4:5: not YAML: mapping key "keep-last" already defined at [3:5]`},
		"a key given twice, in quotes": {text: entry("    keep-last: 1\n    'keep-last': 2\n"), want: `FILE:4:5: `},
		"policies given twice":         {text: entry("    keep-last: 1\npolicies: []\n"), want: `FILE:4:1: not YAML: mapping key "policies" already defined at [1:1]`},
		"a star without quotes":        {text: "policies:\n  - repositories: [**]\n", want: "FILE:2:21: not YAML: ", hint: "put quotes around what begins with a star"},
		"a star that makes an alias":   {text: "policies:\n  - repositories: [*-api]\n    keep-last: 1\n", want: "FILE:2:20: repositories: anchors and aliases are not supported", hint: "put quotes around"},
		"an anchor":                    {text: entry("    protect: &p latest\n    keep-last: 1\n"), want: "FILE:3:14: protect: anchors and aliases are not supported"},
		"a repository with a tag":      {text: "policies:\n  - repositories: [\"team/web:1.0\"]\n", want: `FILE:2:20: repositories: "team/web:1.0" can match no repository`},
		"a repository with a scheme":   {text: "policies:\n  - repositories: https://registry.example.com/web\n", want: "FILE:2:19: repositories: \"https://registry.example.com/web\" can match no repository"},
		"a repository in upper case":   {text: "policies:\n  - repositories: Team/*\n", want: "FILE:2:19: repositories: "},
		"a glob of characters":         {text: "policies:\n  - repositories: \"team/[ab]\"\n", want: "FILE:2:19: repositories: "},
		"a list in a list":             {text: "policies:\n  - repositories: [[web]]\n", want: "FILE:2:20: repositories: a plain value is expected, not a sequence"},
		"a count of zero":              {text: entry("    keep-last: 0\n"), want: `FILE:3:16: keep-last: "0" is not a whole number of at least 1`},
		"a negative count":             {text: entry("    keep-daily: -7\n"), want: `FILE:3:17: keep-daily: "-7" is not a whole number of at least 1`},
		"a count in words":             {text: entry("    keep-last: two\n"), want: `FILE:3:16: keep-last: "two" is not a whole number of at least 1`},
		"a count beyond all numbers":   {text: entry("    keep-last: 99999999999999999999\n"), want: `FILE:3:16: keep-last: "99999999999999999999" is not`},
		"a fraction":                   {text: entry("    keep-last: 1.5\n"), want: `FILE:3:16: keep-last: "1.5" is not`},
		"a list of counts":             {text: entry("    keep-last: [1, 2]\n"), want: "FILE:3:16: keep-last: a plain value is expected, not a sequence"},
		"a count of nothing":           {text: entry("    keep-last:\n"), want: "FILE:3:5: keep-last has no value"},
		"an empty text":                {text: entry("    keep-last: 1\n    protect: ''\n"), want: "FILE:4:14: protect has no value"},
		"an age without a unit":        {text: entry("    keep-younger-than: 14\n"), want: `FILE:3:24: keep-younger-than: "14" has no unit`},
		"an age that overflows":        {text: entry("    keep-younger-than: 999999d\n"), want: `FILE:3:24: keep-younger-than: "999999d" is more than a hundred years`},
		"a bad semver rule":            {text: entry("    keep-semver: 3/patch\n"), want: `FILE:3:18: keep-semver: "3/patch" is not a number of versions`},
		"a group-by without anchors":   {text: entry("    keep-last: 1\n    group-by: (.+)-[0-9]+\n"), want: `FILE:4:15: group-by: "(.+)-[0-9]+" is not anchored`},
		"a group-by without a group":   {text: entry("    keep-last: 1\n    group-by: ^main$\n"), want: `FILE:4:15: group-by: "^main$" has no capture group`},
		"a group-by of nonsense":       {text: entry("    keep-last: 1\n    group-by: \"(\"\n"), want: `FILE:4:15: group-by: "(" is not a regular expression`},
		"a bad glob":                   {text: entry("    keep-last: 1\n    protect: [latest, 'release-[']\n"), want: `FILE:4:23: protect: pattern "release-[" is not a glob`},
		"a bad expression":             {text: entry("    keep-last: 1\n    tags:\n      - b*\n      - re:(\n"), want: `FILE:6:9: tags: pattern "re:(" is not a regular expression`},
		"a scope of a comma":           {text: entry("    keep-last: 1\n    tags: ','\n"), want: `FILE:4:11: tags: the list has no pattern`},
		"a protection of no list":      {text: entry("    keep-last: 1\n    protect: []\n"), want: `FILE:4:14: the list of protect is empty`},
		"a hole in a list":             {text: entry("    keep-last: 1\n    tags: [b*, ~]\n"), want: `FILE:4:16: tags has no value`},
		"an unknown order":             {text: entry("    keep-last: 1\n    sort: size\n"), want: `FILE:4:11: sort: unknown sort "size"`},
		"an unknown treatment":         {text: entry("    keep-last: 1\n    undated: newest\n"), want: `FILE:4:14: undated: unknown undated "newest"`},
		"a bad limit":                  {text: entry("    keep-last: 1\n    max-delete: 101%\n"), want: `FILE:4:17: max-delete: "101%" is not a limit`},
		"no keep rule":                 {text: entry("    protect: latest\n"), want: "FILE:2:5: no keep rule was given", hint: "give the entry a keep rule, such as keep-last: 5"},
		"the second has no keep rule":  {text: entry("    keep-last: 1\n  - repositories: b\n"), want: "FILE:4:5: no keep rule was given"},
		"expiry without groups":        {text: entry("    keep-last: 1\n    expire-groups: 30d\n"), want: "FILE:2:5: expire-groups needs group-by"},
		"expiry by a flag, no groups":  {text: entry("    keep-last: 1\n"), args: []string{"--expire-groups", "30d"}, want: "FILE:2:5: expire-groups needs group-by"},
		"no such file":                 {args: []string{"--policy", "TMP/none.yml"}, want: "TMP/none.yml: " + noFile},
		"a folder":                     {args: []string{"--policy", "TMP"}, want: "TMP: " + isFolder},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app"), 3)
			before := reg.Count("*", "*")
			file := policyIn(t, reg, c.text)
			got := sweep(t, reg, map[string]string{"REGSWEEP_POLICY": file}, append([]string{"HOST/team/app"}, c.args...)...)
			lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
			want := "regsweep: --policy " + strings.Replace(c.want, "FILE", file, 1)
			if c.text == "" && c.args != nil {
				_, end, _ := strings.Cut(c.want, "TMP")
				if !strings.HasPrefix(lines[0], "regsweep: --policy: ") || !strings.HasSuffix(lines[0], end) {
					t.Errorf("got %q, want … %q", lines[0], end)
				}
			} else if !strings.HasPrefix(lines[0], want) {
				t.Errorf("got  %q\nwant %q", lines[0], want)
			}
			if c.hint != "" && (len(lines) != 2 || !strings.HasPrefix(lines[1], "regsweep: hint: "+c.hint)) {
				t.Errorf("got %q, want the hint %q", lines[1:], c.hint)
			}
			if len(lines) > 2 || got.code != exitUsage || got.stdout != "" {
				t.Errorf("exit %d, want %d, in one line and a hint:\n%s%s", got.code, exitUsage, got.stdout, got.stderr)
			}
			if after := reg.Count("*", "*"); after != before {
				t.Errorf("%d requests were sent", after-before)
			}
		})
	}
}

func TestPolicyFile(t *testing.T) {
	t.Parallel()
	const two = "policies:\n  - repositories: [team/a]\n    keep-last: 2\n  - repositories: [\"team/*\"]\n    keep-last: 3\n"
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		args []string
		code int
		left map[string]int // of five each; 5 when not named
		says []string
	}{
		"the first that matches wins": {text: two, args: []string{"HOST/team/a", "HOST/team/b"}, left: map[string]int{"team/a": 2, "team/b": 3}},
		"the order decides": {
			text: "policies:\n  - {repositories: \"**\", keep-last: 4}\n  - {repositories: team/a, keep-last: 1}\n",
			args: []string{"HOST/team/a"}, left: map[string]int{"team/a": 4},
			says: []string{"regsweep: warning: --policy FILE:3:5: no repository can reach this entry"},
		},
		"patterns of the catalog": {text: two, args: []string{"HOST/team/*"}, left: map[string]int{"team/a": 2, "team/b": 3}},
		"nobody asked for a repository of the file": {
			text: two, args: []string{"HOST/team/b"}, left: map[string]int{"team/b": 3},
			says: []string{"regsweep: warning: --policy FILE: the entry at line 2 matches no repository of this run"},
		},
		"a flag goes before the key": {
			text: two, args: []string{"HOST/team/a", "HOST/team/b", "--keep-last", "1"}, left: map[string]int{"team/a": 1, "team/b": 1},
		},
		"so does the environment": {
			text: two, env: map[string]string{"INPUT_KEEP-LAST": "4"}, args: []string{"HOST/team/a", "HOST/team/b"},
			left: map[string]int{"team/a": 4, "team/b": 4},
		},
		"a flag of another name is added": {
			text: two, args: []string{"HOST/team/a", "--protect", "b1"}, left: map[string]int{"team/a": 3},
		},
		"a flag's list replaces the key's": {
			text: "policies:\n  - {repositories: team/a, keep-last: 1, protect: [b1, b2]}\n",
			args: []string{"HOST/team/a", "--protect", "b3"}, left: map[string]int{"team/a": 2},
		},
		"a flag is the keep rule of an entry": {
			text: "policies:\n  - {repositories: team/a, protect: b1}\n  - {repositories: team/b, sort: name}\n",
			args: []string{"HOST/team/a", "HOST/team/b", "--keep-last", "2"}, left: map[string]int{"team/a": 3, "team/b": 2},
		},
		"the flags alone are for the others": {
			text: two, args: []string{"HOST/team/a", "HOST/other/d", "--keep-last", "1"}, left: map[string]int{"team/a": 1, "other/d": 1},
		},
		"a repository that no entry matches": {
			text: two, args: []string{"HOST/other/d", "HOST/team/a"}, code: exitUsage, left: map[string]int{"team/a": 2},
			says: []string{"regsweep: HOST/other/d: no entry of FILE matches this repository, and the flags have no keep rule; nothing was deleted\n", "regsweep: hint: add an entry for it, or one for \"**\""},
		},
		"and the flags are no policy": {
			text: "policies:\n  - {repositories: team/a, keep-last: 2, group-by: \"^(b)[0-9]$\"}\n",
			args: []string{"HOST/other/d", "HOST/team/a", "--keep-last", "1", "--expire-groups", "90d"}, code: exitUsage, left: map[string]int{"team/a": 1},
			says: []string{"the flags alone are not enough: expire-groups needs group-by"},
		},
		"a guard of an entry": {
			text: "policies:\n  - {repositories: team/a, keep-last: 1, max-delete: 20%}\n  - {repositories: \"**\", keep-last: 1}\n",
			args: []string{"HOST/team/a", "HOST/team/b"}, code: exitRefused, left: map[string]int{"team/b": 1},
			says: []string{"the plan deletes 4 of 5 images, the limit is 20%"},
		},
		"all keys": {
			text: `# yaml-language-server: $schema=policy.schema.json
policies:
  - repositories: ["HOST/team/a", "HOST/**/c"]
    keep-last: 1
    keep-younger-than: 36h
    keep-hourly: 1
    keep-daily: 1
    keep-weekly: 1
    keep-monthly: 1
    keep-yearly: 1
    keep-semver: 1/minor
    group-by: ^(b)[0-9]+$
    expire-groups: 1y
    tags: [b*, "re:x{1,2}"]
    protect:
      - latest
      - b1
    sort: name
    undated: oldest
    max-delete: 60%
`,
			args: []string{"HOST/team/a", "HOST/team/sub/c"}, left: map[string]int{"team/a": 3, "team/sub/c": 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			paths := []string{"team/a", "team/b", "team/sub/c", "other/d"}
			for _, path := range paths {
				builds(reg.Pusher(t, path), 5)
			}
			file := policyIn(t, reg, c.text)
			got := sweep(t, reg, c.env, append(c.args, "--policy", file)...)
			if got.code != c.code {
				t.Errorf("exit %d, want %d", got.code, c.code)
			}
			for _, path := range paths {
				want, asked := c.left[path]
				if !asked {
					want = 5
				}
				if n := len(reg.Tags(path)); n != want {
					t.Errorf("%s has %d tags, want %d", path, n, want)
				}
			}
			for _, s := range c.says {
				if s = strings.NewReplacer("HOST", reg.Host(), "FILE", file).Replace(s); !strings.Contains(got.stderr, s) {
					t.Errorf("stderr does not say %q", s)
				}
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
			}
		})
	}
}

// Each repository is reported under its own policy.
func TestPolicyFileInReports(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/a"), 3)
	builds(reg.Pusher(t, "team/b"), 3)
	file := policyIn(t, reg, "policies:\n  - {repositories: team/a, keep-last: 2}\n  - {repositories: team/b, keep-younger-than: 14d}\n")
	args := []string{"HOST/team/a", "HOST/team/b", "HOST/nowhere", "--policy", file, "--dry-run", "--output"}
	const a, b = "keep the last 2; protect latest", "keep what is younger than 14 days; protect latest"
	table := sweep(t, reg, nil, append(args, "table")...).stdout
	for _, want := range []string{"/team/a: " + a + "; dry run\n", "/team/b: " + b + "; dry run\n", "/nowhere: by " + file + "; dry run\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
	markdown := sweep(t, reg, nil, append(args, "markdown")...).stdout
	for _, want := range []string{"policy: by ", "policy: keep the last 2; protect latest\n", "policy: keep what is younger than 14 days; protect latest\n"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("the Markdown does not say %q:\n%s", want, markdown)
		}
	}
	json := readReport(t, []byte(sweep(t, reg, nil, append(args, "json")...).stdout))
	var got []string
	for _, r := range json.Repositories {
		got = append(got, r.Policy)
	}
	if want := []string{a, b, ""}; json.Policy != "by "+file || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("the JSON says %q and %q, want %q", json.Policy, got, want)
	}
	one := sweep(t, reg, nil, "HOST/team/a", "--policy", file, "--output", "markdown").stdout
	if !strings.Contains(one, "\npolicy: "+a+"\n") {
		t.Errorf("the Markdown of one repository does not say %q:\n%s", a, one)
	}
}
