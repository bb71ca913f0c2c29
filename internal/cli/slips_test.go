package cli

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// A slip that people make gets an answer that names the cure, and nothing is sent.
func TestSlips(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for line, want := range map[string][]string{
		"HOST/a/b -keep-last 5":                 {"unknown flag -keep-last: flags begin with two dashes", "did you mean --keep-last?"},
		"HOST/a/b -keep-last=5":                 {"unknown flag -keep-last=5: flags begin with two dashes", "did you mean --keep-last=5?"},
		"HOST/a/b -n":                           {"unknown flag -n", "regsweep calls it --dry-run"},
		"HOST/a/b -z":                           {"unknown flag -z", "there is -h alone"},
		"HOST/a/b -verbose":                     {"unknown flag -verbose: flags begin with two dashes"},
		"HOST/a/b --keep-last":                  {"--keep-last needs a value: --keep-last N"},
		"HOST/a/b --keep-last --dry-run":        {"--keep-last needs a value", `cannot be "--dry-run"`},
		"HOST/a/b --keep-younger-than -14d":     {`--keep-younger-than needs a value: --keep-younger-than AGE; it cannot be "-14d"`, "an age has no sign"},
		"HOST/a/b --keep-last=two":              {`"two" is not a whole number of at least 1`},
		"HOST/a/b --keep-last 1 --timeout 10":   {`--timeout: "10" has no unit: add s, m or h, as in 10m`},
		"HOST/a/b --keep-last 1 --timeout 2d":   {`--timeout: "2d" is not a duration`},
		"HOST/a/b --keep-within=30d":            {"unknown flag --keep-within", "regsweep calls it --keep-younger-than"},
		"HOST/a/b --older-than 30d":             {"unknown flag --older-than", "regsweep calls it --keep-younger-than"},
		"HOST/a/b --exclude x":                  {"unknown flag --exclude", "regsweep calls it --protect"},
		"HOST/a/b --name-regex-keep x":          {"unknown flag --name-regex-keep", "regsweep calls it --protect re:"},
		"HOST/a/b --format json":                {"unknown flag --format", "regsweep calls it --output"},
		"HOST/a/b --verbose":                    {"unknown flag --verbose", "--report x.json"},
		"HOST/a/b --password secret":            {"unknown flag --password: an argument is visible", "--password-file FILE"},
		"http://HOST/a/b --keep-last 1":         {"leave out http://"},
		"HOST/a/b/ --keep-last 1":               {"leave out the slash at the end"},
		"HOST/Team/Web --keep-last 1":           {"write it in lower case, team/web"},
		"HOST --keep-last 1":                    {"it names a registry and no repository", "HOST/** is every repository"},
		"HOST/ --keep-last 1":                   {"it names a registry and no repository"},
		"'HOST/a/*' --keep-last 1":              {"it has a quote in it"},
		"team/web --keep-last 1":                {"must begin with the registry's host"},
		"HOST/* --keep-last 1":                  {"matches the pattern", "** matches any text"},
		"purne HOST/a/b --keep-last 1":          {`no command is called "purne"`, "did you mean prune?"},
		"":                                      {"no keep rule was given", "--keep-last 5", "Usage: regsweep <command> [flags]"},
		"HOST/a/b --keep-last 1 --report x.csv": {`unknown ending ".csv"`},
		"HOST/a/b --keep-last 1 --report -":     {`"-" has no ending`},
	} {
		got := sweep(t, reg, nil, strings.Fields(line)...)
		if got.code != exitUsage {
			t.Errorf("%q: exit %d\n%s", line, got.code, got.stderr)
		}
		for _, text := range want {
			if !strings.Contains(got.stderr, strings.ReplaceAll(text, "HOST", reg.Host())) {
				t.Errorf("%q: want %q in\n%s", line, text, got.stderr)
			}
		}
		if strings.Contains(got.stderr, "secret") {
			t.Errorf("%q: a password is shown:\n%s", line, got.stderr)
		}
	}
	if n := reg.Count("*", "*"); n > 1 { // the catalog, for the pattern
		t.Errorf("%d requests were sent", n)
	}
}

// help and version are words that many programs take.
func TestWordsForFlags(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for word, flag := range map[string]string{"help": "--help", "version": "--version", "help gc": "gc --help", "help nothing": "--help"} {
		said, want := sweep(t, reg, nil, strings.Fields(word)...), sweep(t, reg, nil, strings.Fields(flag)...)
		if said.code != 0 || said.stdout != want.stdout || said.stdout == "" {
			t.Errorf("%s: exit %d\n%s%s", word, said.code, said.stdout, said.stderr)
		}
	}
}
