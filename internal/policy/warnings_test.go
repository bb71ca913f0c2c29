package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestGlobCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		glob, other string
		want        bool
	}{
		{"**", "team/web", true},
		{"**", "**", true},
		{"**", "registry.example.com/team/*", true},
		{"**/**", "**", true},
		{"team/*", "team/web", true},
		{"team/*", "team/*", true},
		{"team/*", "team/*-api", true},
		{"team/*-api", "team/*", false},
		{"team/*", "team/**", false},
		{"team/**", "team/*", true},
		{"team/web", "team/web", true},
		{"team/web", "team/api", false},
		{"team/web", "registry.example.com/team/web", true},
		{"registry.example.com/team/web", "team/web", false},
		{"registry.example.com/**", "team/web", false},
		{"registry.example.com/**", "registry.example.com/team/web", true},
		{"*.example.com/**", "registry.example.com/team/*", true},
		{"*/team/web", "team/web", true},
		{"*/web", "web", true},
		{"*/*/web", "*/web", false},
		{"*", "web", true},
		{"*", "team/web", false},
		{"*/*", "team/web", true},
		{"*/*", "*", true},
		{"localhost:*/**", "localhost:5000/web", true},
		{"localhost:5000/**", "localhost:*/web", false},
		{"web", "*/web", false},
	} {
		if got := repositoryGlob(c.glob).covers(repositoryGlob(c.other)); got != c.want {
			t.Errorf("%s covers %s: %v", c.glob, c.other, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	const text = `policies:
  - {repositories: "team/*", keep-last: 1}
  - {repositories: [team/web, team/db], keep-last: 50}
  - repositories: [team/api, "other/**"]
    keep-last: 2
  - {repositories: third/web, keep-last: 2}
  - {repositories: fourth/web, keep-last: 2}
`
	file := filepath.Join(t.TempDir(), "p.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Read(Rules{}, file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	unreachable := "--policy " + file + ":3:5: no repository can reach this entry: earlier entries match all that it matches"
	for names, want := range map[string][]string{
		"":                            {unreachable},
		"team/x third/web":            {unreachable, "--policy " + file + ": the entries at lines 4, 7 match no repository of this run"},
		"team/x third/web fourth/web": {unreachable, "--policy " + file + ": the entry at line 4 matches no repository of this run"},
		"team/x third/web fourth/web other/a none": {unreachable},
	} {
		var repositories []oci.Repository
		for _, path := range strings.Fields(names) {
			repositories = append(repositories, oci.Repository{Host: "registry.example.com", Path: path})
		}
		if got := strings.Join(p.Warnings(repositories), "\n"); got != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", names, got, strings.Join(want, "\n"))
		}
	}
	if got := (Policies{}).Warnings([]oci.Repository{{}}); got != nil {
		t.Errorf("without a file: %q", got)
	}
}
