package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// progress is what a slow machine gets to see.
var progress = regexp.MustCompile(`(?m)^regsweep: [^ ]+/zdtest/[^ ]+: \d+ of \d+ deletions\n`)

func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var stdout, stderr bytes.Buffer
	code, err := demo{nil, &stdout, &stderr}.run(t.Context())
	if rest := progress.ReplaceAllString(stderr.String(), ""); err != nil || code != 0 || rest != "" {
		t.Fatalf("got code %d, %v, %s; want 0 and nothing but progress on stderr", code, err, rest)
	}
	_, after, _ := strings.Cut(stdout.String(), "What the registry has now:")
	for _, want := range []string{
		"1034 1089 1101 1102 latest release-1.0 release-1.1", // shared digests
		"290 310 311 release-1.0 and 3 signatures",
		"465 466 latest",           // indexes
		"44 57 58",                 // undated
		"84 85 86 87",              // one image with three tags
		"1571 1573 1574 latest st", // just built
	} {
		if !strings.Contains(after, want) {
			t.Errorf("want %q left, got:\n%s", want, after)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheCallersRuleReplacesTheDemos(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing said", nil, "$ regsweep 'r:5000/zdtest/*' --keep-last 2 --tags '[0-9]*' --report regsweep.json"},
		{"a keep rule", []string{"--keep-younger-than", "7d"}, "$ regsweep 'r:5000/zdtest/*' --tags '[0-9]*' --report regsweep.json --keep-younger-than 7d"},
		{"tags", []string{"--tags=1*"}, "$ regsweep 'r:5000/zdtest/*' --keep-last 2 --report regsweep.json '--tags=1*'"},
		{"another flag", []string{"--dry-run"}, "$ regsweep 'r:5000/zdtest/*' --keep-last 2 --tags '[0-9]*' --report regsweep.json --dry-run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := strings.TrimSpace(step{host: "r:5000", args: test.args}.typed())
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
